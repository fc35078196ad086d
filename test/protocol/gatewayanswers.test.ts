import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectSecure } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { refusals } from '../../gateway/core/refusals.ts'
import { Refused } from '../../gateway/refused.ts'
import { headersBytes } from '../../gateway/unread.ts'
import { localCertificate } from '../certificate.ts'
import { type Bed, endUpstreams, gatewayBed, serving, soon, upstream } from './gatewaybed.ts'

/** Every answer of the gateway is a line of its log, without contents, and is counted once. */

let bed: Bed
afterEach(async () => {
  await bed.end()
  endUpstreams()
})

type Options = Parameters<typeof gatewayBed>[0]

interface Way {
  readonly options?: Options
  readonly servers?: () => Promise<ReturnType<typeof serving>>
  /** What the client sends, byte for byte. */
  readonly sent: string
  /** What it reads: the status, and the code of the error. */
  readonly answer: string
  /** The labels of the namespace and of the model. */
  readonly counted?: string
}

const body = '{"model":"chat","prompt":"private"}'
const posted = (text = body, ...headers: readonly string[]): string =>
  [
    'POST /team/v1/private HTTP/1.1',
    'host: x',
    'content-type: application/json',
    `content-length: ${text.length}`,
    'connection: close',
    ...headers,
    '',
    text,
  ].join('\r\n')
const got = (path: string, ...headers: readonly string[]): string =>
  [`GET ${path} HTTP/1.1`, 'host: x', 'connection: close', ...headers, '\r\n'].join('\r\n')
const chunked = 'POST /team/v1/x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n'
const asked = 'POST /team/v1/private HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n'

const none = async () => serving([])
const asleep = async () => serving([], 'True Idle: idle since 12:00')
const answering = async () => serving([await upstream((_, res) => res.end('private'))])
const refusing = (refusal: Refused['refusal']): Options => ({
  checkKey: async () => {
    throw new Refused(refusal)
  },
})

const inTeam = 'team/'
const inModel = 'team/chat'

/** A refusal without a row here does not compile. */
const refused: Record<keyof typeof refusals, Way> = {
  malformed: { sent: 'private\r\n\r\n', answer: '400 malformed_request' },
  headersTooLarge: {
    sent: got('/team/v1/models', `x: ${'y'.repeat(headersBytes)}`),
    answer: '431 headers_too_large',
  },
  headersTooSlow: {
    options: { limits: { headersSeconds: 0.2 } },
    sent: 'GET /private',
    answer: '408 request_timeout',
  },
  tooSlow: {
    options: { limits: { headersSeconds: 0.2, requestSeconds: 0.2 } },
    sent: `${asked}content-length: 10\r\n\r\n{`,
    answer: '408 request_timeout',
    counted: inTeam,
  },
  noHost: { sent: 'GET /private HTTP/1.1\r\n\r\n', answer: '400 missing_host' },
  unmetExpectation: {
    sent: got('/private', 'expect: private'),
    answer: '417 unsupported_expectation',
  },
  noTunnel: { sent: 'CONNECT private:1 HTTP/1.1\r\n\r\n', answer: '405 unsupported_method' },
  noSuchPath: { sent: got('/private'), answer: '404 unknown_url' },
  badPath: { sent: got('/team/v1/../private'), answer: '400 invalid_path' },
  fromPage: {
    options: { local: { namespace: 'team' } },
    sent: got('/v1/models', 'origin: https://private'),
    answer: '403 from_web_page',
  },
  noModel: { sent: posted('{}'), answer: '400 missing_model', counted: inTeam },
  encodedBody: {
    sent: posted(body, 'content-encoding: private'),
    answer: '415 unsupported_encoding',
    counted: inTeam,
  },
  badBody: { sent: posted('private'), answer: '400 invalid_body', counted: inTeam },
  tooLarge: {
    options: { limits: { jsonBytes: 10 } },
    sent: posted(),
    answer: '413 request_too_large',
    counted: inTeam,
  },
  wrongModel: {
    sent: posted('{"model":"private"}'),
    answer: '404 model_not_found',
    counted: inTeam,
  },
  stopped: {
    servers: async () => serving([], 'False Suspended: spec.suspend is true', { suspend: true }),
    sent: posted(),
    answer: '503 model_stopped',
    counted: inModel,
  },
  notReady: {
    options: { limits: { holdSeconds: 0.1 } },
    sent: posted(),
    answer: '503 model_not_ready',
    counted: inModel,
  },
  tooMany: {
    options: { limits: { perModel: 0 } },
    sent: posted(),
    answer: '429 too_many_requests',
    counted: inTeam,
  },
  tooManyIn: {
    options: { limits: { allRequests: 0 } },
    sent: posted(),
    answer: '429 too_many_requests',
    counted: inTeam,
  },
  full: {
    options: { limits: { allJsonBytes: 0 } },
    sent: posted(),
    answer: '503 bodies_full',
    counted: inTeam,
  },
  noToken: {
    options: refusing(refusals.noToken()),
    sent: posted(),
    answer: '401 invalid_api_key',
    counted: inTeam,
  },
  noRight: {
    options: refusing(refusals.noRight('ann', 'made-up')),
    sent: got('/made-up/v1/models'),
    answer: '403 forbidden',
  },
  tooManyKeys: {
    options: refusing(refusals.tooManyKeys()),
    sent: got('/team/v1/models'),
    answer: '429 too_many_keys',
    counted: inTeam,
  },
  noCheck: {
    options: refusing(refusals.noCheck('it is down')),
    sent: posted(),
    answer: '503 key_not_checked',
    counted: inTeam,
  },
  noWake: {
    options: { world: { wake: () => Promise.reject(new Error('no right')) } },
    servers: asleep,
    sent: posted(),
    answer: '503 model_not_woken',
    counted: inModel,
  },
  unreachable: {
    servers: async () => serving([await upstream((req) => req.socket.destroy())]),
    sent: posted(),
    answer: '502 server_unreachable',
    counted: inModel,
  },
  tooLate: {
    options: { limits: { answerSeconds: 0.1 } },
    servers: async () => serving([await upstream(() => {})]),
    sent: posted(),
    answer: '504 server_timeout',
    counted: inModel,
  },
  starting: {
    options: { world: { namesIn: () => undefined } },
    sent: posted(),
    answer: '503 gateway_starting',
  },
}

/** The same refusals at other moments, and what is no refusal. */
const others: Readonly<Record<string, Way>> = {
  'an answer of a server': {
    servers: answering,
    sent: posted(),
    answer: '200 ',
    counted: inModel,
  },
  'the list of models': { sent: got('/team/v1/models'), answer: '200 ', counted: inTeam },
  'a model': { sent: got('/team/v1/models/chat'), answer: '200 ', counted: inTeam },
  'a model that does not exist': {
    sent: got('/team/v1/models/private'),
    answer: '404 model_not_found',
    counted: inTeam,
  },
  'a failure of the gateway': {
    options: { checkKey: () => Promise.reject(new Error('it is broken')) },
    sent: posted(),
    answer: '500 internal',
    counted: inTeam,
  },
  'a namespace that somebody makes up': {
    sent: got('/made-up/v1/models/private'),
    answer: '404 model_not_found',
  },
  'another method': {
    sent: 'DELETE /team/v1/files/private HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
    answer: '400 missing_model',
    counted: inTeam,
  },
  'a method that does not exist': {
    sent: 'PRIVATE /team/v1/x HTTP/1.1\r\nhost: x\r\n\r\n',
    answer: '400 malformed_request',
  },
  'HTTP/2': { sent: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', answer: '400 malformed_request' },
  'a WebSocket': {
    sent: got('/team/v1/realtime', 'upgrade: websocket'),
    answer: '400 missing_model',
    counted: inTeam,
  },
  'both a length and chunks': {
    sent: `${chunked}content-length: 3\r\n\r\n`,
    answer: '400 malformed_request',
  },
  'a chunk without a length': {
    sent: `${chunked}content-type: application/json\r\n\r\nprivate\r\n`,
    answer: '400 malformed_request',
    counted: inTeam,
  },
  'a chunk with a very long extension': {
    sent: `${chunked}content-type: application/json\r\n\r\n1;${'e'.repeat(20_000)}\r\nx\r\n`,
    answer: '400 malformed_request',
    counted: inTeam,
  },
}

/** Sends bytes, and resolves with what comes until the gateway closes the connection. */
function exchanged(sent: string): Promise<string> {
  const { hostname, port } = new URL(bed.gateway.url)
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(Number(port), hostname, () => socket.write(sent))
    socket.on('data', (piece) => {
      answer += piece
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
  })
}

/** `404 unknown_url`, of an answer as it was received; every error has a sentence. */
function answerIn(received: string): string {
  const [head = '', text = ''] = received.split('\r\n\r\n')
  const status = head.split(' ')[1] ?? ''
  if (status === '200') return `${status} `
  expect(head).toContain('application/json')
  const { error } = JSON.parse(text)
  expect(error).toMatchObject({ message: expect.stringMatching(/ /), type: expect.any(String) })
  expect(Object.keys(error)).toEqual(['message', 'type', 'param', 'code'])
  return `${status} ${error.code}`
}

/** The values of the counter of requests: `team/chat 200: 1`. */
const countedRequests = async (): Promise<readonly string[]> =>
  [
    ...(await bed.metrics()).matchAll(
      /^substratus_gateway_requests_total\{namespace="(.*)",model="(.*)",code="(.*)"\} (.*)$/gm,
    ),
  ].map(([, namespace, model, code, count]) => `${namespace}/${model} ${code}: ${count}`)

const logged = () => bed.lines.filter(({ status }) => status !== undefined)

describe('is answered, logged without its contents, and counted once:', () => {
  const ways = { ...refused, ...others }
  test.each(Object.entries(ways).map(([what, way]) => ({ what, ...way })))('$what', async (way) => {
    bed = await gatewayBed(way.options)
    bed.set(await (way.servers ?? none)())
    expect(answerIn(await exchanged(way.sent))).toBe(way.answer)
    await soon(() => logged().length > 0)
    const [status, code] = way.answer.split(' ')
    expect(logged()).toEqual([expect.objectContaining({ status: Number(status) })])
    if (Number(status) < 500 && code) expect(logged()[0]).toMatchObject({ why: code })
    expect(JSON.stringify(bed.lines)).not.toMatch(/private/i)
    expect(await countedRequests()).toEqual([`${way.counted ?? '/'} ${status}: 1`])
  })
})

describe('a client that goes away', () => {
  test.each([
    {
      when: 'while it sends its body',
      sent: `${asked}content-length: 10\r\n\r\n{`,
      counted: inTeam,
    },
    { when: 'while its request is held', sent: posted(), counted: inModel },
  ])('$when is counted once, as 499', async ({ sent, counted }) => {
    bed = await gatewayBed()
    bed.set(await none())
    const { hostname, port } = new URL(bed.gateway.url)
    const socket = connect(Number(port), hostname, () => socket.write(sent))
    await soon(() => bed.gateway.underWay() === 1)
    socket.destroy()
    await soon(() => logged().length > 0)
    expect(await countedRequests()).toEqual([`${counted} 499: 1`])
  })

  test.each([
    { what: 'sends nothing', sent: '' },
    { what: 'closes its half within the headers', sent: 'GET /priv' },
  ])('and $what gets no answer, and is neither logged nor counted', async ({ sent }) => {
    bed = await gatewayBed({ limits: { headersSeconds: 0.2 } })
    const { hostname, port } = new URL(bed.gateway.url)
    let answer = ''
    const socket = connect(Number(port), hostname, () => (sent ? socket.end(sent) : undefined))
    socket.on('data', (piece) => {
      answer += piece
    })
    await new Promise((resolve) => socket.on('close', resolve))
    expect([answer, bed.lines, await countedRequests()]).toEqual(['', [], []])
  })
})

describe('bytes that are not HTTP', () => {
  test('after a request are refused once that is answered, which they do not cut', async () => {
    let finish = () => {}
    bed = await gatewayBed()
    bed.set(
      serving([
        await upstream((_, res) => {
          res.write('begun ')
          finish = () => res.end('ended')
        }),
      ]),
    )
    const received = exchanged(`${posted().replace('connection: close\r\n', '')}rubbish\r\n\r\n`)
    await soon(() => bed.gateway.underWay() === 1)
    await new Promise((resolve) => setTimeout(resolve, 100))
    finish()
    expect(await received).toMatch(
      /begun [\s\S]*ended[\s\S]*HTTP\/1.1 400 [\s\S]*malformed_request/,
    )
    expect((await countedRequests()).toSorted()).toEqual(['/ 400: 1', 'team/chat 200: 1'])
  })

  test('are dropped until the client has read why, and not for long', async () => {
    bed = await gatewayBed()
    const { hostname, port } = new URL(bed.gateway.url)
    let answer = ''
    const began = performance.now()
    const socket = connect(Number(port), hostname)
    const sending = setInterval(() => socket.writable && socket.write('rubbish'.repeat(10_000)), 20)
    socket.on('data', (piece) => {
      answer += piece
    })
    socket.on('error', () => {})
    await new Promise((resolve) => socket.on('close', resolve))
    clearInterval(sending)
    expect(answer).toContain('malformed_request')
    expect(performance.now() - began).toBeLessThan(5000)
    expect(await countedRequests()).toEqual(['/ 400: 1'])
  })
})

test('over TLS, what is not HTTP is refused, and what is not TLS is cut off without a trace', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'substratus-answers-'))
  const { ca, server } = await localCertificate(folder)
  rmSync(folder, { recursive: true })
  bed = await gatewayBed({ tls: server })
  bed.set(await none())
  const plain = exchanged(got('/team/v1/models')).catch(() => '')
  expect(await plain).toBe('')
  expect([bed.lines, await countedRequests()]).toEqual([[], []])

  const { hostname, port } = new URL(bed.gateway.url)
  const ask = async (sent: string): Promise<string> => {
    const socket = connectSecure({ port: Number(port), host: hostname, ca })
    socket.write(sent)
    let answer = ''
    for await (const piece of socket) answer += piece
    return answerIn(answer)
  }
  expect(await ask('rubbish\r\n\r\n')).toBe('400 malformed_request')
  expect(await ask(got('/team/v1/models'))).toBe('200 ')
  expect(await countedRequests()).toEqual(['/ 400: 1', 'team/ 200: 1'])
})

test('a client that sends its whole body before it reads still reads why it was refused', async () => {
  bed = await gatewayBed(refusing(refusals.noToken()))
  bed.set(await none())
  const { hostname, port } = new URL(bed.gateway.url)
  const piece = Buffer.alloc(100_000, ' ')
  const socket = connect(Number(port), hostname)
  socket.write(`${asked}content-length: ${10 * piece.length}\r\n\r\n`)
  for (let at = 0; at < 10; at++) {
    socket.write(piece)
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
  let answer = ''
  for await (const more of socket) answer += more
  expect(answerIn(answer)).toBe('401 invalid_api_key')
})

test('the longest key is not refused for its length, with eight thousand bytes of other headers', async () => {
  bed = await gatewayBed({ checkKey: async (given = '') => `${given.length}` })
  bed.set(await none())
  const key = `authorization: Bearer ${'x'.repeat(headersBytes - 8192)}`
  const head = got('/team/v1/models', key, `cookie: ${'y'.repeat(7900)}`)
  expect(answerIn(await exchanged(head))).toBe('200 ')
  expect(logged()).toMatchObject([{ user: `${headersBytes - 8192 + 'Bearer '.length}` }])
})
