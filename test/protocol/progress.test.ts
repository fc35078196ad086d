import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { pino } from 'pino'
import request from 'supertest'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { attemptToken } from '../../hooks/progress/address.ts'
import { app } from '../../server/app.ts'
import { metrics } from '../../server/metrics.ts'
import {
  progressHandler,
  progressServer,
  reportingAt,
  underWayAmong,
} from '../../server/progress.ts'
import { type Reports, reportsInMemory } from '../../server/reports.ts'
import {
  aConfig,
  aJob,
  aModel,
  aPod,
  applied,
  type Child,
  type Json,
  requestFor,
  running,
  sync,
} from '../objects.ts'

/** Reports as programs send them, well and badly, over HTTP. */

const url = 'http://substratus.substratus.svc:8090'
const uid = 'uid-of-falcon'
const model = aModel({ image: 'example.com/train:1', params: { a: 1 } })
const first = sync(model)
const { name: job } = aJob(first).metadata
const atWork = {
  phase: 'Running',
  containerStatuses: [{ name: 'run', ready: true, state: { running: {} } }],
}

let seconds: number
let pods: readonly Child[]
let keys: readonly string[]
let reports: Reports
let measured: ReturnType<typeof metrics>
let server: Server
beforeEach(async () => {
  ;[seconds, keys, pods] = [0, ['a key'], [aPod(aJob(first), atWork)]]
  const now = () => `${new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)).toISOString().slice(0, 19)}Z`
  reports = reportsInMemory({ steady: () => 1000 * seconds, now }, 100)
  measured = metrics()
  const known = { of: () => pods, isCurrent: () => true }
  server = progressServer(
    progressHandler({
      keys: () => keys,
      reports,
      metrics: measured,
      isUnderWay: underWayAmong(known),
    }),
  ).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(() => {
  server.close()
  server.closeAllConnections()
})

const pathOf = (key = 'a key', attempt = { uid, job }) =>
  `/progress/${attempt.uid}/${attempt.job}/${attemptToken(key, attempt)}`
const post = (body: string, path = pathOf()) =>
  request(server).post(path).set('Content-Type', 'text/plain').send(body)
const kept = () => reports.of(uid)?.get(job)?.report

describe('a report is taken', () => {
  test.each([
    { as: 'curl sends it', type: 'application/x-www-form-urlencoded' },
    { as: 'a library sends it', type: 'application/json' },
  ])('as $as', async ({ type }) => {
    const answer = await request(server)
      .post(pathOf())
      .set('Content-Type', type)
      .send('{"step": 450, "of": 1000}')
    expect(answer.status).toBe(200)
    expect(kept()).toMatchObject({ step: 450, of: 1000 })
  })

  test('signed with a former key, while that one is still accepted', async () => {
    keys = ['a new key', 'a key']
    expect((await post('{"percent": 1}')).status).toBe(200)
  })

  test('and a second one at once, then one a second', async () => {
    const codes: number[] = []
    for (const at of [0, 0, 0, 1, 1, 2]) {
      seconds = at
      codes.push((await post(`{"step": ${codes.length}}`)).status)
    }
    expect(codes).toEqual([200, 200, 429, 200, 429, 200])
    expect(kept()).toMatchObject({ step: 5 })
  })

  test('and counted', async () => {
    await post('{"percent": 1}')
    await post('{"percent"')
    const text = await measured.registry.metrics()
    expect(text).toContain('substratus_progress_reports_total{code="200"} 1')
    expect(text).toContain('substratus_progress_reports_total{code="400"} 1')
  })
})

test('what the callback of transformers sends is understood', async () => {
  const file = join(import.meta.dirname, 'recorded/transformers-5.24.0.jsonl')
  const shown: unknown[] = []
  for (const body of readFileSync(file, 'utf8').trim().split('\n')) {
    seconds += 5
    expect((await post(body)).status).toBe(200)
    const { percent, step, of, message, metrics } = kept() ?? { metrics: [] }
    shown.push([percent, step, of, message, metrics[0]])
  }
  expect(shown).toEqual([
    [0, undefined, 1000, undefined, undefined],
    [45, 450, 1000, 'epoch 1.35', ['loss', 0.011111111111111112]],
    [60, 600, 1000, 'epoch 1.8', ['loss', Number.NaN]],
    [100, undefined, undefined, undefined, ['loss', 0.005005005005005005]],
  ])
})

describe('a report is refused with a sentence, and nothing is kept', () => {
  test.each([
    { when: 'it is no JSON', send: () => post('step 1'), code: 400, says: 'the body is not JSON' },
    { when: 'it says nothing', send: () => post('{}'), code: 400, says: 'none of step, of' },
    {
      when: 'it is too large',
      send: () => post(JSON.stringify({ step: 1, message: 'x'.repeat(4096) })),
      code: 413,
      says: 'at most 4096 bytes',
    },
    {
      when: 'the token is of another key',
      send: () => post('{"step": 1}', pathOf('another key')),
      code: 401,
      says: 'a wrong token',
    },
    {
      when: 'the token is of another attempt',
      send: () =>
        post('{"step": 1}', pathOf('a key', { uid, job: 'other' }).replace('/other/', `/${job}/`)),
      code: 401,
      says: 'a wrong token',
    },
    {
      when: 'the attempt is a former one',
      send: () => {
        pods = [aPod(aJob(first), { phase: 'Succeeded' })]
        return post('{"step": 1}')
      },
      code: 409,
      says: 'no Pod of this attempt is at work',
    },
    {
      when: 'the method is GET',
      send: () => request(server).get(pathOf()),
      code: 405,
      says: 'POST a report to this address, for instance {"step": 450',
    },
    {
      when: 'the path is that of a hook',
      send: () => post('{}', '/hooks/models/sync'),
      code: 404,
      says: 'SUBSTRATUS_PROGRESS_URL',
    },
  ])('when $when', async ({ send, code, says }) => {
    const answer = await send()
    expect(answer.status).toBe(code)
    expect(answer.text).toContain(says)
    expect(answer.text).toMatch(/^[^\n]+\n$/)
    expect(kept()).toBeUndefined()
  })

  test('when it comes too fast, with the time to wait', async () => {
    for (const _ of [1, 2]) await post('{"step": 1}')
    const answer = await post('{"step": 2}')
    expect(answer.status).toBe(429)
    expect(answer.headers['retry-after']).toBe('1')
    expect(kept()).toMatchObject({ step: 1 })
  })

  test('when it has no length and never ends', async () => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const head = `POST ${pathOf()} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n`
    socket.write(head)
    socket.on('error', () => {})
    const chunk = `400\r\n${'x'.repeat(1024)}\r\n`
    for (let sent = 0; sent < 8; sent++) socket.write(chunk)
    const [answer] = await once(socket, 'data')
    expect(String(answer)).toMatch(/^HTTP\/1.1 413 /)
    await once(socket, 'close')
    expect(kept()).toBeUndefined()
  })
})

test('memory is bounded: the attempt that was silent longest goes', async () => {
  for (let at = 0; at < 150; at++) {
    const attempt = { uid: `u${at}`, job: 'j' }
    expect(reports.admit(attempt)).toBe(true)
    reports.put(attempt, { percent: 1, metrics: [] })
    reports.admit({ uid: 'u0', job: 'j' })
  }
  const known = Array.from({ length: 150 }, (_, at) => reports.of(`u${at}`)).filter(Boolean)
  expect(known).toHaveLength(100)
  expect([reports.of('u0'), reports.of('u1'), reports.of('u149')].map(Boolean)).toEqual([
    true,
    false,
    true,
  ])
})

test('from one address at most 512 connections are open', async () => {
  const { port } = server.address() as AddressInfo
  const sockets = Array.from({ length: 520 }, () =>
    connect(port, '127.0.0.1').on('error', () => {}),
  )
  try {
    await Promise.all(
      sockets.slice(512).map((socket) => socket.closed || once(socket.resume(), 'close')),
    )
    expect(sockets.filter(({ destroyed }) => !destroyed).length).toBeLessThanOrEqual(512)
  } finally {
    for (const socket of sockets) socket.destroy()
  }
})

test('a connection is closed once it is old, so that the next report may reach another replica', async () => {
  const answer = progressHandler({ keys: () => keys, reports, metrics: measured })
  const impatient = progressServer(answer, 4, 0).listen(0, '127.0.0.1')
  await once(impatient, 'listening')
  const connectionAt = async (one: Server) =>
    (await request(one).post(pathOf()).set('Connection', 'keep-alive').send('{"step": 1}')).headers
      .connection
  try {
    expect(await connectionAt(server)).toBe('keep-alive')
    expect(await connectionAt(impatient)).toBe('close')
  } finally {
    impatient.close()
  }
})

test('a Pod that fills the server keeps no other from reporting', async () => {
  const answer = progressHandler({ keys: () => keys, reports, metrics: measured })
  const small = progressServer(answer, 4).listen(0, '127.0.0.1')
  await once(small, 'listening')
  const { port } = small.address() as AddressInfo
  const localAddress = '127.0.0.2'
  const sockets = Array.from({ length: 4 }, () =>
    connect({ port, host: '127.0.0.1', localAddress }),
  )
  try {
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    const { status } = await fetch(`http://127.0.0.1:${port}${pathOf()}`, {
      method: 'POST',
      body: '{"step": 1}',
    })
    expect(status).toBe(200)
    expect(kept()).toMatchObject({ step: 1 })
  } finally {
    for (const socket of sockets) socket.destroy()
    small.close()
    small.closeAllConnections()
  }
})

test('a sync tells the address and shows what was reported there', async () => {
  const hooks = app({
    config: aConfig(),
    log: pino({ enabled: false }),
    metrics: measured,
    progress: { reporting: reportingAt(url, () => keys), reports },
    now: () => '2026-01-01T00:00:30Z',
  })
  const ask = async (seen: readonly Child[]) =>
    (
      await request(hooks)
        .post('/hooks/models/sync')
        .send(requestFor(model, ...seen))
    ).body
  const told = await ask([])
  const container = told.children.find(({ kind }: Child) => kind === 'Job').spec.template.spec
    .containers[0]
  const address = container.env.find(({ name }: Json) => name === 'SUBSTRATUS_PROGRESS_URL').value
  expect(address).toBe(`${url}${pathOf()}`)

  await post('{"step": 450, "of": 1000, "metrics": {"loss": 0.51}}', address.replace(url, ''))
  const shown = await ask([...applied(told, running), ...pods])
  expect(shown.status.progress).toMatchObject({ percent: 45, summary: '45% loss 0.51' })
})
