import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { KubeConfig } from '@kubernetes/client-node'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { NewEvent } from '../../server/readyevent.ts'
import { type Story, storyIn } from '../../server/story.ts'
import { until } from '../cluster/cluster.ts'

/** How Events are written: nothing waits for them, none is repeated, and their number is limited. */

const event = (name: string, uid = 'u1'): NewEvent => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name, namespace: 'team' },
  involvedObject: {
    apiVersion: 'substratus.ai/v1',
    kind: 'Model',
    namespace: 'team',
    name: 'it',
    uid,
    resourceVersion: '1',
  },
  type: 'Normal',
  reason: 'Done',
  message: 'done',
  source: { component: 'substratus' },
  reportingComponent: 'substratus',
})

let api: Server
let code: number | undefined
let open: ServerResponse[]
let written: { readonly url: string; readonly body: Record<string, unknown> }[]
let lines: string[]
let stopping: AbortController

beforeEach(async () => {
  ;[code, open, written, lines] = [201, [], [], []]
  stopping = new AbortController()
  api = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    written.push({ url: `${request.method} ${request.url}`, body: JSON.parse(text) })
    if (code === undefined) return open.push(response)
    response.statusCode = code
    response.end('{}')
  })
  await new Promise<void>((done) => api.listen(0, '127.0.0.1', done))
})
afterEach(() => {
  stopping.abort()
  api.close()
  api.closeAllConnections()
})

function story(limits: Parameters<typeof storyIn>[3] = {}): Story {
  const server = `http://127.0.0.1:${(api.address() as AddressInfo).port}`
  const kubeConfig = new KubeConfig()
  // The client speaks plain HTTP only where TLS would not be verified.
  kubeConfig.loadFromClusterAndUser({ name: 'it', server, skipTLSVerify: true }, { name: 'it' })
  const log = pino({}, { write: (line) => void lines.push(line) })
  return storyIn(kubeConfig, log, stopping.signal, limits)
}

const arrived = (count: number) =>
  until(
    async () => written.length,
    (length) => length >= count,
  )

test('an Event is created in its namespace, with the time', async () => {
  story().tell(event('one'))
  await arrived(1)
  expect(written[0]?.url).toBe('POST /api/v1/namespaces/team/events')
  expect(written[0]?.body).toMatchObject({
    ...event('one'),
    firstTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    lastTimestamp: expect.stringMatching(/Z$/),
    count: 1,
  })
})

test('an object that flaps gets some Events, and then one from time to time', async () => {
  const { tell } = story({ burst: 2, refillMilliseconds: 300 })
  for (const name of ['one', 'two', 'three']) tell(event(name))
  tell(event('other', 'u2'))
  await arrived(3)
  await sleep(400)
  tell(event('later'))
  await arrived(4)
  const names = written.map(({ body }) => (body.metadata as { name: string }).name)
  expect(names.toSorted()).toEqual(['later', 'one', 'other', 'two'])
})

test('a repeated request writes its Event once', async () => {
  const { tell } = story()
  for (const name of ['one', 'one', 'two', 'two']) tell(event(name))
  await arrived(2)
  await sleep(200)
  expect(written).toHaveLength(2)
})

test('a few are written at a time, and the queue has a limit', async () => {
  code = undefined
  const { tell } = story({ atOnce: 2, waiting: 3 })
  for (let i = 0; i < 10; i++) tell(event(`e${i}`))
  await arrived(2)
  await sleep(200)
  expect(written).toHaveLength(2)
  code = 201
  for (const response of open) response.end('{}')
  await arrived(5)
  await sleep(200)
  expect(written).toHaveLength(5)
})

test.each([
  { answer: 'that it exists already', status: 409, logged: 0 },
  { answer: 'that it is forbidden', status: 403, logged: 1 },
  { answer: 'with an error', status: 500, logged: 2 },
])(
  'an API server that answers $answer: logged $logged times, never repeated',
  async ({ status, logged }) => {
    code = status
    const { tell } = story()
    tell(event('one'))
    tell(event('two'))
    await arrived(2)
    await until(
      async () => lines.length,
      (length) => length >= logged,
    )
    await sleep(200)
    expect(lines).toHaveLength(logged)
    expect(written).toHaveLength(2)
  },
)
