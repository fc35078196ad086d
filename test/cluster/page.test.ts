import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { root } from '../../terminal/root.ts'
import { apply, get, manifest, namespace, ok, until, untilReady } from './cluster.ts'
import { expectNoComplaints, press, served, shows, textOf, withPage } from './pagebed.ts'

/** `kubectl substratus ui` before a real API server, with objects that a real controller drives. */

const cluster = inject('cluster')
const { folder, browser } = withPage()
const image = 'example.com/train:1'
/** Kubeconfigs, and the plugin. */
const files = mkdtempSync(join(tmpdir(), 'substratus-page-'))

let ns: string
let page: Awaited<ReturnType<typeof served>>

beforeAll(async () => {
  ns = await namespace('page')
  await apply(
    ns,
    manifest('Dataset', 'squad', { source: 'https://example.com/data' }),
    manifest('Model', 'base', { image }),
    manifest('Model', 'tuned', {
      image,
      model: { name: 'base' },
      dataset: { name: 'squad' },
      params: { epochs: 3 },
    }),
    manifest(
      'Model',
      'long',
      { image, params: { epochs: 9 }, package: 'Never' },
      { labels: { simulate: 'hold' } },
    ),
    manifest('ModelServer', 'chat', { model: { name: 'tuned' } }),
    manifest('Notebook', 'explore', { model: { name: 'base' } }),
  )
  for (const what of ['model/tuned', 'modelserver/chat', 'notebook/explore'])
    await untilReady(ns, what, 'True')
  await untilReady(ns, 'model/long', 'False Running')
  page = await served(folder(), cluster.kubeconfig, ns)
}, 300_000)
afterAll(async () => {
  await page?.end()
  rmSync(files, { recursive: true })
})

/** Opens the page, as the person whose address it is, at an object or a list. */
async function at(place: string, address = page.address): Promise<void> {
  await browser().go('about:blank')
  browser().complaints.length = 0
  await browser().go(address)
  await shows(browser(), ' objects', 'output')
  await browser().ask(`location.hash = '#/${place}'; true`)
}

const held = { labels: { simulate: 'hold' } }
const suspension = JSON.stringify({ spec: { suspend: true } })

const rows = async () => String(await textOf(browser(), 'tbody')).split('\n')

test('kubectl finds it as a command of the plugin', () => {
  const plugin = join(files, 'kubectl-substratus')
  symlinkSync(join(root, 'cli', 'main.ts'), `${plugin}.ts`)
  const run = `#!/bin/sh\nexec ${process.execPath} ${plugin}.ts "$@"\n`
  writeFileSync(plugin, run, { mode: 0o755 })
  const env = { ...process.env, PATH: `${files}:${process.env.PATH}` }
  const { stdout } = spawnSync(cluster.kubectl, ['substratus', 'ui', '--help'], {
    env,
    encoding: 'utf8',
  })
  expect(stdout).toMatch(/^Usage: kubectl substratus ui/)
})

describe('objects', () => {
  test('are listed by kind with their state, and change as they do', async () => {
    await at('list')
    await shows(browser(), '6 of 6 objects')
    expect((await rows()).map((row) => row.split('\t').slice(0, 2).join(' '))).toEqual([
      'Dataset squad',
      'Model base',
      'Model long',
      'Model tuned',
      'ModelServer chat',
      'Notebook explore',
    ])
    await shows(browser(), 'Running', 'tbody')
    await apply(ns, manifest('Model', 'new', { image: 'example.com/new' }))
    await shows(browser(), '7 of 7 objects')
    await ok(['-n', ns, 'delete', 'model', 'new'])
    await shows(browser(), '6 of 6 objects')
    expectNoComplaints(browser())
  })

  test('show their stages with durations, conditions, events, relations and YAML', async () => {
    await at('list/models/tuned')
    await shows(browser(), 'Suspend', '.details')
    const details = String(await textOf(browser(), '.details'))
    expect(details).toMatch(/run\s+● done\s+(\d+\w)+ tuned-model-run-/)
    expect(details).toMatch(/package\s+● done/)
    expect(details).toMatch(/Job ● Complete tuned-model-run-\w+ created \d+\w+ ago/)
    expect(details).toMatch(/Pod ● Succeeded tuned-model-run-\S+ on \S+, created \d+\w+ ago/)
    expect(details).toMatch(/Ready: True, ● Done/)
    expect(details).toMatch(/Job tuned-model-run-\w+: SuccessfulCreate Created pod: /)
    expect(details).toMatch(/Made from\s+Model base ● Done\s+Dataset squad ● Done/)
    expect(details).toMatch(/Used by\s+ModelServer chat ● /)
    await press(browser(), 'YAML')
    await shows(browser(), 'epochs: 3', '.details')
    expect(await textOf(browser(), '.details')).not.toContain('managedFields')
    await browser().ask('document.querySelector("details:last-of-type input").click(); true')
    await shows(browser(), '# The base: a Model to train further', '.details')
    expectNoComplaints(browser())
  })

  test('are drawn as a graph of what was made from what, which changes as they do', async () => {
    await at('graph')
    await browser().untilTrue('document.querySelectorAll("svg .node").length === 6')
    const left = (name: string) =>
      browser().ask(
        `Number([...document.querySelectorAll('svg .node')].find((it) => it.querySelector('text').textContent === '${name}').querySelector('rect').getAttribute('x'))`,
      ) as Promise<number>
    expect(await left('base')).toBeLessThan(await left('tuned'))
    expect(await left('tuned')).toBeLessThan(await left('chat'))
    await apply(ns, manifest('Model', 'grown', { image, model: { name: 'tuned' } }, held))
    const grown = `[...document.querySelectorAll('svg .node.TONE')].find((it) => it.querySelector('text').textContent === 'grown')`
    await browser().untilTrue(grown.replace('TONE', 'working'), 60)
    expect(await left('tuned')).toBeLessThan(await left('grown'))
    await ok(['-n', ns, 'patch', 'model', 'grown', '--type=merge', '-p', suspension])
    await browser().untilTrue(grown.replace('TONE', 'stopped'), 60)
    await ok(['-n', ns, 'delete', 'model', 'grown'])
    await browser().untilTrue('document.querySelectorAll("svg .node").length === 6', 60)
    await browser().ask(
      `[...document.querySelectorAll('svg .node')].find((it) => it.textContent.includes('long')).dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true })); true`,
    )
    await shows(browser(), 'Model long', 'h2')
    expectNoComplaints(browser())
  })
})

describe('each action does what it says', () => {
  test('suspend, and resume', async () => {
    await at('list/models/long')
    await press(browser(), 'Suspend')
    await shows(browser(), 'Suspend: done', '.details')
    expect((await get(ns, 'model/long')).spec.suspend).toBe(true)
    await shows(browser(), 'Suspended', '.details')
    await press(browser(), 'Resume')
    await shows(browser(), 'Resume: done', '.details')
    expect((await get(ns, 'model/long')).spec.suspend).toBe(false)
    await untilReady(ns, 'model/long', 'False Running')
  })

  test.each([
    { label: 'Run again', plural: 'models', object: 'model/long', annotation: 'rerun' },
    {
      label: 'Roll out',
      plural: 'modelservers',
      object: 'modelserver/chat',
      annotation: 'rollout',
    },
  ])('$label, once it is confirmed', async ({ label, plural, object, annotation }) => {
    await at(`list/${plural}/${object.split('/')[1]}`)
    const value = async () =>
      (await get(ns, object)).metadata.annotations?.[`substratus.ai/${annotation}`]
    await press(browser(), label)
    await press(browser(), 'Cancel')
    expect(await value()).toBeUndefined()
    await press(browser(), label)
    await press(browser(), `${label} now`)
    await shows(browser(), `${label}: done`, '.details')
    expect(await value()).toMatch(/^\d{4}-\d\d-\d\dT/)
  })

  test('open, as kubectl open does, whose lines are on the terminal', async () => {
    await at('list/notebooks/explore')
    await press(browser(), 'Open in the browser')
    await shows(browser(), 'It opens as soon as it answers', '.details')
    await until(
      async () => page.lines.join(''),
      (text) => text.includes('waiting for Notebook "explore"'),
    )
  })

  test('a question to a server that cannot be reached is answered with the reason', async () => {
    await at('list/modelservers/chat')
    await browser().untilTrue('document.querySelector("textarea")')
    await browser().ask('document.querySelector("textarea").focus(); true')
    await browser().type('Hello')
    await press(browser(), 'Ask')
    await browser().untilTrue(
      '![``, `Waiting for the answer…`].includes(document.querySelector(".ask + p").innerText)',
      60,
    )
  })
})

test('a person who may only look is shown no action, and is refused by the API server, too', async () => {
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'viewer' },
    rules: [
      { apiGroups: ['substratus.ai'], resources: ['*'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] },
    ],
  }
  await ok(['-n', ns, 'apply', '-f', '-'], JSON.stringify(role))
  await ok(['-n', ns, 'create', 'serviceaccount', 'viewer'])
  await ok([
    ...['-n', ns, 'create', 'rolebinding', 'viewer'],
    ...['--role=viewer', `--serviceaccount=${ns}:viewer`],
  ])
  const token = (await ok(['-n', ns, 'create', 'token', 'viewer'])).trim()
  const kubeconfig = withUser({ token })
  const own = await served(folder(), kubeconfig, ns)
  try {
    await at('list/models/long', own.address)
    await shows(browser(), 'your rights allow you to look', '.details')
    const buttons = 'document.querySelectorAll(".actions button").length'
    expect(await browser().ask(buttons)).toBe(0)
    await press(browser(), 'Logs')
    await shows(browser(), 'You have no right to read logs: get pods/log', '.details')
    for (const refused of ['jobs cannot be read: jobs.batch', 'events cannot be read: events'])
      await shows(browser(), `${refused} is forbidden`)
    const tried = await browser().ask(
      `fetch('/cluster/apis/substratus.ai/v1/namespaces/${ns}/models/long', { method: 'PATCH', headers: { authorization: 'Bearer ' + sessionStorage.token }, body: '{"spec":{"suspend":true}}' }).then(async (it) => it.status + ' ' + (await it.json()).message)`,
    )
    expect(tried).toMatch(/^403 models\.substratus\.ai "long" is forbidden: /)
    expect((await get(ns, 'model/long')).spec.suspend ?? false).toBe(false)
  } finally {
    await own.end()
  }
})

test('a lost API server is told of, and what has happened meanwhile is shown on its return', async () => {
  const { server } = clusterIn(cluster.kubeconfig)
  const proxy = await throughProxy(Number(new URL(server).port))
  const own = await served(folder(), withServer(`https://127.0.0.1:${proxy.port}`), ns)
  try {
    await at('list', own.address)
    await shows(browser(), '6 of 6 objects')
    await proxy.down()
    await shows(browser(), 'the cluster cannot be read: the connection', 'body > [role=status]')
    expect((await rows()).length).toBe(6)
    await apply(ns, manifest('Model', 'meanwhile', { image: 'example.com/meanwhile' }))
    await proxy.up()
    await shows(browser(), 'meanwhile', 'tbody')
    await browser().untilTrue('document.querySelector("body > [role=status]").innerText === ""')
  } finally {
    await own.end()
    await proxy.down()
    await ok(['-n', ns, 'delete', 'model', 'meanwhile', '--ignore-not-found'])
  }
})

test('text of objects that a real API server stores is shown as text', async () => {
  const attack = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
  await apply(
    ns,
    manifest(
      'Model',
      'hostile',
      { image, args: [attack], params: { hint: attack } },
      { annotations: { 'example.com/note': attack }, labels: { simulate: 'hold' } },
    ),
  )
  const { metadata } = await get(ns, 'model/hostile')
  const event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'hostile' },
    involvedObject: { kind: 'Model', name: 'hostile', uid: metadata.uid, namespace: ns },
    reason: attack.slice(0, 60),
    message: attack,
    type: 'Warning',
    firstTimestamp: '2026-11-27T10:00:00Z',
    lastTimestamp: '2026-11-27T10:00:00Z',
  }
  await ok(['-n', ns, 'create', '-f', '-'], JSON.stringify(event))
  await at('list/models/hostile')
  await shows(browser(), attack, '.details')
  await press(browser(), 'YAML')
  await shows(browser(), `hint: ${JSON.stringify(attack)}`, '.details')
  expect(await browser().ask('window.hacked ?? "nothing ran"')).toBe('nothing ran')
  expectNoComplaints(browser())
  await ok(['-n', ns, 'delete', 'model', 'hostile'])
})

test('a log that cannot be read says why', async () => {
  await untilReady(ns, 'model/long', 'False Running')
  await at('list/models/long')
  await press(browser(), 'Logs')
  const end = 'document.querySelector("[role=log] + p")?.innerText'
  await browser().untilTrue(end, 90)
  // A simulated node has no kubelet.
  expect(await browser().ask(end)).toMatch(
    /^The log cannot be read: node "\S+" of Pod "long-model-run-\S+" does not answer the API server.*; trying again$/,
  )
})

interface KubeConfig {
  readonly clusters: readonly { readonly cluster: { server: string } }[]
  readonly users: { user: object }[]
}
const configIn = (path: string): KubeConfig => parse(readFileSync(path, 'utf8'))

function clusterIn(path: string): { readonly server: string } {
  const [one] = configIn(path).clusters
  if (!one) throw new Error('the kubeconfig has no cluster')
  return one.cluster
}

/** The kubeconfig of the tests with something replaced, as another file. */
function changed(change: (config: KubeConfig) => void, name: string): string {
  const config = configIn(cluster.kubeconfig)
  change(config)
  const path = join(files, name)
  writeFileSync(path, stringify(config), { mode: 0o600 })
  return path
}
const withUser = (user: object) =>
  changed(({ users }) => {
    for (const one of users) one.user = user
  }, 'viewer.kubeconfig')
const withServer = (server: string) =>
  changed(({ clusters }) => {
    for (const { cluster } of clusters) cluster.server = server
  }, 'proxy.kubeconfig')

/** A way to the API server that can be cut. */
async function throughProxy(to: number) {
  const sockets = new Set<Socket>()
  const server: Server = createServer((near) => {
    const far = connect(to, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
    }
    near.pipe(far).pipe(near)
  })
  const listen = (port: number) =>
    new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  await listen(0)
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    port,
    down: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
    up: () => listen(port),
  }
}
