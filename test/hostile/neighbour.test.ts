import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { pino } from 'pino'
import request from 'supertest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { defaultConfig } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import { kindNamed } from '../../crds/kinds.ts'
import { validatorOf, visible } from '../../crds/objectvalidator.ts'
import { bytesOf } from '../../crds/schema/quantity.ts'
import { type AppOptions, app } from '../../server/app.ts'
import { limitedLookup, tooBusy } from '../../server/limits.ts'
import type { Lookup } from '../../server/lookup.ts'
import { metrics } from '../../server/metrics.ts'
import { segmentsOf } from '../../server/segments.ts'
import { admissionRequest, mutate, validate } from '../../webhooks/review.ts'
import {
  admitted,
  cage,
  eventually,
  head,
  type Line,
  line,
  type Served,
  served,
} from './process.ts'
import { reviewOf, worstBodies } from './worstbodies.ts'

/**
 * Attacks by a neighbour in the cluster network, which reaches the server's port but has neither a
 * token nor an account. It may send anything. It must not block admission for others, and must learn as
 * little as possible.
 */

/** CPU time of this thread in milliseconds, whatever else the machine does. */
function thread(work: () => void): number {
  const start = process.threadCpuUsage()
  work()
  const { user, system } = process.threadCpuUsage(start)
  return (user + system) / 1000
}

const bestOfThree = (work: () => void): number =>
  Math.min(...Array.from({ length: 3 }, () => thread(work)))

const mib = 1024 * 1024

const silent = pino({ base: null }, { write: () => {} })
const serverWith = (options: Partial<AppOptions> = {}) =>
  app({ config: defaultConfig, log: silent, metrics: metrics(), ...options })

const good = reviewOf({})

describe('the worst body of 7 MiB takes the server less than 300 ms', () => {
  const server = createHttpServer(serverWith()).listen(0, '127.0.0.1')
  afterAll(() => server.close())

  test.each(worstBodies)('%s', async (_what, body) => {
    expect(body.length).toBeGreaterThan(6.5 * mib)
    const { port } = server.address() as AddressInfo
    const times: number[] = []
    let answer = ''
    for (let round = 0; round < 3; round++) {
      // The attacker runs in another thread, so its sending is not measured.
      const start = process.threadCpuUsage()
      const sent = await fetch(`http://127.0.0.1:${port}/admission/validate`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
      answer = await sent.text()
      const { user, system } = process.threadCpuUsage(start)
      times.push((user + system) / 1000)
      expect([200, 400, 413]).toContain(sent.status)
    }
    expect(Math.min(...times)).toBeLessThan(300)
    expect(answer.length).toBeLessThan(64 * 1024)
  })
})

describe('the rules of admission are bounded', () => {
  test.each(worstBodies.filter(([, body]) => body.split(',').length < 100_000))(
    'a body that the reader accepts is validated and filled in within 300 ms: %s',
    (_what, body) => {
      const asked = admissionRequest(JSON.parse(body))
      const time = bestOfThree(() => {
        if (typeof asked === 'string') return
        mutate(asked)
        validate(asked, defaultConfig, {})
      })
      expect(time).toBeLessThan(300)
    },
  )
})

describe('validation lists the names of a huge object once, for that alone takes 0.2 s of 7 MiB', () => {
  const huge = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`k${i}`, 1]))
  /** How often its names were listed. */
  const counted = () => {
    let listed = 0
    const ownKeys = (target: object) => {
      listed++
      return Reflect.ownKeys(target)
    }
    return { object: new Proxy({ ...huge }, { ownKeys }), times: () => listed }
  }
  test.each([
    ['spec', (it: object) => it],
    ['spec.env', (env: object) => ({ image: 'm', env })],
    ['spec.params', (params: object) => ({ image: 'm', params })],
    ['spec.resources', (resources: object) => ({ image: 'm', resources })],
    ['spec.build.args', (args: object) => ({ build: { git: { url: 'https://a.b/c' }, args } })],
    ['spec.args of objects', (it: object) => ({ image: 'm', args: [it] })],
  ])('%s', (_field, specWith) => {
    for (const oldSpec of [undefined, { image: 'm', resources: { disk: 10 } }]) {
      const { object, times } = counted()
      const written = (spec: object): Parent => ({
        apiVersion: 'substratus.ai/v1',
        kind: 'Model',
        metadata: { name: 'm', namespace: 'team' },
        spec,
      })
      const { response } = validate(
        {
          uid: 'u',
          operation: oldSpec ? 'UPDATE' : 'CREATE',
          object: written(specWith(object)),
          oldObject: oldSpec && written(oldSpec),
        },
        defaultConfig,
        {},
      )
      expect(response.allowed).toBe(false)
      expect(times()).toBeLessThanOrEqual(1)
    }
  })
})

const answerTo = async (body: string, options: Partial<AppOptions> = {}) =>
  request(serverWith(options))
    .post('/admission/validate')
    .set('content-type', 'application/json')
    .send(body)

describe('a response is short enough to read', () => {
  const fields = (count: number) =>
    reviewOf({
      spec: `{"image":"m",${Array.from({ length: count }, (_, i) => `"x${i}":1`).join(',')}}`,
    })
  test.each([
    { faults: 100, reported: 100, ends: 'spec.x99: unknown field]' },
    { faults: 101, reported: 101, ends: 'spec.x99: unknown field, and 1 more]' },
    { faults: 5000, reported: 101, ends: 'spec.x99: unknown field, and 4900 more]' },
  ])(
    'of $faults errors at most 100 are reported, and the number of the others',
    async ({ faults, reported, ends }) => {
      const { message } = (await answerTo(fields(faults))).body.response.status
      expect(message.split(', ')).toHaveLength(reported)
      expect(message.endsWith(ends)).toBe(true)
    },
  )

  test('errors of several kinds are counted together', async () => {
    const env = Array.from({ length: 100 }, (_, i) => `"a${i}":1`).join(',')
    const more = Array.from({ length: 150 }, (_, i) => `"b${i}":1`).join(',')
    const { message } = (await answerTo(reviewOf({ spec: `{"env":{${env}},${more}}` }))).body
      .response.status
    expect(message).toMatch(/, and 150 more\]$/)
  })

  test('the hooks have the same limit', () => {
    const spec = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`x${i}`, 1]))
    const errors = validatorOf(kindNamed('Notebook'))(visible({ metadata: { name: 'n' }, spec }))
    expect(errors).toHaveLength(101)
    expect(errors.at(-1)).toEqual({ field: '', message: 'and 200 more' })
  })

  test.each([
    { what: 'a field', spec: `{"image":"m","${'x'.repeat(1e6)}":1}` },
    { what: 'an environment variable', spec: `{"image":"m","env":{"${'x'.repeat(1e6)}":1}}` },
    {
      what: 'params',
      spec: `{"image":"m","params":{"${'x'.repeat(1e6)}":[],"${'y'.repeat(1e6)}":[]}}`,
    },
    { what: 'a value', spec: `{"image":"m","package":"${'x'.repeat(1e6)}"}` },
  ])('a long name is cut: $what', async ({ spec }) => {
    const { message } = (await answerTo(reviewOf({ spec }))).body.response.status
    expect(message).toContain('x'.repeat(90))
    expect(message.length).toBeLessThan(1000)
  })

  test('an update of a field with a cut or dotted name is still validated', async () => {
    for (const name of ['x'.repeat(200), 'a.b', '__proto__', 'a[0]']) {
      const spec = (value: string) => `{"image":"m","env":{"A":"b"},"${name}":${value}}`
      const body = reviewOf({
        operation: 'UPDATE',
        spec: spec('1'),
        oldSpec: '{"image":"m","env":{"A":"b"}}',
      })
      expect((await answerTo(body)).body.response.allowed).toBe(false)
    }
  })
})

describe('a review that no API server sends is refused, and costs nothing', () => {
  const looks: string[] = []
  const lookup: Lookup = async (_kind, namespace, name) => {
    looks.push(`${namespace}/${name}`)
    return null
  }
  const asked = (request: object) =>
    answerTo(
      JSON.stringify({
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        request: { uid: 'u', operation: 'CREATE', ...request },
      }),
      { lookup },
    )
  const object = (more: object = {}, spec: object = { model: { name: 'secret' } }) => ({
    apiVersion: 'substratus.ai/v1',
    kind: 'Notebook',
    metadata: { name: 'n', ...more },
    spec,
  })
  test.each([
    {
      what: 'an object of another namespace',
      request: { namespace: 'a', object: object({ namespace: 'b' }) },
      says: 'request.namespace',
    },
    {
      what: 'an old object of another namespace',
      request: {
        namespace: 'a',
        operation: 'UPDATE',
        object: object(),
        oldObject: object({ namespace: 'b' }),
      },
      says: 'request.namespace',
    },
    {
      what: 'a namespace that is a path',
      request: { namespace: '../../nodes', object: object() },
      says: 'request.namespace',
    },
    {
      what: 'a namespace that is not a string',
      request: { namespace: { a: 1 }, object: object() },
      says: 'request.namespace',
    },
    {
      what: 'a name that is not a string',
      request: { namespace: 'a', object: object({ name: {} }) },
      says: 'request.object',
    },
    {
      what: 'a kind that is not a string',
      request: { namespace: 'a', object: { ...object(), kind: [] } },
      says: 'request.object',
    },
    {
      what: 'a version that is not a string',
      request: { namespace: 'a', object: { ...object(), apiVersion: 1 } },
      says: 'request.object',
    },
    {
      what: 'a huge uid',
      request: { uid: 'u'.repeat(1000), object: object() },
      says: 'request.uid',
    },
  ])('$what', async ({ request, says }) => {
    const { status, body } = await asked(request)
    expect([status, body.message]).toEqual([400, expect.stringContaining(says)])
    expect(looks).toEqual([])
  })

  test.each(['../secrets/x', 'A', 'a'.repeat(51), 'a/b', ''])(
    'an invalid name is never looked up: "%s"',
    async (name) => {
      const { body } = await asked({ namespace: 'a', object: object({}, { model: { name } }) })
      expect(body.response.allowed).toBe(false)
      expect(looks).toEqual([])
    },
  )

  test('names of built-in properties cause no error', async () => {
    const odd = JSON.parse(
      '{"__proto__":{"a":1},"constructor":1,"resources":{"gpu":{"type":{"toString":1,"valueOf":1}}},"model":{"__proto__":{"name":"x"}}}',
    )
    const { status, body } = await asked({ namespace: 'a', object: object({}, odd) })
    expect([status, body.response.allowed]).toEqual([200, false])
  })
})

describe('look-ups are bounded', () => {
  const limits = {
    perSecond: 10,
    burst: 5,
    atOnce: 3,
    atOnceFromOne: 2,
    patienceMilliseconds: 200,
    waiting: 10,
  }
  const counting = (milliseconds = 0) => {
    const seen = { most: 0, now: 0, all: 0 }
    const lookup: Lookup = async () => {
      seen.all++
      seen.most = Math.max(seen.most, ++seen.now)
      await sleep(milliseconds)
      seen.now--
      return null
    }
    return { seen, lookup }
  }
  const all = (lookup: Lookup, count: number) =>
    Promise.allSettled(Array.from({ length: count }, (_, i) => lookup('Model', 'team', `m${i}`)))

  test('by rate, after a burst', async () => {
    const { seen, lookup } = counting()
    const results = await all(
      limitedLookup(lookup, { ...limits, atOnce: 100, atOnceFromOne: 100 })('stranger'),
      100,
    )
    expect(seen.all).toBeGreaterThanOrEqual(5)
    expect(seen.all).toBeLessThanOrEqual(8)
    const refused = results.filter(({ status }) => status === 'rejected')
    expect(refused.length).toBe(100 - seen.all)
    expect(refused).toContainEqual({ status: 'rejected', reason: tooBusy })
  })

  test('by the number in progress, for each address and in total', async () => {
    const { seen, lookup } = counting(50)
    const from = limitedLookup(lookup, { ...limits, perSecond: 1000, burst: 1000 })
    await all(from('a'), 4)
    expect(seen.most).toBe(2)
    await Promise.all(['a', 'b', 'c'].map((address) => all(from(address), 3)))
    expect(seen.most).toBe(3)
  })

  test('a neighbour’s limit is separate from the API server’s', async () => {
    const { lookup } = counting()
    const from = limitedLookup(lookup, limits)
    await all(from('stranger'), 50)
    expect(await from('API server')('Model', 'team', 'm')).toBeNull()
  })

  test('many waiting neighbours do not delay another address', async () => {
    const { lookup } = counting(20)
    const from = limitedLookup(lookup, { ...limits, atOnce: 10, waiting: 5, burst: 100 })
    const stranger = all(from('stranger'), 100)
    for (let number = 0; number < 5; number++)
      expect(await from('API server')('Model', 'team', 'm')).toBeNull()
    await stranger
  })

  test('a failed look-up frees its slot', async () => {
    const from = limitedLookup(async () => Promise.reject(new Error('down')), {
      ...limits,
      burst: 100,
    })
    for (let round = 0; round < 10; round++) {
      const [one] = await all(from('a'), 1)
      expect(one).toMatchObject({ reason: { message: 'down' } })
    }
  })

  const notebook = { kind: 'Notebook', spec: '{"model":{"name":"m"}}' }
  const none = { burst: 0, perSecond: 0.001, patienceMilliseconds: 1 }
  test('a review without capacity for look-ups gets a response that makes kubectl retry', async () => {
    const { body } = await answerTo(reviewOf(notebook), {
      lookup: async () => null,
      lookupLimits: none,
    })
    expect(body.response).toMatchObject({
      allowed: false,
      status: {
        code: 429,
        reason: 'TooManyRequests',
        message: 'too many references are being looked up at once: apply again in a few seconds',
        details: { retryAfterSeconds: 1 },
      },
    })
  })
  test('a review whose references only warn is allowed without look-ups', async () => {
    const { body } = await answerTo(reviewOf(notebook), {
      config: { ...defaultConfig, references: { missing: 'Warn', warnFor: [] } },
      lookup: async () => null,
      lookupLimits: none,
    })
    expect(body.response.allowed).toBe(true)
  })
})

describe('with a secret segment in its path, admission is closed to other callers', () => {
  const [old, fresh] = ['old-segment-0123456789', 'new-segment-0123456789']
  const lines: string[] = []
  const log = pino(
    { base: null, level: 'trace' },
    { write: (line: string) => void lines.push(line) },
  )
  const server = serverWith({ log, segments: segmentsOf([old, fresh]) })
  const ask = (path: string, method: 'post' | 'get' = 'post') => {
    const asked = request(server)[method](path).set('content-type', 'application/json')
    return method === 'post' ? asked.send(good) : asked
  }

  test.each([old, fresh])('each of two segments is accepted: %s', async (segment) => {
    for (const verb of ['validate', 'mutate', 'validate?timeout=5s']) {
      const { status, body } = await ask(`/admission/${segment}/${verb}`)
      expect([status, body.response.allowed]).toEqual([200, true])
    }
  })
  const secret = 'removed-segment-9876543210'
  test.each([
    '/admission/validate',
    '/admission/mutate',
    `/admission/${secret}/validate`,
    `/admission/${fresh}/`,
    `/admission/${fresh}/validate/`,
    `/admission/${fresh.toUpperCase()}/validate`,
    `/admission//validate`,
    `/admission/plain/validate`,
    `//admission/${fresh}/validate`,
    `/x/admission/${fresh}/validate`,
    `/Admission/${fresh}/validate`,
    `/%61dmission/${fresh}/validate`,
  ])('another path gets 404, and is not echoed: %s', async (path) => {
    const { status, body } = await ask(path)
    const message = expect.stringMatching(/^no such path/)
    const failure = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 404 }
    expect([status, body]).toEqual([404, { ...failure, message }])
    expect(JSON.stringify(body)).not.toMatch(/segment/i)
  })
  test('the error for a wrong method does not contain the segment', async () => {
    const { status, body } = await ask(`/admission/${fresh}/validate`, 'get')
    expect([status, body.message]).toEqual([405, '/admission/validate takes POST, not GET'])
  })
  test('no log line and no metric contains the segment', async () => {
    const { text } = await ask('/metrics', 'get')
    expect(text).toContain('route="/admission/validate"')
    expect(lines.length).toBeGreaterThan(10)
    expect(text + lines.join('')).not.toMatch(/segment-/i)
  })
  test('the log of a server without segments does not contain one that it receives', async () => {
    await request(serverWith({ log })).post(`/admission/${fresh}/validate`).send('{}')
    expect(lines.join('')).not.toMatch(/segment-/i)
  })
  test('the path without a segment is accepted while one is being introduced', async () => {
    const both = serverWith({ segments: segmentsOf(['plain', fresh]) })
    for (const path of ['/admission/validate', `/admission/${fresh}/validate`])
      expect(
        (await request(both).post(path).set('content-type', 'application/json').send(good)).status,
      ).toBe(200)
  })
})

const chart = parse(readFileSync('helm/values.yaml', 'utf8'))
const limit = Number(bytesOf(chart.resources.limits.memory))
let caged: ReturnType<typeof cage>
const isCageable = (() => {
  const tried = cage(limit)
  tried?.remove()
  return tried !== undefined
})()

/** A body of 7 MiB that never ends; all requests share this buffer. */
const most = 7 * mib
const stalled = Buffer.from(`{"a":"${'x'.repeat(most - 100)}`)
/** One of a hook may be larger. */
const mostOfHook = 16 * mib
const stalledHook = Buffer.from(`{"a":"${'x'.repeat(mostOfHook - 100)}`)
const inChunks = Buffer.concat([Buffer.from(`${stalled.length.toString(16)}\r\n`), stalled])
const objects = `[${'{},'.repeat((most - 10) / 3)}1]`
const bomb = gzipSync(Buffer.alloc(6.9 * mib, ' '), { level: 9 })
const child = (name: number) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: `j${name}`, annotations: { a: 'x'.repeat(200_000) } },
  spec: {},
})
const family = JSON.stringify({
  parent: {
    apiVersion: 'substratus.ai/v1',
    kind: 'Notebook',
    metadata: { name: 'n', namespace: 'team', uid: 'u' },
    spec: { unknown: 1 },
  },
  children: {
    'Job.batch/v1': Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`j${i}`, child(i)])),
  },
})
const sync = '/hooks/notebooks/sync'
const validatePath = '/admission/validate'

interface Attack {
  readonly what: string
  readonly lines: number
  readonly sent: (number: number) => readonly (string | Buffer)[]
  /** Sends a request and never reads the response. */
  readonly deaf?: true
  /** How many of the connections may stay open. */
  readonly mostOpen?: number
}

const attacks: readonly Attack[] = [
  {
    what: '120 bodies of admission that stall',
    lines: 120,
    sent: () => [head(validatePath, most), stalled],
  },
  {
    what: '120 bodies in chunks that stall',
    lines: 120,
    sent: () => [head(validatePath, 'chunked'), inChunks],
  },
  {
    what: '120 bodies of hooks that stall',
    lines: 120,
    sent: () => [head(sync, mostOfHook), stalledHook],
  },
  {
    what: '120 bodies that decompress to a large size',
    lines: 120,
    sent: () => [head(validatePath, bomb.length + 10, 'Content-Encoding: gzip'), bomb],
  },
  {
    what: '30 bodies of a million objects each',
    lines: 30,
    sent: (number) => [head(number % 2 ? validatePath : sync, objects.length), objects],
  },
  {
    what: '60 large responses that are never read',
    lines: 60,
    sent: () => [head(sync, Buffer.byteLength(family)), family],
    deaf: true,
  },
  {
    what: '20 connections of 200 pipelined requests, whose responses are never read',
    lines: 20,
    sent: () => [(head(validatePath, good.length) + good).repeat(200)],
    deaf: true,
  },
  { what: '1,500 connections that send nothing', lines: 1500, sent: () => [], mostOpen: 512 },
  {
    what: '1,500 connections with incomplete headers',
    lines: 1500,
    sent: () => ['POST /admission/validate HTTP/1.1\r\nHost: x\r\nX-Y: '],
    mostOpen: 512,
  },
]

const where = isCageable
  ? `in a memory cgroup of ${chart.resources.limits.memory}`
  : `with its own memory below ${chart.resources.limits.memory}, because no cgroup can be created here,`

describe(`${where} the server outlives its neighbours`, () => {
  beforeAll(() => {
    caged = isCageable ? cage(limit) : undefined
  })
  afterAll(() => caged?.remove())

  test.each(attacks)(
    '$what: admission responds in time meanwhile, and within a second afterwards',
    async ({ lines, sent, deaf, mostOpen = lines }) => {
      const server = await served(caged)
      const { port } = server
      const killsBefore = caged?.kills()
      const open: Line[] = []
      try {
        expect((await admitted(port, good)).code).toBe(200)
        for (let number = 0; number < lines; number++) {
          const one = await line(port, ...sent(number))
          if (deaf) one.socket.pause()
          open.push(one)
          // Occasionally, as in a real cluster.
          if (number % Math.ceil(lines / 5) === 0) {
            const { code } = await admitted(port, good)
            expect(code).toBe(200)
          }
        }
        await sleep(1000)
        expect(open.filter(({ isOpen }) => isOpen()).length).toBeLessThanOrEqual(mostOpen)
        const during = await admitted(port, good)
        expect(during.code).toBe(200)
        // The time that the API server gives a webhook.
        expect(during.ms).toBeLessThan(5000)
        for (const { socket } of open) socket.destroy()
        // The best of three, since other tests may have the processors for a moment.
        const after = [
          await admitted(port, good),
          await admitted(port, good),
          await admitted(port, good),
        ]
        expect(after.map(({ code }) => code)).toEqual([200, 200, 200])
        expect(Math.min(...after.map(({ ms }) => ms))).toBeLessThan(1000)
        expect([server.child.exitCode, server.child.signalCode]).toEqual([null, null])
        expect(server.peak()).toBeLessThan(limit / mib)
        expect(caged?.kills()).toBe(killsBefore)
      } finally {
        for (const { socket } of open) socket.destroy()
        await server.end()
      }
    },
  )

  describe('one server', () => {
    let server: Served
    beforeAll(async () => {
      server = await served(caged)
    })
    afterAll(() => server.end())

    test('bodies beyond 64 MiB in total get 429 and Retry-After, in time', async () => {
      const open = await Promise.all(
        Array.from({ length: 20 }, () => line(server.port, head(validatePath, most), stalled)),
      )
      const refused = () => open.filter(({ heard }) => heard().includes(' 429 '))
      expect(await eventually(() => refused().length >= 10, 5000)).toBe(true)
      expect(refused()[0]?.heard()).toMatch(/^retry-after: 1\r$/im)
      for (const { socket } of open) socket.destroy()
    })

    test('a declared length of more than 7 MiB gets 413 before the body is sent', async () => {
      const { heard, socket } = await line(server.port, head(validatePath, most + 1))
      expect(await eventually(() => heard().includes(' 413 '), 5000)).toBe(true)
      socket.destroy()
    })

    test.each([
      { what: 'a body', sent: [head(validatePath, 100), '{'] },
      { what: 'a head', sent: ['POST /admission/validate HTTP/1.1\r\nHost: x\r\n'] },
      {
        what: 'a body that comes a byte a second',
        sent: [head(validatePath, 100), '{'],
        drip: true,
      },
    ])('$what that stalls is disconnected within 13 s', async ({ sent, drip }) => {
      const { socket, isOpen } = await line(server.port, ...sent)
      const timer = setInterval(() => drip && socket.write(' '), 1000)
      const isCut = await eventually(() => !isOpen(), 13_000)
      clearInterval(timer)
      socket.destroy()
      expect(isCut).toBe(true)
    })
  })
})

test('serve --admission-path-file loads a new segment at runtime, and prints none', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'substratus-segments-'))
  const file = join(folder, 'segments')
  const [old, fresh] = ['old-segment-0123456789', 'new-segment-0123456789']
  writeFileSync(file, `${old}\n`)
  const server = await served(undefined, '--admission-path-file', file)
  try {
    const ask = async (path: string) =>
      (
        await fetch(`http://127.0.0.1:${server.port}/admission/${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: good,
        })
      ).status
    expect(
      await Promise.all(['validate', `${old}/validate`, `${fresh}/validate`].map(ask)),
    ).toEqual([404, 200, 404])
    writeFileSync(file, `${old}\n${fresh}\n`)
    await expect.poll(() => ask(`${fresh}/validate`), { timeout: 10_000 }).toBe(200)
    expect(await ask(`${old}/mutate`)).toBe(200)
    writeFileSync(file, 'Not A Segment\n')
    await expect.poll(() => server.log(), { timeout: 10_000 }).toContain('unusable')
    expect(await ask(`${old}/mutate`)).toBe(200)
    expect(readFileSync(`/proc/${server.child.pid}/cmdline`, 'utf8')).not.toMatch(/segment-/)
    expect(server.log()).not.toMatch(/segment-|Not A Segment/)
  } finally {
    await server.end()
    rmSync(folder, { recursive: true })
  }
})
