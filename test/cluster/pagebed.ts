import axe from 'axe-core'
import { afterAll, beforeAll, expect, inject } from 'vitest'
import { clusterOf } from '../../cluster/kubeconfig.ts'
import { type Feed, feedOf } from '../../ui/feed.ts'
import { filesOf } from '../../ui/files.ts'
import { type LocalOptions, localPart } from '../../ui/local.ts'
import { ui } from '../../ui/ui.ts'
import { chromium, type Page } from '../node/chromium.ts'
import { type FakeApi, fakeApi } from '../protocol/fakeapi.ts'
import { builtPage } from './builtpage.ts'
import type { Given } from './pagethings.ts'

/** The page of `kubectl substratus ui`, as it is built, in headless Chromium. */

/** Builds the page unless another file has, and starts a browser; both are there when tests begin. */
export function withPage() {
  let folder = ''
  let browser: Page
  beforeAll(async () => {
    folder = builtPage(inject('cluster').dir)
    browser = await chromium(1280, 800)
  }, 180_000)
  afterAll(() => browser?.close())
  return { folder: () => folder, browser: () => browser }
}

/** Serves the page for a kubeconfig until `end`. */
export async function served(folder: string, kubeconfig: string, namespace: string) {
  const lines: string[] = []
  let end = () => {}
  const interrupted = new Promise<NodeJS.Signals>((resolve) => {
    end = () => resolve('SIGINT')
  })
  let tell = (_address: string) => {}
  const address = new Promise<string>((resolve) => {
    tell = resolve
  })
  const code = ui(
    { cluster: clusterOf({ kubeconfig, namespace }), port: 0, browser: false, page: folder },
    {
      stdout: { write: (text) => tell(text.trim()) },
      stderr: { write: (text) => lines.push(text) },
      interrupted: () => interrupted,
      browse: async () => {},
      now: () => new Date().toISOString(),
    },
  )
  return {
    address: await address,
    lines,
    end: async () => {
      end()
      await code
    },
  }
}

const resources = ['datasets', 'models', 'modelservers', 'notebooks', 'jobs', 'pods', 'events']

/** Opens the page of a namespace in which nothing exists but what is pushed; `ends` receives what ends it. */
export const opening =
  (folder: () => string, browser: () => Page, ends: (() => Promise<unknown>)[]) =>
  async (
    given: Given,
    options: Partial<LocalOptions> = {},
    place = '#/list',
  ): Promise<{
    readonly feed: Feed
    readonly api: FakeApi
    readonly address: string
    readonly go: (place: string) => unknown
  }> => {
    const api = await fakeApi()
    api.posted = () => ({ status: { allowed: true } })
    const feed = feedOf(resources)
    for (const resource of resources) feed.push(resource, given[resource] ?? [], [])
    const { address, close } = await localPart({
      cluster: clusterOf({ kubeconfig: api.kubeconfig }),
      files: filesOf(folder()),
      feed,
      gateway: (_req, res) => res.end(),
      open: () => {},
      port: 0,
      ...options,
    })
    ends.push(close, api.close)
    await browser().go('about:blank')
    browser().complaints.length = 0
    await browser().go(address)
    await browser().untilTrue('document.querySelector("table")')
    const go = (to: string) => browser().ask(`location.hash = ${JSON.stringify(to)}; true`)
    await go(place)
    return { feed, api, address, go }
  }

/** What axe finds, a line each; it needs no right that the page's policy refuses. */
export async function foundByAxe(browser: Page): Promise<unknown> {
  await browser.ask(`${axe.source}; true`)
  return browser.ask(
    `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html)))`,
  )
}

/** The text of the page as a person reads it. */
export const textOf = (browser: Page, selector = 'body'): Promise<unknown> =>
  browser.ask(`document.querySelector(${JSON.stringify(selector)})?.innerText ?? ''`)

/** Waits until the page, or a part of it, shows a text. */
export const shows = (browser: Page, text: string, selector = 'body', seconds = 60) =>
  browser.untilTrue(
    `(document.querySelector(${JSON.stringify(selector)})?.innerText ?? '').includes(${JSON.stringify(text)})`,
    seconds,
  )

/** Presses a button or follows a link, by its name, once it is there. */
export async function press(browser: Page, name: string, selector = 'button, a, summary') {
  const found = `[...document.querySelectorAll(${JSON.stringify(selector)})].find((it) => it.textContent.trim() === ${JSON.stringify(name)})`
  await browser.untilTrue(found, 30)
  await browser.ask(`${found}.click()`)
}

/** Nothing that the browser complained of. */
export const expectNoComplaints = (browser: Page) => expect(browser.complaints).toEqual([])

/** Types a question to the server that is open, and asks it. */
export async function ask(browser: Page, question: string): Promise<void> {
  await browser.untilTrue('document.querySelector("textarea")')
  await browser.ask('document.querySelector("textarea").focus(); true')
  await browser.type(question)
  await press(browser, 'Ask')
}

/** What can be scrolled sideways; a graph can. */
export const tooWide = (browser: Page): Promise<unknown> =>
  browser.ask(
    `[...document.querySelectorAll('html, main > section:not(.graph)')]
      .filter((it) => {
        it.scrollLeft = 99
        return it.scrollLeft > 0
      })
      .map((it) => it.className || it.tagName)`,
  )
