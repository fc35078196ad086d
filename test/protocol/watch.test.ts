import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { KubeConfig } from '@kubernetes/client-node'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Watched, watchObjects } from '../../cluster/watch.ts'
import { until } from '../cluster/cluster.ts'

/** The cache of a watch, against an API server that lists, watches and refuses. */

interface Item {
  readonly kind?: string
  readonly metadata: { readonly name: string; readonly resourceVersion: string }
}
const item = (name: string, resourceVersion: string): Item => ({
  metadata: { name, resourceVersion },
})

let api: Server
let items: readonly Item[]
let version: string
/** The query of each watch so far, and `list`. */
let requests: string[]
let watches: ServerResponse[]
/** The status codes with which the next watches are refused. */
let refusals: number[]
/** The same for lists. */
let listRefusals: number[]
let answerLists: boolean
let objects: Watched<string>
let changes: string[]
let failures: string[]
let stopping: AbortController

beforeEach(async () => {
  items = [item('a', '1'), item('b', '2')]
  version = '2'
  answerLists = true
  ;[requests, watches, refusals, listRefusals, changes, failures] = [[], [], [], [], [], []]
  api = createServer(({ url = '' }, response) => {
    response.setHeader('content-type', 'application/json')
    const query = new URL(url, 'http://it').searchParams
    if (query.has('watch')) {
      requests.push(`watch from ${query.get('resourceVersion')}`)
      response.statusCode = refusals.shift() ?? 200
      if (response.statusCode !== 200) return response.end()
      watches.push(response)
      return response.flushHeaders()
    }
    requests.push(`list ${query.get('labelSelector')}`)
    response.statusCode = listRefusals.shift() ?? 200
    if (response.statusCode !== 200) return response.end('{}')
    if (!answerLists) return response.end('<html>')
    const metadata = { resourceVersion: version }
    response.end(JSON.stringify({ kind: 'ThingList', apiVersion: 'v1', metadata, items }))
  })
  await new Promise<void>((done) => api.listen(0, '127.0.0.1', done))
  const server = `http://127.0.0.1:${(api.address() as AddressInfo).port}`
  const kubeConfig = new KubeConfig()
  // The client speaks plain HTTP only where TLS would not be verified.
  kubeConfig.loadFromClusterAndUser({ name: 'it', server, skipTLSVerify: true }, { name: 'it' })
  stopping = new AbortController()
  objects = watchObjects<Item, string>({
    kubeConfig,
    path: '/things',
    query: { labelSelector: 'x' },
    keep: ({ kind, metadata }) => `${kind} ${metadata.name} ${metadata.resourceVersion}`,
    changed: (put, gone) => changes.push(`+${put.join(' +')} -${gone.join(' -')}`),
    failed: (_error, what) => failures.push(what),
    signal: stopping.signal,
  })
})
afterEach(() => {
  stopping.abort()
  api.close()
  api.closeAllConnections()
})

const watching = (count: number) =>
  until(
    async () => watches.length,
    (found) => found === count,
  )
const changed = (count: number) =>
  until(
    async () => changes.length,
    (found) => found === count,
  )
const send = (type: string, object: object) =>
  watches.at(-1)?.write(`${JSON.stringify({ type, object })}\n`)

test('a list fills the cache, with the kind that its items lack', async () => {
  expect(objects.isSynced()).toBe(false)
  await objects.synced
  expect(objects.all()).toEqual(['Thing a 1', 'Thing b 2'])
  expect(objects.get('b')).toBe('Thing b 2')
  expect(objects.isCurrent()).toBe(true)
})

test('the events of the watch update the cache', async () => {
  await watching(1)
  send('MODIFIED', { kind: 'Thing', ...item('a', '3') })
  send('DELETED', { kind: 'Thing', ...item('b', '4') })
  send('ADDED', { kind: 'Thing', ...item('c', '5') })
  await changed(4)
  expect(changes.slice(1)).toEqual(['+Thing a 3 -', '+ -Thing b 2', '+Thing c 5 -'])
  expect(objects.all()).toEqual(['Thing a 3', 'Thing c 5'])
})

describe('when the watch ends', () => {
  test('it is resumed from the last version, of a bookmark too, without a list', async () => {
    await watching(1)
    send('MODIFIED', item('a', '3'))
    send('BOOKMARK', { metadata: { resourceVersion: '9' } })
    watches[0]?.end()
    await watching(2)
    expect(requests).toEqual(['list x', 'watch from 2', 'watch from 9'])
    expect(failures).toEqual([])
  })

  test.each([
    { by: 'an event', expire: () => send('ERROR', { kind: 'Status', code: 410 }) },
    {
      by: 'its status',
      expire: () => {
        refusals.push(410)
        watches[0]?.end()
      },
    },
  ])('because its version is too old, by $by, objects are listed again', async ({ expire }) => {
    await watching(1)
    items = [item('a', '1'), item('c', '7')]
    version = '8'
    expire()
    await watching(2)
    expect(requests.slice(-2)).toEqual(['list x', 'watch from 8'])
    expect(changes.at(-1)).toBe('+Thing c 7 -Thing b 2')
    expect(failures).toEqual([])
  })

  test('because the connection broke, that is reported, and objects are listed again', async () => {
    await watching(1)
    answerLists = false
    watches[0]?.destroy()
    await until(
      async () => failures,
      (found) => found.includes('list'),
    )
    expect(failures).toEqual(['watch', 'list'])
    expect(objects.isCurrent()).toBe(false)
    expect(objects.all()).toEqual(['Thing a 1', 'Thing b 2'])
    answerLists = true
    await watching(2)
    expect(objects.isCurrent()).toBe(true)
  })

  test('because it is forbidden, each list still brings the changes', async () => {
    refusals.push(403, 403)
    await changed(1)
    items = [item('a', '6')]
    await changed(2)
    expect(changes[1]).toBe('+Thing a 6 -Thing b 2')
    expect(new Set(failures)).toEqual(new Set(['watch']))
  })
})

test('a clock that is set back does not stop it', async () => {
  await watching(1)
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => 0)
  try {
    watches[0]?.end()
    await watching(2)
  } finally {
    clock.mockRestore()
  }
})

test('one that is refused once the API server has restarted is tried again soon', async () => {
  await watching(1)
  listRefusals.push(403)
  refusals.push(410)
  watches[0]?.end()
  await watching(2)
  expect(failures).toEqual(['list'])
  expect(requests.slice(-3)).toEqual(['list x', 'list x', 'watch from 2'])
})

test('what was read from an API that is gone is forgotten', async () => {
  await watching(1)
  listRefusals.push(404)
  refusals.push(410)
  watches[0]?.end()
  await until(
    async () => failures.length,
    (count) => count > 0,
  )
  expect(objects.all()).toEqual([])
  expect(changes.at(-1)).toBe('+ -Thing a 1 -Thing b 2')
})

describe('what was heard last', () => {
  const secondsAgo = () => objects.state().heard?.secondsAgo ?? Number.POSITIVE_INFINITY
  const silence = () =>
    until(
      async () => secondsAgo(),
      (seconds) => seconds > 0.3,
    )

  test('is the list, and then that the watch is accepted', async () => {
    expect(objects.state()).toEqual({ isRefused: false })
    const before = Date.now()
    await objects.synced
    await watching(1)
    const { heard } = objects.state()
    expect(heard?.secondsAgo).toBeLessThanOrEqual((Date.now() - before) / 1000)
    expect(heard?.time.getTime()).toBeGreaterThanOrEqual(before)
  })

  test.each(['MODIFIED', 'BOOKMARK'])('is a %s', async (type) => {
    await watching(1)
    await silence()
    send(type, item('a', '9'))
    await until(
      async () => secondsAgo(),
      (seconds) => seconds < 0.3,
    )
  })

  test('is no watch that is refused', async () => {
    refusals.push(500, 500, 500)
    answerLists = true
    await objects.synced
    answerLists = false
    const heard = objects.state().heard?.time
    await until(
      async () => failures.length,
      (count) => count >= 2,
    )
    expect(objects.state().heard?.time).toEqual(heard)
  })
})

test('a stopped watch sends no more requests', async () => {
  await watching(1)
  stopping.abort()
  await until(
    async () => watches[0]?.closed,
    (closed) => closed === true,
  )
  const count = requests.length
  await new Promise((resolve) => setTimeout(resolve, 1200))
  expect(requests).toHaveLength(count)
})
