import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import request from 'supertest'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { attemptToken } from '../../hooks/progress/address.ts'
import { app } from '../../server/app.ts'
import { reportingAt } from '../../server/progress/keys.ts'
import { timeNow } from '../../server/timenow.ts'
import { until } from '../cluster/cluster.ts'
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
import { type ReceiverBed, receiverBed } from './receiverbed.ts'

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

const pod = aPod(aJob(first), atWork)
const ended = aPod(aJob(first), { phase: 'Succeeded' })

let bed: ReceiverBed
beforeEach(async () => {
  bed = await receiverBed({ keys: ['a key'], pods: [pod] })
})
afterEach(() => bed.stop())

const pathOf = (key = 'a key', attempt = { uid, job }) =>
  `/progress/${attempt.uid}/${attempt.job}/${attemptToken(key, attempt)}`
const post = (body: string, path = pathOf()) =>
  request(bed.url).post(path).set('Content-Type', 'text/plain').send(body)
const codeOf = async (path = pathOf()) => (await post('{"step": 1}', path)).status
const kept = () => bed.reports.of(uid)?.get(job)?.report

describe('a report is taken', () => {
  test.each([
    { as: 'curl sends it', type: 'application/x-www-form-urlencoded' },
    { as: 'a library sends it', type: 'application/json' },
  ])('as $as', async ({ type }) => {
    const answer = await request(bed.url)
      .post(pathOf())
      .set('Content-Type', type)
      .send('{"step": 450, "of": 1000}')
    expect(answer.status).toBe(200)
    await bed.counted(200)
    expect(kept()).toMatchObject({ step: 450, of: 1000 })
  })

  test('signed with a former key, while that one is still accepted', async () => {
    bed.world.keys = ['a new key', 'a key']
    await until(
      () => codeOf(pathOf('a new key')),
      (code) => code === 200,
    )
    expect(await codeOf(pathOf('a key'))).not.toBe(401)
    bed.world.keys = ['a new key']
    await until(
      () => codeOf(pathOf('a key')),
      (code) => code === 401,
    )
    expect(await codeOf(pathOf('a new key'))).not.toBe(401)
  })

  test('and a second one at once, then one a second', async () => {
    const codes: number[] = []
    for (const pause of [0, 0, 0, 1000, 0]) {
      await sleep(pause)
      codes.push((await post(`{"step": ${codes.length}}`)).status)
    }
    expect(codes).toEqual([200, 200, 429, 200, 429])
    await Promise.all(codes.map(bed.counted))
    expect(kept()).toMatchObject({ step: 3 })
  })

  test('and counted', async () => {
    await post('{"percent": 1}')
    await post('{"percent"')
    await Promise.all([200, 400].map(bed.counted))
    const text = await bed.measured.registry.metrics()
    expect(text).toContain('substratus_progress_reports_total{code="200"} 1')
    expect(text).toContain('substratus_progress_reports_total{code="400"} 1')
  })

  test('from an attempt that has just begun, and from none that has ended', async () => {
    bed.pods.put(ended)
    await until(codeOf, (code) => code === 409)
    bed.pods.put(aPod(aJob(first), atWork, { name: 'another' }))
    await until(codeOf, (code) => code === 200)
  })

  test('from any attempt while the Pods are not known', async () => {
    bed.pods.remove(pod)
    await until(codeOf, (code) => code === 409)
    bed.world.isCurrent = false
    await until(codeOf, (code) => code === 200)
  })
})

test('what the callback of transformers sends is understood', async () => {
  const file = join(import.meta.dirname, 'recorded/transformers-5.24.0.jsonl')
  const shown: unknown[] = []
  for (const body of readFileSync(file, 'utf8').trim().split('\n')) {
    if (shown.length > 1) await sleep(1000)
    expect((await post(body)).status).toBe(200)
    await bed.counted(200)
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
      send: () => post('{"step": 1}', pathOf('a key', { uid, job: 'falcon-model-run-former' })),
      code: 409,
      says: 'no Pod of this attempt is at work',
    },
    {
      when: 'the method is GET',
      send: () => request(bed.url).get(pathOf()),
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
    await bed.counted(code)
    expect(bed.reports.of(uid)).toBeUndefined()
  })

  test('when it comes too fast, with the time to wait', async () => {
    for (const _ of [1, 2]) await post('{"step": 1}')
    const answer = await post('{"step": 2}')
    expect(answer.status).toBe(429)
    expect(answer.headers['retry-after']).toBe('1')
    await bed.counted(429)
    expect(kept()).toMatchObject({ step: 1 })
  })

  test('when it has no length and never ends', async () => {
    const socket = connect(bed.port, '127.0.0.1')
    const head = `POST ${pathOf()} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n`
    socket.write(head)
    socket.on('error', () => {})
    const chunk = `400\r\n${'x'.repeat(1024)}\r\n`
    for (let sent = 0; sent < 8; sent++) socket.write(chunk)
    const [answer] = await once(socket, 'data')
    expect(String(answer)).toMatch(/^HTTP\/1.1 413 /)
    await once(socket, 'close')
    await bed.counted(413)
    expect(bed.reports.of(uid)).toBeUndefined()
  })
})

test('from one address at most 512 connections are open', async () => {
  const sockets = Array.from({ length: 520 }, () =>
    connect(bed.port, '127.0.0.1').on('error', () => {}),
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
  const impatient = await receiverBed({ keys: ['a key'] }, { limits: { old: 0 } })
  const connectionAt = async ({ url }: ReceiverBed) =>
    (await request(url).post(pathOf()).set('Connection', 'keep-alive').send('{"step": 1}')).headers
      .connection
  try {
    expect(await connectionAt(bed)).toBe('keep-alive')
    expect(await connectionAt(impatient)).toBe('close')
  } finally {
    await impatient.stop()
  }
})

test('a Pod that fills the server keeps no other from reporting', async () => {
  const small = await receiverBed({ keys: ['a key'], pods: [pod] }, { limits: { connections: 4 } })
  const localAddress = '127.0.0.2'
  const sockets = Array.from({ length: 4 }, () =>
    connect({ port: small.port, host: '127.0.0.1', localAddress }),
  )
  try {
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    const { status } = await fetch(`${small.url}${pathOf()}`, {
      method: 'POST',
      body: '{"step": 1}',
    })
    expect(status).toBe(200)
    await small.counted(200)
    expect(small.reports.of(uid)?.get(job)?.report).toMatchObject({ step: 1 })
  } finally {
    for (const socket of sockets) socket.destroy()
    await small.stop()
  }
})

test('a sync tells the address, and within a second it shows what was reported there', async () => {
  const hooks = app({
    config: aConfig(),
    log: pino({ enabled: false }),
    metrics: bed.measured,
    progress: { reporting: reportingAt(url, () => bed.world.keys), reports: bed.reports },
    now: timeNow,
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
  await sleep(1000)
  const shown = await ask([...applied(told, running), pod])
  expect(shown.status.progress).toMatchObject({ percent: 45, summary: '45% loss 0.51' })
})

describe('the thread of the receiver', () => {
  const program = new URL('./mortalreceiver.ts', import.meta.url)

  test.each([
    { what: 'fails', how: 'throw' },
    { what: 'hangs', how: 'hang' },
  ])('is started again when it $what, and what was reported remains', async ({ how }) => {
    let log = ''
    const write = (line: string) => {
      log += line
    }
    const mortal = await receiverBed(
      { keys: ['a key'], pods: [pod] },
      { program, log: pino({}, { write }) },
    )
    const bug = new BroadcastChannel('mortal receiver')
    const send = async (step: number, key = 'a key') =>
      (await fetch(`${mortal.url}${pathOf(key)}`, { method: 'POST', body: `{"step": ${step}}` }))
        .status
    const step = () => mortal.reports.of(uid)?.get(job)?.report.step
    try {
      expect(await send(1)).toBe(200)
      await mortal.counted(200)
      mortal.world.keys = ['a key', 'another key']
      bug.postMessage(how)
      while (!log.includes('has ended: starting it again')) await sleep(20)
      expect(step()).toBe(1)
      await until(
        () => send(2),
        (code) => code === 200,
      )
      await mortal.counted(200)
      expect(step()).toBe(2)
      expect(await send(3, 'another key')).toBe(200)
    } finally {
      bug.close()
      await mortal.stop()
    }
  })

  test('keeps the server from starting on a port that is taken', async () => {
    await expect(receiverBed({ keys: ['a key'] }, { port: bed.port })).rejects.toThrow('EADDRINUSE')
  })
})

test('a server that many report to ends when it is told to', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'progress-'))
  const tokens = join(folder, 'token')
  writeFileSync(tokens, 'a-token')
  const child = spawn(process.execPath, [
    ...['cli/main.ts', 'serve', '--http', '127.0.0.1:0', '--hook-token-file', tokens],
    ...['--progress', '127.0.0.1:0', '--progress-url', url],
  ])
  try {
    let log = ''
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk
    })
    while (!log.includes('"url":"http://127.0.0.1')) await once(child.stderr, 'data')
    const port = Number(/"port":(\d+)/.exec(log)?.[1])
    let answered = 0
    const reporters = Array.from({ length: 16 }, async () => {
      for (;;) {
        const answer = await fetch(`http://127.0.0.1:${port}${pathOf()}`, { method: 'POST' }).catch(
          () => undefined,
        )
        if (!answer) return
        answered++
        await answer.text()
      }
    })
    while (answered < 100) await sleep(20)
    const end = once(child, 'exit')
    child.kill('SIGTERM')
    expect(await end).toEqual([0, null])
    await Promise.all(reporters)
    expect(log).not.toContain('has ended')
  } finally {
    child.kill('SIGKILL')
  }
}, 60_000)
