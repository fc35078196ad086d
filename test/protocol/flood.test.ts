import { once } from 'node:events'
import { type ClientRequest, createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { defaultConfig } from '../../crds/config.ts'
import { app } from '../../server/app.ts'
import { metrics } from '../../server/metrics.ts'

/** Allows two hook requests in progress. */
let server: Server

beforeEach(async () => {
  const log = pino({ base: null }, { write: () => {} })
  server = createServer(
    app({ config: defaultConfig, log, metrics: metrics(), maxHooksInProgress: 2 }),
  ).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const parent = {
  apiVersion: 'substratus.ai/v1',
  kind: 'Dataset',
  metadata: { name: 'squad', namespace: 'team', uid: 'u' },
  spec: { source: 'https://example.com/x' },
}
const body = JSON.stringify({ parent })
const headers = { 'content-type': 'application/json' }
const sync = '/hooks/datasets/sync'

const post = (path: string, sent = body) =>
  fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, {
    method: 'POST',
    headers,
    body: sent,
  })

/** A request whose body stays half sent. */
function half(): ClientRequest {
  const { port } = server.address() as AddressInfo
  const length = { 'content-length': String(body.length) }
  const sent = request({ port, path: sync, method: 'POST', headers: { ...headers, ...length } })
  sent.on('error', () => {})
  sent.write(body.slice(0, 5))
  return sent
}

/** Sends requests until the server answers with this code; how long that takes depends on the machine. */
async function untilCode(code: number): Promise<Response> {
  for (;;) {
    const answer = await post(sync)
    if (answer.status === code) return answer
    await answer.text()
  }
}

test('too many hook requests are told when to retry, admission requests are not', async () => {
  const held = [half(), half()]
  const shed = await untilCode(429)
  expect(Number(shed.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  expect(await shed.json()).toMatchObject({
    message: '2 requests are under way: ask again in a second',
  })

  const object = { ...parent, metadata: { name: 'squad' } }
  const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' }
  const admission = JSON.stringify({
    ...review,
    request: { uid: '1', operation: 'CREATE', object },
  })
  expect((await post('/admission/validate', admission)).status).toBe(200)
  expect((await post('/admission/mutate', admission)).status).toBe(200)

  // One is answered, the other disconnects: both free a place.
  const [first, second] = held as [ClientRequest, ClientRequest]
  first.end(body.slice(5))
  const [answer] = await once(first, 'response')
  expect(answer.statusCode).toBe(200)
  answer.resume()
  await untilCode(200)
  second.destroy()
  const again = half()
  expect((await untilCode(200)).status).toBe(200)
  again.destroy()
})

test('requests one after another are never refused', async () => {
  for (let count = 0; count < 10; count++) expect((await post(sync)).status).toBe(200)
})
