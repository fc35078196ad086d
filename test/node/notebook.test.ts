import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { findNodeBinaries } from '../../platform/binaries/find.ts'
import { imageNamed } from '../../platform/node/addresses.ts'
import { jupyterImage, provideJupyter, stacksImage } from '../../platform/node/images.ts'
import { apply, get, manifest, names, namespace, ok, patch, until } from '../cluster/cluster.ts'
import { chromium, control, type Page, shift } from './chromium.ts'
import { base, portForward, serverFor, untilSays } from './realnode.ts'

/** A real JupyterLab, opened by `kubectl open` in a real browser. */

const { dir, kubeconfig } = inject('cluster')
const image = imageNamed(jupyterImage)

beforeAll(async () => {
  const progress = (line: string) => console.log(line)
  const binaries = await findNodeBinaries({ progress })
  await provideJupyter({ folder: join(dir, 'node'), binaries, progress })
})

const children: ChildProcess[] = []
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
})

/** `kubectl open`, for a person who wants only the address. */
function open(ns: string, words: string) {
  const child = spawn(
    process.execPath,
    [
      'open/main.ts',
      ...words.split(' '),
      ...['-n', ns, '--kubeconfig', kubeconfig, '--no-browser', '--port', '0'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  children.push(child)
  let printed = ''
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk
  })
  const code = new Promise<number | null>((resolve) => child.on('close', resolve))
  const lines = (text: string) => text.split('\n').filter(Boolean)
  return {
    code,
    said: () => lines(said),
    /** The nth address that was printed. */
    address: async (nth = 0): Promise<string> => {
      const found = await until(
        async () => ({ printed: lines(printed), said: lines(said) }),
        (seen) => seen.printed.length > nth || seen.said.some((line) => /^error/.test(line)),
        180,
      )
      return found.printed[nth] ?? `none: ${found.said.join('\n')}`
    },
    interrupt: () => child.kill('SIGINT'),
  }
}

const tokenOf = (address: string): string => new URL(address).searchParams.get('token') ?? ''

/** Jupyter's own API, through the forwarded port. */
const jupyter = (address: string, path: string, token = tokenOf(address), more: RequestInit = {}) =>
  fetch(new URL(`/api/${path}`, address), {
    ...more,
    headers: { ...(token && { authorization: `token ${token}` }) },
  })

const cell = (source: string) => ({
  cell_type: 'code',
  id: 'one',
  metadata: {},
  outputs: [],
  source,
})
const program = `import csv, json
model = json.load(open("/content/model/weights.json"))
rows = [(float(x), float(y)) for x, y in csv.reader(open("/content/data/numbers.csv"))]
error = sum((model["slope"] * x + model["intercept"] - y) ** 2 for x, y in rows) / len(rows)
print(f"{len(rows)} rows, mean squared error {error:.2f}")`

/** What the page shows, in one line: for a failure that nobody watched. */
const shown = 'document.body.innerText.replace(/\\s+/g, " ").slice(0, 2000)'

/**
 * A busy JupyterLab may miss that its kernel has started, or move the focus while keys are typed. Like a
 * person, the test then tries in another tab, and logs what it saw.
 */
async function patiently(browser: Page, act: (tab: Page) => Promise<void>): Promise<Page> {
  for (let tab = browser, triesLeft = 2; ; tab = await browser.tab(), triesLeft--) {
    try {
      await act(tab)
      return tab
    } catch (error) {
      const seen = `${error}; the page shows: ${await tab.ask(shown)}`
      if (triesLeft === 0) throw new Error(seen)
      console.log(`${seen}; once more`)
    }
  }
}

test('a notebook opens in a browser, retains saved files, and is closed to everyone else', async () => {
  const ns = await namespace('notebook')
  const browser = await chromium()
  const files = await serverFor(({ url }, response) =>
    response.end(url?.endsWith('.csv') ? '0,2\n1,5\n2,8\n' : '{"slope": 3, "intercept": 1}'),
  )
  try {
    await apply(
      ns,
      manifest('Model', 'line', { source: `${files.url}/weights.json` }),
      manifest('Dataset', 'numbers', { source: `${files.url}/numbers.csv` }),
    )
    await apply(
      ns,
      manifest('Notebook', 'explore', {
        image,
        model: { name: 'line' },
        dataset: { name: 'numbers' },
        suspend: true,
      }),
    )
    await untilSays(ns, 'notebook/explore', 'True Suspended')

    // It resumes the notebook, waits and opens it.
    const opened = open(ns, 'notebook explore')
    const address = await opened.address()
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[0-9a-f]{48}$/)
    expect(opened.said()[0]).toBe('Notebook "explore" is suspended: resuming it')

    // Only the token gives access.
    expect((await jupyter(address, 'contents/')).status).toBe(200)
    expect((await jupyter(address, 'contents/', 'wrong')).status).toBe(403)
    expect((await jupyter(address, 'contents/', '')).status).toBe(403)

    // A cell in the page reads the model and the data, and shows its output.
    const kernelspec = { name: 'python3', display_name: 'Python 3', language: 'python' }
    const content = {
      cells: [cell(program)],
      metadata: { kernelspec },
      nbformat: 4,
      nbformat_minor: 5,
    }
    const made = await jupyter(address, 'contents/home/explore.ipynb', undefined, {
      method: 'PUT',
      body: JSON.stringify({ type: 'notebook', content }),
    })
    expect(made.status).toBe(201)
    await browser.go(address)
    await browser.untilTrue('document.title.includes("JupyterLab")')
    // Wait until the page is complete: leaving it earlier would abort its requests.
    await browser.untilTrue('document.querySelector(".jp-Launcher")')
    const idle = 'document.querySelector(".jp-NotebookPanel-toolbar [data-status=idle]")'
    const output = '(document.querySelector(".jp-OutputArea-output")?.innerText ?? "").trim()'
    // It asks for a kernel if it learns of the notebook's own too late.
    const chosen = 'document.querySelector(".jp-Dialog .jp-mod-accept")?.click()'
    const code = 'document.querySelector(".jp-Notebook .jp-CodeCell .cm-content")'
    const page = await patiently(browser, async (tab) => {
      await tab.go(new URL('/lab/tree/home/explore.ipynb', address).href)
      await tab.untilTrue(code, 60)
      await tab.untilTrue(idle, 60)
      await tab.ask(chosen)
      await tab.ask(`${code}.focus()`)
      await tab.press('Enter', shift)
      await tab.untilTrue(`(${chosen}, ${output})`, 40)
    })
    expect(await page.ask(output)).toBe('3 rows, mean squared error 1.00')
    await page.press('s', control)
    const saved = async (at: string) => {
      const file = await (await jupyter(at, 'contents/home/explore.ipynb')).json()
      return JSON.stringify((file as { content: { cells: object[] } }).content?.cells[0])
    }
    await until(
      () => saved(address),
      (text) => text.includes('mean squared error 1.00'),
    )
    // SUBSTRATUS_PICTURE=docs/notebook.png npm run test:node writes docs/notebook.png.
    if (process.env.SUBSTRATUS_PICTURE) {
      // Jupyter asks once whether it may fetch its news.
      await page.ask(
        '[...document.querySelectorAll("button")].find((it) => it.textContent === "No")?.click()',
      )
      await sleep(2000)
      writeFileSync(process.env.SUBSTRATUS_PICTURE, await page.picture())
    }

    // No object contains the token.
    const kinds = await ok(['api-resources', '--namespaced', '--verbs=list', '-o', 'name'])
    const listed = kinds.trim().split('\n').join()
    const all = await ok(['-n', ns, 'get', listed, '-o', 'yaml'])
    expect(all).toContain('explore-notebook-0')
    const token = tokenOf(address)
    // As plain text, and in base64 as in a Secret.
    for (const text of [token, Buffer.from(token).toString('base64')])
      expect(all).not.toContain(text)

    // The NetworkPolicy denies access. It is only read here, because the bridge plugin does not enforce it.
    const policy = await get(ns, 'networkpolicy/explore-notebook')
    const [pod] = (await get(ns, 'pods')).items.filter(
      ({ metadata }: { metadata: { name: string } }) => metadata.name.startsWith('explore'),
    )
    expect(policy.spec.policyTypes).toEqual(['Ingress'])
    expect(policy.spec.ingress).toBeUndefined()
    expect(pod.metadata.labels).toMatchObject(policy.spec.podSelector.matchLabels)

    // Jupyter ends, and the kubelet starts it again in the same Pod.
    await ok(['-n', ns, 'exec', 'explore-notebook-0', '-c', 'notebook', '--', 'kill', '1'])
    const restarted = await opened.address(1)
    expect(opened.said().join('\n')).toMatch(
      /Pod "explore-notebook-0" (was restarted|broke: )[\s\S]*connected again to Pod "explore-notebook-0", which has a token of its own/,
    )
    expect(await saved(restarted)).toContain('mean squared error 1.00')

    // The Pod is replaced.
    await ok(['-n', ns, 'delete', 'pod', 'explore-notebook-0', '--wait=false'])
    const moved = await opened.address(2)
    expect(new URL(moved).port).toBe(new URL(address).port)
    expect(tokenOf(moved)).not.toBe(tokenOf(address))
    expect(opened.said()).toContain('Pod "explore-notebook-0" is gone')
    expect(opened.said().at(-2)).toBe(
      'connected again to Pod "explore-notebook-0", which has a token of its own',
    )
    expect(await saved(moved)).toContain('mean squared error 1.00')
    expect((await jupyter(moved, 'contents/', tokenOf(address))).status).toBe(403)

    // Ctrl-C leaves it running; --suspend does not, and saved files survive that.
    opened.interrupt()
    expect(await opened.code).toBe(0)
    await untilSays(ns, 'notebook/explore', 'True Serving')
    const suspending = open(ns, 'notebook explore --suspend')
    expect(await suspending.code).toBe(0)
    await untilSays(ns, 'notebook/explore', 'True Suspended')
    await until(
      () => names(ns, 'pods'),
      (pods) => !pods.includes('Pod/explore-notebook-0'),
    )
    const again = open(ns, 'notebook explore')
    expect(await saved(await again.address())).toContain('mean squared error 1.00')
    again.interrupt()
    expect(await again.code).toBe(0)
  } finally {
    await browser.close()
    files.stop()
    await ok(['-n', ns, 'delete', 'notebooks', '--all'])
  }
})

// The tests from here on mostly wait, so they run concurrently.
describe.concurrent('the first click in JupyterLab creates a notebook in the home', () => {
  test.each([
    { who: 'root', of: jupyterImage, uid: 0 },
    { who: 'uid 1000, as in Jupyter Docker Stacks', of: stacksImage, uid: 1000 },
  ])('of $who', async ({ of, uid }) => {
    const ns = await namespace('first')
    const browser = await chromium()
    try {
      // With idleTimeout, so that the watch must be able to read the token of this user.
      await apply(ns, manifest('Notebook', 'look', { image: imageNamed(of), idleTimeout: '1h' }))
      await untilSays(ns, 'notebook/look', 'True Serving')
      const opened = open(ns, 'notebook look')
      const address = await opened.address()
      const inPod = (script: string) =>
        ok(['-n', ns, 'exec', 'look-notebook-0', '-c', 'notebook', '--', 'sh', '-c', script])
      expect((await inPod('id -u')).trim()).toBe(`${uid}`)

      await browser.go(address)
      const card = '.jp-LauncherCard[data-category="Notebook"]'
      await browser.untilTrue(`document.querySelector('${card}')`)
      await browser.ask(`document.querySelector('${card}').click()`)
      await browser.untilTrue('location.pathname.endsWith("/lab/tree/home/Untitled.ipynb")', 60)
      const made = await inPod('stat -c "%u %n" /content/home/*.ipynb')
      expect(made.trim()).toBe(`${uid} /content/home/Untitled.ipynb`)
      // The home is a volume of its own.
      await inPod('grep -q " /content/home " /proc/mounts')

      await until(
        () => ok(['-n', ns, 'logs', 'look-notebook-0', '-c', 'idle']),
        (log) => log.includes('last activity '),
        90,
      )
      opened.interrupt()
      expect(await opened.code).toBe(0)
    } finally {
      await browser.close()
      await ok(['-n', ns, 'delete', 'notebooks', '--all'])
    }
  })
})

test.concurrent('an idle notebook is stopped, and opening it starts it', async () => {
  const ns = await namespace('idle')
  await apply(ns, manifest('Notebook', 'explore', { image, idleTimeout: '20s' }))
  await untilSays(ns, 'notebook/explore', 'True Serving')
  await untilSays(ns, 'notebook/explore', 'True Idle')
  await until(
    () => names(ns, 'pods'),
    (pods) => pods.length === 0,
  )
  const opened = open(ns, 'nb/explore')
  const address = await opened.address()
  expect(opened.said()[0]).toBe('Notebook "explore" is idle: waking it')
  expect((await jupyter(address, 'contents/')).status).toBe(200)
  // It becomes idle and is stopped again, which the command reports.
  expect(await opened.code).toBe(1)
  expect(opened.said().at(-1)).toBe(
    'error: Notebook "explore" is no longer open: it was idle for 20s and was stopped; kubectl open notebook explore wakes it',
  )
  await ok(['-n', ns, 'delete', 'notebooks', '--all'])
})

test.concurrent('a program that is not Jupyter is idle once nobody is connected', async () => {
  const ns = await namespace('idle-other')
  await apply(
    ns,
    manifest('Notebook', 'code', {
      image: `${base}/python:3`,
      command: ['python3', '-m', 'http.server', '{port}'],
      idleTimeout: '20s',
    }),
  )
  await untilSays(ns, 'notebook/code', 'True Serving')
  const forwarded = await portForward(ns, 'service/code-notebook', 8888)
  // Like a page that is open, and of which nobody clicks anything.
  const page = connect(forwarded.port, '127.0.0.1')
  try {
    await sleep(45_000)
    await untilSays(ns, 'notebook/code', 'True Serving')
    page.destroy()
    await untilSays(ns, 'notebook/code', 'True Idle')
  } finally {
    page.destroy()
    forwarded.stop()
    await ok(['-n', ns, 'delete', 'notebooks', '--all'])
  }
})

test.concurrent('a server opens on its own port, and another replica takes over', async () => {
  const ns = await namespace('open-server')
  const files = await serverFor((_, response) => response.end('{"slope": 3}'))
  try {
    await apply(ns, manifest('Model', 'line', { source: `${files.url}/weights.json` }))
    await apply(
      ns,
      manifest('ModelServer', 'chat', {
        image: `${base}/python:3`,
        command: ['python3', '-m', 'http.server', '9000', '--directory', '/content/model'],
        port: 9000,
        model: { name: 'line' },
      }),
    )
    await untilSays(ns, 'modelserver/chat', 'True Serving')
    const opened = open(ns, 'modelserver chat')
    const address = await opened.address()
    expect(await (await fetch(new URL('weights.json', address))).text()).toBe('{"slope": 3}')

    // The Pod is replaced, as in every rollout.
    await patch(ns, 'modelserver/chat', { params: { round: 2 } })
    await until(
      async () => opened.said(),
      (lines) => lines.some((line) => /^connected again to Pod "chat-server-/.test(line)),
      120,
    )
    expect(await (await fetch(new URL('weights.json', address))).text()).toBe('{"slope": 3}')
    opened.interrupt()
    expect(await opened.code).toBe(0)
  } finally {
    files.stop()
    await ok(['-n', ns, 'delete', 'modelservers', '--all'])
  }
})
