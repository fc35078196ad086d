import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { KubeConfig } from '@kubernetes/client-node'
import { afterEach, describe, expect, test } from 'vitest'
import { clusterReviews } from '../../gateway/clusterreviews.ts'
import { keyCheck } from '../../gateway/keys.ts'
import {
  type Bed,
  bodyOf,
  endUpstreams,
  gatewayBed,
  serving,
  soon,
  upstream,
} from '../protocol/gatewaybed.ts'
import { eventually } from './process.ts'

/** Clients that are slow, silent or gone, many of them: other clients are served meanwhile. */

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')
/** In KiB. */
const memory = (): number => {
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return (heapUsed + arrayBuffers) / 1024
}

let bed: Bed
let attackers: Attacker[] = []
afterEach(async () => {
  for (const { socket } of attackers) socket.destroy()
  attackers = []
  await bed.end()
  endUpstreams()
})

interface Attacker {
  readonly socket: Socket
  heard: string
  isOpen: boolean
}

/** Connections from another address of this machine. */
async function attackersOf(count: number, ...sent: readonly string[]): Promise<void> {
  const { hostname, port } = new URL(bed.gateway.url)
  for (let at = 0; at < count; at++) {
    const from = { localAddress: '127.0.0.2', allowHalfOpen: true }
    const socket = connect({ port: Number(port), host: hostname, ...from })
    const attacker: Attacker = { socket, heard: '', isOpen: true }
    attackers.push(attacker)
    socket.on('error', () => {})
    socket.on('data', (piece) => {
      attacker.heard += piece
    })
    socket.on('close', () => {
      attacker.isOpen = false
    })
    await once(socket, 'connect')
    for (const piece of sent) socket.write(piece)
  }
}

/** Each of them sends a byte now and then, until it is closed. */
function drip(byte: string): () => void {
  const timer = setInterval(() => {
    for (const { socket } of attackers) if (socket.writable) socket.write(byte)
  }, 200)
  return () => clearInterval(timer)
}

const areClosed = (): boolean => attackers.every(({ isOpen }) => !isOpen)
const heard = (): ReadonlySet<string> =>
  new Set(attackers.map(({ heard }) => /^HTTP\/1\.1 (\d+)/.exec(heard)?.[1] ?? 'nothing'))

const chat = { model: 'chat', prompt: 'hello' }
const key = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
const posted = (token: string, length: number): string =>
  `POST /team/v1/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nauthorization: Bearer ${token}\r\ncontent-length: ${length}\r\n\r\n`

/** An honest client is answered, and soon, although the machine that runs this may be busy. */
async function serves(token: string): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    const signal = AbortSignal.timeout(5000)
    expect((await bed.post(chat, { ...key(token), signal })).status).toBe(200)
  }
}

const answering = () => upstream(async (req, res) => res.end(await bodyOf(req)))
const checkKey = keyCheck({
  userOf: async (token) => (token === 'good' ? { username: 'ann' } : undefined),
  mayUse: async () => true,
})

describe('clients that send a byte now and then are cut off in time, and others are served meanwhile:', () => {
  test.each([
    {
      what: 'of the headers',
      sent: 'GET /team/v1/models HTTP/1.1\r\nx: ',
      byte: 'y',
      get: ['408'],
    },
    { what: 'of a body, with a good key', sent: posted('good', 1000), byte: ' ', get: ['408'] },
    {
      what: 'of a body, with wrong keys',
      sent: posted('wrong', 1000),
      byte: ' ',
      get: ['401'],
    },
  ])('$what', async ({ sent, byte, get }) => {
    bed = await gatewayBed({ checkKey, limits: { headersSeconds: 1, requestSeconds: 1 } })
    bed.set(serving([await answering()]))
    await serves('good')
    // What the first of them take besides is not counted.
    await attackersOf(100, sent)
    await soon(() => attackers.every(({ socket }) => !socket.writableLength))
    for (const { socket } of attackers) socket.destroy()
    expect(await eventually(areClosed, 5000)).toBe(true)
    attackers = []
    await serves('good')
    const before = memory()
    await attackersOf(100, sent)
    const stop = drip(byte)
    try {
      await serves('good')
      // Each takes 14 KiB, with the client's own part.
      expect((memory() - before) / 100).toBeLessThan(32)
      expect(await eventually(areClosed, 10_000)).toBe(true)
      expect([...heard()]).toEqual(get)
      attackers = []
      bed.lines.length = 0
      expect((memory() - before) / 100).toBeLessThan(5)
    } finally {
      stop()
    }
  })
})

test('an API server that never answers about wrong keys delays only those', async () => {
  const api = createServer(async (req, res) => {
    const { spec } = JSON.parse(await bodyOf(req))
    const isReview = req.url?.endsWith('/tokenreviews')
    if (isReview && !spec.token.startsWith('good')) return
    const user = { username: 'ann' }
    const status = { authenticated: true, audiences: spec.audiences, user, allowed: true }
    res.end(JSON.stringify({ status }))
  })
  await once(api.listen(0, '127.0.0.1'), 'listening')
  const kubeConfig = new KubeConfig()
  kubeConfig.loadFromClusterAndUser(
    {
      name: 'a',
      skipTLSVerify: true,
      server: `http://127.0.0.1:${(api.address() as AddressInfo).port}`,
    },
    { name: 'a' },
  )
  const reviews = clusterReviews(kubeConfig, { acceptClusterTokens: false })
  bed = await gatewayBed({ checkKey: keyCheck(reviews) })
  bed.set(serving([await answering()]))
  try {
    await serves('good')
    for (let at = 0; at < 100; at++) await attackersOf(1, posted(`wrong-${at}`, 2), '{}')
    await serves('good')
    expect((await bed.post(chat, key('good-and-new'))).status).toBe(200)
    const areAnswered = () => !heard().has('nothing')
    expect(await eventually(areAnswered, 10_000)).toBe(true)
    expect([...heard()].toSorted()).toEqual(['429', '503'])
  } finally {
    api.closeAllConnections()
    api.close()
  }
})

test('many clients that close their half while a server wakes leave nothing behind', async () => {
  bed = await gatewayBed()
  const address = await answering()
  const body = JSON.stringify(chat)
  const round = async (): Promise<void> => {
    bed.set(serving([], 'True Idle: idle since 12:00'))
    await attackersOf(100, posted('any', body.length), body)
    const honest = bed.post(chat)
    await soon(() => bed.gateway.underWay() === 101)
    for (const { socket } of attackers) socket.end()
    await soon(() => bed.gateway.underWay() === 1)
    expect(await eventually(areClosed, 5000)).toBe(true)
    bed.set(serving([address]))
    expect((await honest).status).toBe(200)
    attackers = []
    bed.lines.length = 0
  }
  await round()
  expect(bed.woken).toEqual(['chat'])
  await round()
  const before = memory()
  const rounds = 5
  for (let at = 0; at < rounds; at++) await round()
  // An answer that something still refers to has several KiB.
  expect((memory() - before) / (rounds * 100)).toBeLessThan(3)
})
