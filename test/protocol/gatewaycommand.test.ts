import { type ChildProcess, spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeApi, fakeApi, type Stored } from './fakeapi.ts'
import { bodyOf, endUpstreams, errorIn, soon, upstream } from './gatewaybed.ts'

/** `substratus gateway` before an API server: what it watches, asks and patches. */

let api: FakeApi
let child: ChildProcess
let url: string
let log = ''

/** A ModelServer "chat" of the Model "falcon". */
const server = (ready: string, spec: object = {}): Stored => {
  const [, status, reason, message] = /^(\S+) (\S+): (.*)$/.exec(ready) ?? []
  return {
    kind: 'ModelServer',
    metadata: { name: 'chat', uid: 's1', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { model: { name: 'falcon' }, ...spec },
    status: { conditions: [{ type: 'Ready', status, reason, message }] },
  }
}
/** Its ready Pods, in the slice of this name, which is that of the Pod. */
const slice = (...addresses: readonly string[]): Stored => sliceOf('chat-server-x', ...addresses)
const sliceOf = (name: string, ...addresses: readonly string[]): Stored => ({
  kind: 'EndpointSlice',
  metadata: {
    name,
    labels: {
      'kubernetes.io/service-name': 'chat-server',
      'substratus.ai/kind': 'modelserver',
      'substratus.ai/stage': 'serve',
    },
  },
  ...({
    addressType: 'IPv4',
    ports: [{ name: 'http', port: Number(addresses[0]?.split(':')[1] ?? 1) }],
    endpoints: addresses.map((it) => ({
      addresses: [it.split(':')[0]],
      targetRef: { kind: 'Pod', name },
      conditions: {},
    })),
  } as object),
})

/** Of the tokens "good" (audience of the gateway) and "cluster" (that of the cluster). */
function reviewed(path: string, body: unknown): object {
  const { spec } = body as { spec: { token?: string; audiences?: string[]; user?: string } }
  if (path.endsWith('/tokenreviews')) {
    const isGood = spec.token === 'good' && spec.audiences?.includes('substratus.ai/gateway')
    const isClusters = spec.token === 'cluster' && !spec.audiences
    return {
      status:
        isGood || isClusters
          ? { authenticated: true, user: { username: 'ann' }, audiences: spec.audiences ?? ['k8s'] }
          : { authenticated: false },
    }
  }
  return { status: { allowed: spec.user === 'ann' && path.endsWith('/subjectaccessreviews') } }
}

async function start(...more: readonly string[]): Promise<void> {
  log = ''
  child = spawn(
    process.execPath,
    [
      ...['cli/main.ts', 'gateway', '--http', '127.0.0.1:0', '--metrics', '127.0.0.1:0'],
      ...['--kubeconfig', api.kubeconfig, '--hold-seconds', '20', ...more],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  child.stderr?.on('data', (piece) => {
    log += piece
  })
  await soon(() => /"url":"[^"]+"/.test(log), 60)
  url = /"url":"([^"]+)"/.exec(log)?.[1] ?? ''
  const inside = /"metrics":"([^"]+)"/.exec(log)?.[1] ?? ''
  await soon(async () => (await fetch(`${inside}/readyz`)).status === 200)
}

beforeAll(async () => {
  api = await fakeApi()
  api.posted = reviewed
  api.put(server('True Idle: idle since 12:00'))
  await start()
}, 120_000)
afterAll(async () => {
  child.kill('SIGKILL')
  endUpstreams()
  await api.close()
})

const post = (model: string, token = 'good', content = 'hello') =>
  fetch(`${url}/team/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ model, messages: [{ role: 'user', content }] }),
  })

describe('keys', () => {
  test('are tokens of the audience substratus.ai/gateway', async () => {
    expect(await errorIn(await post('chat', 'none'))).toMatch(/^401/)
    expect(await errorIn(await post('none'))).toMatch(/^404/)
    const reviews = api.requests.filter((it) => it.startsWith('POST'))
    expect(reviews).toContain(
      'POST /apis/authentication.k8s.io/v1/tokenreviews {"spec":{"token":"good","audiences":["substratus.ai/gateway"]}}',
    )
    expect(reviews).toContain(
      'POST /apis/authorization.k8s.io/v1/subjectaccessreviews {"spec":{"user":"ann","resourceAttributes":{"namespace":"team","verb":"create","group":"substratus.ai","resource":"modelservers","subresource":"proxy"}}}',
    )
  })

  test('are no tokens of the cluster’s own audience', async () => {
    expect(await errorIn(await post('chat', 'cluster'))).toMatch(/^401/)
  })
})

test('a request for a server that sleeps wakes it by one annotation, and is answered', async () => {
  const address = await upstream(async (req, res) => res.end(await bodyOf(req)))
  const waiting = post('falcon')
  const patches = () => api.requests.filter((it) => it.startsWith('PATCH'))
  await soon(() => patches().length > 0)
  api.put(server('False Starting: loads'))
  api.put(slice(address))
  api.put(server('True Serving: serving'))
  expect(await (await waiting).json()).toMatchObject({ model: 'falcon' })
  expect(patches()).toEqual([
    expect.stringMatching(
      /^PATCH \/apis\/substratus\.ai\/v1\/namespaces\/team\/modelservers\/chat \{"metadata":\{"annotations":\{"substratus\.ai\/opened":"[-0-9]{10}T[:0-9]{8}Z"\}\}\}$/,
    ),
  ])
})

test('an alias is known as soon as it is there, and a server that is gone is not', async () => {
  api.put(server('True Serving: serving', { aliases: ['gpt-4o'] }))
  await soon(async () => (await post('gpt-4o')).status === 200)
  api.remove('ModelServer', 'chat')
  await soon(async () => (await post('gpt-4o')).status === 404)
  api.put(server('True Serving: serving'))
})

test('while its Pods are replaced, each is asked by the name that it knows', async () => {
  const knowing = (name: string) =>
    upstream(async (req, res) => {
      const { model } = JSON.parse(await bodyOf(req))
      res.statusCode = model === name ? 200 : 404
      res.end(JSON.stringify({ name }))
    })
  const names = ['chat-server-x', 'chat-server-5f6d-x7k2p', 'chat-server-77bc-x7k2p'] as const
  api.put(sliceOf(names[1], await knowing('falcon')))
  api.put(sliceOf(names[2], await knowing('eagle')))
  api.remove('EndpointSlice', names[0])
  const changed = server('True Serving: rolling out', { model: { name: 'eagle' } })
  const served = [{ revision: '5f6d', name: 'falcon', model: 'falcon' }]
  api.put({ ...changed, status: { ...changed.status, served } })
  // Each is another conversation, so that both Pods are asked.
  const answer = async (model: string, turn = 0) => {
    const response = await post(model, 'good', `hello ${turn}`)
    return response.status === 200 ? ((await response.json()) as { name: string }).name : 'none'
  }
  await soon(async () => (await answer('eagle')) === 'eagle')
  const answers = []
  for (let turn = 0; turn < 12; turn++) answers.push(await answer('chat', turn))
  expect(new Set(answers)).toEqual(new Set(['falcon', 'eagle']))
  for (let turn = 0; turn < 12; turn++) expect(await answer('eagle', turn)).toBe('eagle')
  for (const name of names.slice(1)) api.remove('EndpointSlice', name)
  api.put(server('True Serving: serving'))
  api.put(slice(await knowing('falcon')))
})

test('without the right to wake, the error has the API server’s words', async () => {
  api.put(server('True Idle: idle'))
  api.refusals.set('PATCH', { code: 403, message: 'modelservers "chat" is forbidden' })
  await soon(async () => (await post('chat')).status === 503)
  expect(await errorIn(await post('chat'))).toContain(
    'could not be woken: modelservers "chat" is forbidden',
  )
  api.refusals.clear()
  api.put(server('True Serving: serving'))
})

test('what is known is still served while the API server is down', async () => {
  await soon(async () => (await post('chat')).status === 200)
  await api.down()
  expect((await post('chat')).status).toBe(200)
  await api.up()
})

test('SIGTERM ends it once the answers under way have ended', async () => {
  let finish = () => {}
  const slow = await upstream((_, res) => {
    res.write('begun ')
    finish = () => res.end('ended')
  })
  api.put(slice(slow))
  let response: Response | undefined
  await soon(async () => {
    const leaving = new AbortController()
    const found = await fetch(`${url}/team/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer good' },
      body: JSON.stringify({ model: 'chat' }),
      signal: leaving.signal,
    })
    response = found
    if (found.headers.get('content-length') === null) return true
    leaving.abort()
    return false
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await soon(() => log.includes('draining'))
  finish()
  expect(await response?.text()).toBe('begun ended')
  expect(await ended).toBe(0)
})

test('with --accept-cluster-tokens, tokens of the cluster’s own audience are keys, too', async () => {
  await start('--accept-cluster-tokens')
  expect((await post('none', 'cluster')).status).toBe(404)
  child.kill('SIGKILL')
})
