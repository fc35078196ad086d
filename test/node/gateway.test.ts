import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { root } from '../../terminal/root.ts'
import { home } from '../cluster/chart.ts'
import {
  apply,
  get,
  manifest,
  namespace,
  ok,
  patch,
  type Shown,
  until,
} from '../cluster/cluster.ts'
import { answerOf } from './chat.ts'
import { editorOf } from './editor.ts'
import { gatewayPods, requestsFor } from './gatewaypods.ts'
import { smallInternet } from './internet.ts'
import { openaiClient } from './openaiclient.ts'
import { leave, untilSays } from './realnode.ts'
import { sleepersSleepAndWake } from './sleepers.ts'
import { terminal } from './tmux.ts'

/**
 * A real language model behind the chart's gateway, and behind `kubectl open models`, by the examples as they
 * stand: `on-demand` sleeps after a minute, `chat-stable` and `chat-next` share the alias `chat`. `sleeper` is
 * a second one that sleeps, so that both ways to wake a server are tried in the same minute.
 */

/** That of the first example, which llamacpp.test.ts has as it is: here it would leave the others no room. */
const manyCores = '500m'

let ns: string
let gateway: string
let client: Awaited<ReturnType<typeof openaiClient>>
const undo: (() => unknown)[] = []
const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'substratus-gateway-'))
const { kubectl, kubeconfig } = inject('cluster')
const program = (path: string): string => join(root, path)

beforeAll(async () => {
  undo.push(() => rmSync(folder, { recursive: true }))
  const pods = gatewayPods()
  undo.push(async () => (await pods).remove())
  const internet = await smallInternet()
  undo.push(internet.end)
  ns = await namespace('gateway')
  undo.push(() => leave(ns))
  for (const name of ['01-import-and-serve', '07-sleep-and-wake', '08-canary'])
    await apply(
      ns,
      readFileSync(program(`examples/${name}.yaml`), 'utf8').replace(manyCores, '50m'),
    )
  const sleeper = { model: { name: 'smollm' }, runtime: 'llamacpp', idleTimeout: '1m' }
  const resources = { cpu: '200m', memory: 1 }
  await apply(ns, manifest('ModelServer', 'sleeper', { ...sleeper, resources }))
  gateway = `${(await pods).url}/${ns}/v1`

  const key = await keyOf('chat-app')
  for (const command of key.commands) await run('sh', ['-c', command], { env: env() })
  const base = `http://substratus-gateway.${home}.svc/${ns}/v1`
  client = await openaiClient(ns, 'chat-app', base)
  // Side by side: those that sleep may do so before the last is there.
  const servers = ['smollm', 'on-demand', 'sleeper', 'chat-stable', 'chat-next']
  await Promise.all(servers.map((name) => untilSays(ns, `modelserver/${name}`, 'True Serving')))
})
afterAll(async () => {
  const failed: unknown[] = []
  for (const step of undo.toReversed())
    await (async () => step())().catch((error) => failed.push(error))
  expect(failed).toEqual([])
})

const env = (config = kubeconfig) => ({
  ...process.env,
  KUBECONFIG: config,
  PATH: [folder, dirname(kubectl), process.env.PATH].join(delimiter),
})

/** A key of a new ServiceAccount, and the commands that `substratus token` names to allow its use. */
async function keyOf(account: string) {
  await ok(['-n', ns, 'create', 'serviceaccount', account])
  const words = [program('cli/main.ts'), 'token', account, '-n', ns]
  const { stdout, stderr } = await run(process.execPath, words, { env: env() })
  return { key: stdout.trim(), commands: stderr.match(/^ {2}kubectl .*$/gm) ?? [] }
}

/** The status and the body that curl gets; `more` are further flags. */
async function curl(key: string, path: string, body: object, ...more: readonly string[]) {
  const { stdout } = await run('curl', [
    ...['--silent', '--show-error', '--write-out', '\n%{http_code}', ...more],
    `${gateway}/${path}`,
    ...['-H', `Authorization: Bearer ${key}`, '-H', 'Content-Type: application/json'],
    ...['-d', JSON.stringify(body)],
  ])
  const [text = '', status = ''] = stdout.split(/\n(?=\d+$)/)
  return { status, text }
}

const chat = { model: 'smollm', max_tokens: 8, messages: [{ role: 'user', content: 'Hello' }] }

test('OpenAI’s Python client lists, chats, streams and embeds, with a key that Kubernetes renews', async () => {
  const got = await client.ask<Shown>('everything', 'smollm', 'on-demand')
  console.log(`it says: ${got.chat}; ${got.streamed}`)
  expect(got.listed).toMatchObject({ smollm: 'ready', chat: 'ready', 'on-demand': 'ready' })
  expect(got.chat).toMatch(/\w+ \w+ \w+/)
  expect(got.chatTokens).toBe(12)
  expect(got.streamed).toMatch(/\w+ \w+ \w+/)
  expect(got.streamedTokens).toBe(12)
  expect(got.parts).toBeGreaterThan(10)
  expect(got.sizes).toEqual([576, 576, 576])
  expect(got.same).toBeCloseTo(1, 3)
  expect(got.other).toBeLessThan(0.999)
})

test('curl chats, streams and embeds; a wrong key gets 401, and one without the right 403, also by OpenAI’s client', async () => {
  const allowed = await ok([
    ...['-n', ns, 'create', 'token', 'chat-app', '--audience', 'substratus.ai/gateway'],
  ])
  const asked = async (path: string, body: object, ...more: readonly string[]): Promise<string> => {
    const { status, text } = await curl(allowed.trim(), path, body, ...more)
    expect(status).toBe('200')
    return text
  }
  const answer: Shown = JSON.parse(await asked('chat/completions', chat))
  expect(answer.choices[0].message.content).toMatch(/\w/)

  const streamed = await asked('chat/completions', { ...chat, stream: true }, '--no-buffer')
  const events = streamed.split('\n\n').filter((event) => event.trim())
  expect(events.pop()).toBe('data: [DONE]')
  const parts: Shown[] = events.map((event) => JSON.parse(event.replace(/^data: /, '')))
  expect(parts.length).toBeGreaterThan(6)
  expect(parts.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toMatch(/\w/)

  const input = ['a Pod', 'a Node']
  const { data }: Shown = JSON.parse(await asked('embeddings', { model: 'on-demand', input }))
  expect(data.map(({ embedding }: Shown) => embedding.length)).toEqual([576, 576])

  const stranger = await keyOf('stranger')
  expect(stranger.commands).toHaveLength(2)
  const cases = [
    { key: 'wrong', status: 401, error: 'AuthenticationError', says: 'API key is missing or not' },
    {
      key: stranger.key,
      status: 403,
      error: 'PermissionDeniedError',
      says: `system:serviceaccount:${ns}:stranger may not create modelservers/proxy in namespace "${ns}"`,
    },
  ]
  for (const { key, status, error, says } of cases) {
    const refused = await curl(key, 'chat/completions', chat)
    expect(refused.status).toBe(String(status))
    expect(JSON.parse(refused.text).error.message).toContain(says)
    const told = await client.ask<Shown>('refused', key, 'smollm')
    expect(told).toMatchObject({ error, status, message: expect.stringContaining(says) })
  }
})

// A rollout and servers that sleep mostly wait, so they run side by side.
test.concurrent('two servers share an alias, and no stream fails while one of them is rolled out', async () => {
  const ended = '/tmp/rolled-out'
  const streams = client.ask<readonly Shown[]>('streams', 'chat', '48', '2', ended)
  const answeredBy = async (): Promise<readonly string[]> =>
    (await requestsFor(ns, 'chat')).map(({ server }) => server)
  try {
    await until(answeredBy, (servers) => new Set(servers).size === 2)
    const before = (await get(ns, 'deployment/chat-next-server')).metadata.generation
    const asked = (await answeredBy()).length
    const args = ['--ctx-size', '1536', '--alias', 'next']
    await patch(ns, 'modelserver/chat-next', { args })
    const isRolledOut = ({ metadata, status }: Shown): boolean =>
      metadata.generation > before &&
      status.observedGeneration === metadata.generation &&
      status.updatedReplicas === 1 &&
      status.availableReplicas === 1
    await until(() => get(ns, 'deployment/chat-next-server'), isRolledOut, 150)
    // The new Pod answers, too.
    const during = (await answeredBy()).length
    await until(answeredBy, (servers) => servers.slice(during).includes('chat-next'))
    console.log(`${during - asked} streams ended during the rollout`)
    expect(during - asked).toBeGreaterThan(3)
  } finally {
    await client.run(['touch', ended])
  }
  const all = await streams
  expect(all.filter(({ tokens }) => tokens !== 48)).toEqual([])
  // Each program was asked by the name that it knows.
  expect(new Set(all.map(({ model }) => model))).toEqual(new Set(['smollm', 'next']))
  const { status } = await get(ns, 'modelserver/chat-next')
  expect(status.served).toMatchObject([{ name: 'next', model: 'smollm' }])
})

/** The commands of the README about a chat, with this model and for this namespace. */
function chatOfReadme(): readonly string[] {
  const blocks = [...readFileSync(program('README.md'), 'utf8').matchAll(/```console\n(.*?)```/gs)]
  const [block = ''] = blocks
    .map(([, text = '']) => text)
    .filter((text) => /open models/.test(text))
  return block
    .replaceAll('\\\n', ' ')
    .split('\n')
    .flatMap((line) => /^\$ (.*)$/.exec(line)?.[1] ?? [])
    .map((line) => line.replaceAll('qwen', 'smollm'))
}

test.concurrent('a server that sleeps is woken by the first request, which is answered', async () => {
  await untilSays(ns, 'modelserver/on-demand', 'True Idle')
  const { content, seconds } = await client.ask<Shown>('one', 'on-demand')
  console.log(`woken and answered after ${seconds.toFixed(1)} s: ${content}`)
  expect(content).toMatch(/\w/)
  await untilSays(ns, 'modelserver/on-demand', 'True Serving')
  const { idle } = await until(
    async () => (await get(ns, 'modelserver/on-demand')).status,
    (status) => status.idle.wakingSeconds !== undefined,
  )
  expect(idle.woken > idle.since).toBe(true)
  expect(idle.wakingSeconds).toBeLessThan(seconds + 10)
})

test.concurrent('the chat of the README works for a person with edit rights in one namespace, and wakes a server that sleeps', async () => {
  const plugin = `#!/bin/sh\nexec ${process.execPath} ${program('open/main.ts')} "$@"\n`
  writeFileSync(join(folder, 'kubectl-open'), plugin, { mode: 0o755 })
  const editors = await editorOf(ns, folder)
  const others = await run('kubectl', ['open', 'models', '-n', home], {
    env: env(editors),
  }).catch((error) => error)
  expect(others.code).toBe(1)
  expect(others.stderr).toMatch(/modelservers.*is forbidden|cannot list/)

  const { type, press, untilShown, end } = terminal(env(editors))
  try {
    const [wait = '', open = '', chat = ''] = chatOfReadme()
    type(wait)
    await untilShown(/^modelserver.*\/smollm condition met$/m)
    type(open)
    const said = await untilShown(/^http:\/\/127\.0\.0\.1:\d+\/v1$/m)
    const [address = ''] = /^http:\/\/127\.0\.0\.1:\d+/m.exec(said) ?? []
    await untilShown(/^smollm: ready$/m)
    // Another program of this machine may listen at the usual port.
    type(chat.replace('http://127.0.0.1:8080', address))
    await untilShown(/"role":"assistant","content":"[^"]*\w/, 120)

    // What curl prints does not end with a newline, and the next line may follow it.
    await untilShown(/sleeper: asleep; a request wakes it$/m, 120)
    const answer = await answerOf(address, { model: 'sleeper', question: 'Hello', tokens: 8 })
    expect(answer.choices[0]?.message.content).toMatch(/\w/)
    await untilShown(/sleeper: asleep; a request wakes it$.*sleeper: ready$/ms)
    type('fg')
    press('C-c')
    await untilShown(/the address is closed; the models are left as they are$/m)
  } finally {
    end()
  }
})

// They need nothing of the gateway, but time, and the gateway's tests leave enough of it.
sleepersSleepAndWake()
