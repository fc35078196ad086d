import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Sent } from '../../ui/wire.ts'
import { type FakeApi, fakeApi } from '../protocol/fakeapi.ts'
import {
  ask,
  expectNoComplaints,
  foundByAxe,
  opening,
  press,
  served,
  shows,
  textOf,
  tooWide,
  withPage,
} from './pagebed.ts'
import {
  answerOfChat,
  labelsOf,
  logOfTraining,
  pictured,
  podOf,
  progress,
  thing,
} from './pagethings.ts'

/** The page in front of somebody: how soon it is there, without a mouse, on which screen, and in the docs. */

const { folder, browser } = withPage()

const ends: (() => Promise<unknown>)[] = []
const opened = opening(folder, browser, ends)
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

describe('a thousand objects', () => {
  const many = Array.from({ length: 1000 }, (_, at) =>
    thing('Model', `m${at}`, {
      spec: at % 10 ? { model: { name: `m${at - (at % 10)}` } } : { image: 'example.com/m' },
    }),
  )

  /** Milliseconds from the start of the navigation to the first paint, and to the frame with all rows. */
  async function loaded(address: string): Promise<readonly [number, number]> {
    await browser().go('about:blank')
    await browser().go(address)
    const listed = await browser().ask(
      `new Promise((done) => {
        const look = () => document.querySelectorAll('tbody tr').length === 1000
          ? setTimeout(() => done(performance.now())) : requestAnimationFrame(look)
        look()
      })`,
    )
    const paint = 'performance.getEntriesByName("first-contentful-paint")[0].startTime'
    return [Number(await browser().ask(paint)), Number(listed)]
  }

  /** Milliseconds from the API server's answer to the frame that shows it. */
  async function changed(api: FakeApi, where: string, message: string): Promise<number> {
    const seen = browser().ask(
      `new Promise((done) => new MutationObserver((_, own) => {
        if (!document.querySelector('${where}').textContent.endsWith('${message}')) return
        own.disconnect()
        requestAnimationFrame(() => setTimeout(() => done(Date.now())))
      }).observe(document.querySelector('main'), { subtree: true, childList: true, characterData: true }))`,
    )
    // The observer is there when this is answered.
    await browser().ask('true')
    const began = Date.now()
    api.put(thing('Model', 'm0', { ready: `True Done: ${message}` }))
    return Number(await seen) - began
  }

  const median = (times: readonly number[]) =>
    Math.round(times.toSorted((a, b) => a - b)[times.length >> 1] ?? Number.POSITIVE_INFINITY)

  /** How many times longer than its CPU time a computation takes now: 1 if nothing else needs the machine. */
  function slowness(): number {
    const [began, used] = [performance.now(), process.cpuUsage()]
    const burnt = () => {
      const { user, system } = process.cpuUsage(used)
      return (user + system) / 1000
    }
    while (burnt() < 30);
    return Math.max(1, (performance.now() - began) / burnt())
  }

  /** On a machine that is busier than this, times say little: they are corrected by no more. */
  const slowest = 3

  /**
   * In one round, the median of five tries is in time, corrected for what other programs take. At most four
   * rounds count; another four are added while the machine is too busy.
   */
  async function isInTime(what: string, most: number, attempt: (at: number) => Promise<number>) {
    const rounds: { readonly took: number; readonly slow: number }[] = []
    const fastest = () => Math.min(...rounds.map(({ took, slow }) => took / slow))
    const counted = () => rounds.filter(({ slow }) => slow < slowest).length
    while (counted() < 4 && rounds.length < 8 && fastest() > most) {
      const before = slowness()
      const times: number[] = []
      for (let at = 0; at < 5; at++) times.push(await attempt(rounds.length * 5 + at))
      // The smaller one: a moment of other work beside the tries excuses nothing.
      rounds.push({ took: median(times), slow: Math.min(before, slowness(), slowest) })
    }
    const told = rounds.map(({ took, slow }) => `${took} ms at slowness ${slow.toFixed(1)}`)
    console.log(`1,000 objects: ${what}: ${told.join(', then ')}`)
    expect(fastest(), what).toBeLessThanOrEqual(most)
  }

  test('are painted first within 1 s, and a change within 200 ms, whatever is open', async () => {
    const api = await fakeApi()
    api.posted = () => ({ status: { allowed: true } })
    api.put(...many)
    const page = await served(folder(), api.kubeconfig, 'team')
    ends.push(page.end, api.close)
    browser().complaints.length = 0
    await isInTime('the first paint', 1000, async () => (await loaded(page.address))[0])
    // Nothing is promised about the whole list: this finds what is slower by far.
    await isInTime('the whole list', 2000, async () => (await loaded(page.address))[1])
    for (const [place, where, isThere] of [
      ['#/list', 'tbody tr .message', 'tbody tr'],
      ['#/list/models/m1', 'tbody tr .message', '.actions button'],
      ['#/graph', 'svg .node title', 'svg .node'],
      ['#/graph/models/m1', 'svg .node title', '.actions button'],
    ] as const) {
      await browser().ask(`location.hash = '${place}'; true`)
      await browser().untilTrue(`document.querySelector('${isThere}')`)
      await isInTime(`a change in ${place}`, 200, (at) => changed(api, where, `${place} ${at}`))
    }
    expect(await browser().ask('document.querySelectorAll("svg .node").length')).toBe(1000)
    expect(await browser().ask('document.querySelectorAll("svg .edge").length')).toBe(900)
    expectNoComplaints(browser())
  })

  test('are filtered as somebody types', async () => {
    await opened({ models: many })
    await shows(browser(), '1000 of 1000 objects')
    await browser().press('/')
    await browser().type('m99')
    await shows(browser(), '11 of 1000 objects')
    expectNoComplaints(browser())
  })
})

describe('without a mouse, and for a screen reader', () => {
  const objects = {
    datasets: [thing('Dataset', 'squad')],
    models: [
      thing('Model', 'base', { spec: { image: 'example.com/base' } }),
      thing('Model', 'tuned', {
        spec: { model: { name: 'base' }, dataset: { name: 'squad' }, params: { epochs: 3 } },
        ready: 'False Running: training',
        status: { progress: progress(2.5, 1.5, 0.5) },
      }),
    ],
    modelservers: [
      thing('ModelServer', 'chat', {
        spec: { model: { name: 'gone' } },
        ready: 'False ReferenceMissing: Model "gone" does not exist in this namespace',
      }),
    ],
    jobs: [
      {
        metadata: { name: 'tuned-run', uid: 'job', labels: labelsOf('tuned') },
        status: { active: 1, failed: 1 },
      } as Sent,
    ],
    pods: [podOf('tuned')],
  }
  const places = [
    '#/list',
    '#/list/models/tuned',
    '#/list/modelservers/chat',
    '#/graph',
    '#/graph/models/tuned',
    '#/compare/base/tuned',
  ]

  test.each([
    { on: 'a light screen', screen: {} },
    { on: 'a dark screen', screen: { isDark: true } },
    { on: 'a narrow screen', screen: { width: 360 } },
  ])('axe finds nothing on $on, and nothing is wider than it', async ({ screen }) => {
    const { go, feed, api } = await opened(objects, {
      gateway: (req, res) => {
        req.resume()
        res.end('data: {"choices": [{"delta": {"content": "Bonjour"}}]}\n')
      },
    })
    api.logs.set('tuned-run-1', 'step 1\n')
    const isFit = async () => {
      expect(await foundByAxe(browser())).toEqual([])
      expect(await tooWide(browser())).toEqual([])
    }
    await browser().emulate(screen)
    try {
      for (const place of places) {
        await go(place)
        if (place.startsWith('#/graph'))
          await browser().untilTrue('document.querySelector(".node")')
        if (place.includes('/models/')) {
          await shows(browser(), 'Suspend', '.details')
          await shows(
            browser(),
            'Running tuned-run 1 active, 1 failed',
            '[aria-labelledby=children]',
          )
        }
        await isFit()
      }
      await go('#/list/models/tuned')
      for (const part of ['Logs', 'YAML', 'Run again']) await press(browser(), part)
      await browser().ask('document.querySelector("details:last-of-type input").click(); true')
      await shows(browser(), 'step 1', '[role=log]')
      await shows(browser(), '# The base: a Model to train further', '.details')
      await shows(browser(), 'Run again now', '.actions')
      await isFit()
      await go('#/list/modelservers/chat')
      await ask(browser(), 'Hello')
      await shows(browser(), 'Bonjour', 'blockquote')
      for (const resource of ['models', 'jobs']) feed.trouble(resource, 'the connection was lost')
      await shows(browser(), 'models, jobs cannot be read', 'body > [role=status]')
      await isFit()
    } finally {
      await browser().emulate({})
    }
  })

  test('the keyboard finds, opens and closes an object', async () => {
    await opened(objects)
    await shows(browser(), '4 of 4 objects')
    await browser().press('/')
    await browser().type('tuned')
    await shows(browser(), '1 of 4 objects')
    const focused = () => browser().ask('document.activeElement?.innerText ?? ""')
    for (let at = 0; at < 5 && (await focused()) !== 'tuned'; at++) await browser().press('Tab')
    expect(await focused()).toBe('tuned')
    await browser().press('Enter')
    await shows(browser(), 'Model tuned', '.details h2')
    const isFocused = (name: string) =>
      browser().untilTrue(`document.activeElement?.innerText === ${JSON.stringify(name)}`, 20)
    await isFocused('Model tuned')
    const press = async (name: string) => {
      for (let at = 0; at < 9 && (await focused()) !== name; at++) await browser().press('Tab')
      expect(await focused()).toBe(name)
      await browser().press('Enter')
    }
    await shows(browser(), 'Run again', '.actions')
    await press('Run again')
    await isFocused('Cancel')
    await browser().press('Enter')
    await isFocused('Run again')
    await browser().press('Escape')
    await browser().untilTrue('!document.querySelector(".details")', 20)
    await isFocused('tuned')
    // Escape in the filter is about the filter.
    await press('tuned')
    await shows(browser(), 'Model tuned', '.details h2')
    await browser().press('/')
    await browser().press('Escape')
    await shows(browser(), 'Model tuned', '.details h2')
    // A checkbox has nothing to clear.
    await browser().ask('document.querySelector(".details summary").click(); true')
    await browser().untilTrue('document.querySelector(".details input[type=checkbox]")', 20)
    await browser().ask('document.querySelector(".details input[type=checkbox]").focus(); true')
    await browser().press('Escape')
    await browser().untilTrue('!document.querySelector(".details")', 20)
  })

  test('progress is told in words, and drawn', async () => {
    await opened(objects, {}, '#/list/models/tuned')
    await shows(browser(), '45%, 450 of 1000, loss 0.5, epoch 2', '.details')
    const label = 'document.querySelector("figure [role=img]")?.ariaLabel'
    expect(await browser().ask(label)).toBe('loss by step; tuned: from 2.5 at 0 to 0.5 at 20')
    await browser().untilTrue('document.querySelector("figure canvas")?.width > 100')
  })

  test('two Models are compared by what differs', async () => {
    await opened(objects, {}, '#/compare/base/tuned')
    await shows(browser(), 'spec.params.epochs', '.compare')
    expect(await textOf(browser(), '.compare tbody')).toBe(
      [
        'spec.dataset.name\t\tsquad',
        'spec.image\texample.com/base\t',
        'spec.model.name\t\tbase',
        'spec.params.epochs\t\t3',
      ].join('\n'),
    )
  })
})

interface Drawn {
  readonly picture: string
  readonly place: string
  readonly screen: { readonly width: number; readonly height: number }
  readonly isThere: string
  /** What somebody does on the page before. */
  readonly first?: () => Promise<unknown>
}

const drawings: readonly Drawn[] = [
  {
    picture: 'page-graph.png',
    place: '#/graph/models/support',
    screen: { width: 1280, height: 640 },
    isThere:
      'document.querySelectorAll("svg .node").length === 9 && document.querySelector("figure canvas")',
  },
  {
    picture: 'page-object.png',
    place: '#/list/models/support',
    screen: { width: 1280, height: 860 },
    isThere: 'document.querySelector("figure canvas") && document.querySelector(".actions button")',
  },
  {
    picture: 'page-logs.png',
    place: '#/list/models/support',
    screen: { width: 1280, height: 640 },
    first: async () => {
      await press(browser(), 'Logs')
      await shows(browser(), 'step 460', '[role=log]')
      await browser().ask('document.querySelector("details").scrollIntoView(); true')
    },
    isThere: 'document.querySelector("[role=log]").scrollTop > 0',
  },
  {
    picture: 'page-yaml.png',
    place: '#/list/models/support',
    screen: { width: 1280, height: 640 },
    first: async () => {
      await press(browser(), 'YAML')
      await browser().ask('document.querySelector("details:last-of-type input").click(); true')
      await shows(browser(), '# The base: a Model to train further', '.details')
      await browser().ask('document.querySelector("details:last-of-type").scrollIntoView(); true')
    },
    isThere: 'document.querySelector(".actions button")',
  },
  {
    picture: 'page-ask.png',
    place: '#/list/modelservers/chat',
    screen: { width: 1280, height: 640 },
    first: () => ask(browser(), 'What is a Pod?'),
    isThere: 'document.querySelector("blockquote").innerText.includes("storage.")',
  },
  {
    picture: 'page-compare.png',
    place: '#/compare/support/support-slow',
    screen: { width: 1280, height: 400 },
    isThere: 'document.querySelector(".compare figure canvas")',
  },
]

// SUBSTRATUS_PAGE_PICTURES=docs npm run test:cluster -- pagescreen writes them.
test.each(drawings)('the page as the docs show it: $picture', async (drawn) => {
  const { picture, place, screen, isThere, first } = drawn
  await browser().emulate(screen)
  try {
    const { api } = await opened(pictured(), { gateway: answerOfChat }, place)
    api.logs.set('support-model-run-0a1b2c3d-x7k2p', logOfTraining)
    await first?.()
    await browser().untilTrue(isThere)
    const image = await browser().picture()
    expect(image.length).toBeGreaterThan(10_000)
    const folder = process.env.SUBSTRATUS_PAGE_PICTURES
    if (folder) writeFileSync(join(folder, picture), image)
    expectNoComplaints(browser())
  } finally {
    await browser().emulate({})
  }
})
