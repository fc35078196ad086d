import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createHttpServer, type Server as HttpServer, request } from 'node:http'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Relay, relayTo } from '../../../tools/relay.ts'

const portOf = (server: Server | HttpServer): number => (server.address() as AddressInfo).port
async function listening<S extends Server | HttpServer>(server: S): Promise<S> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

describe('the relay', () => {
  let server: HttpServer
  let relay: Relay
  let gone: number
  beforeEach(async () => {
    gone = 0
    server = createHttpServer(async (asked, response) => {
      response.on('close', () => !response.writableFinished && gone++)
      if (asked.url === '/stream') {
        for (let part = 0; part < 5; part++) {
          response.write(`data: ${part}\n\n`)
          await sleep(50)
        }
        response.end()
      } else if (asked.url === '/hash') {
        const hash = createHash('sha256')
        for await (const chunk of asked) hash.update(chunk)
        response.end(hash.digest('hex'))
      } else if (asked.url === '/slow') {
        await sleep(700)
        response.end('done')
      } else if (asked.url === '/endless') {
        response.write('begun')
      } else response.end('ok')
    })
    await listening(server)
    relay = relayTo(portOf(server), ['/health', '/metrics'])
    await listening(relay.server)
  })
  afterEach(() => {
    server.closeAllConnections()
    server.close()
    relay.server.close()
  })
  const address = (path: string) => `http://127.0.0.1:${portOf(relay.server)}${path}`
  const get = async (path: string) => (await fetch(address(path))).text()

  test('passes a stream on part by part', async () => {
    const { body } = await fetch(address('/stream'))
    const times: number[] = []
    let all = ''
    for await (const chunk of body ?? []) {
      times.push(performance.now())
      all += Buffer.from(chunk).toString()
    }
    expect(all).toBe([0, 1, 2, 3, 4].map((part) => `data: ${part}\n\n`).join(''))
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(100)
  })

  test('passes a large body on unchanged', async () => {
    const body = randomBytes(32 * 2 ** 20)
    const answer = await fetch(address('/hash'), { method: 'POST', body })
    expect(await answer.text()).toBe(createHash('sha256').update(body).digest('hex'))
  })

  test('knows how long nobody has used the server, probes and open connections apart', async () => {
    expect(await get('/')).toBe('ok')
    // The connection of this client stays open.
    await sleep(300)
    const pooled = connect(portOf(relay.server), '127.0.0.1')
    try {
      for (let turn = 0; turn < 3; turn++) {
        const probing = request(address('/health'), { agent: false }).end()
        const [answer] = await once(probing, 'response')
        expect(await text(answer)).toBe('ok')
        await sleep(50)
      }
      expect(relay.silentFor()).toBeGreaterThan(400)
      expect(await get('/')).toBe('ok')
      expect(relay.silentFor()).toBeLessThan(200)
    } finally {
      pooled.destroy()
    }
  })

  test('a request without an answer yet is activity, however long it takes', async () => {
    const answer = get('/slow')
    await sleep(600)
    expect(relay.silentFor()).toBeLessThan(50)
    expect(await answer).toBe('done')
  })

  test('a client that goes away frees the server', async () => {
    const leaving = new AbortController()
    await fetch(address('/endless'), { signal: leaving.signal })
    leaving.abort()
    await expect.poll(() => gone).toBe(1)
  })
})

test('a client may end its side first, and still reads the whole answer', async () => {
  const server = await listening(
    createServer({ allowHalfOpen: true }, async (socket) => {
      const asked = await text(socket)
      await sleep(50)
      socket.end(`got ${asked}`)
    }),
  )
  const relay = relayTo(portOf(server), [])
  await listening(relay.server)
  try {
    const client = connect({ port: portOf(relay.server), host: '127.0.0.1', allowHalfOpen: true })
    client.end('all of it')
    expect(await text(client)).toBe('got all of it')
  } finally {
    server.close()
    relay.server.close()
  }
})

test('a server that listens at the Pod’s own address alone is reached there', async () => {
  const server = createHttpServer((_, response) => response.end('ok'))
  await once(server.listen(0, '127.0.0.2'), 'listening')
  // On one machine, 127.0.0.2 is another address than 127.0.0.1.
  const relay = relayTo(portOf(server), [], ['127.0.0.1', '127.0.0.2'])
  await listening(relay.server)
  try {
    expect(await (await fetch(`http://127.0.0.1:${portOf(relay.server)}/`)).text()).toBe('ok')
  } finally {
    server.closeAllConnections()
    server.close()
    relay.server.close()
  }
})

describe.each([
  { where: 'at one address', addresses: ['127.0.0.1'] },
  { where: 'at any of two', addresses: ['127.0.0.1', '127.0.0.2'] },
])('to a server that does not listen $where', ({ addresses }) => {
  let relay: Relay
  beforeEach(async () => {
    const server = await listening(createServer())
    relay = relayTo(portOf(server), [], addresses)
    server.close()
    await listening(relay.server)
  })
  afterEach(() => {
    relay.server.close()
  })
  const client = () => connect(portOf(relay.server), '127.0.0.1')

  test.each([
    { what: 'a request', sent: 'GET / HTTP/1.1\r\n\r\n' },
    {
      what: 'a request with a body that has not arrived',
      sent: 'POST /v1/embeddings HTTP/1.1\r\ncontent-length: 9\r\n\r\n',
    },
  ])('$what is answered: nothing was sent, and the relay goes on', async ({ sent }) => {
    for (let turn = 0; turn < 2; turn++) {
      const asking = client()
      asking.write(sent)
      expect(await text(asking)).toMatch(
        /^HTTP\/1\.1 503 [\s\S]*\r\nsubstratus-unsent: 1\r\n[\s\S]*\r\n\r\n$/,
      )
    }
  })

  test.each([
    { what: 'another protocol', sent: 'PRI * HTTP/2.0\r\n\r\n' },
    { what: 'a client that sends nothing', sent: '' },
  ])('$what is cut off', async ({ sent }) => {
    const asking = client()
    if (sent) asking.write(sent)
    const [error] = await once(asking, 'error')
    expect((error as NodeJS.ErrnoException).code).toBe('ECONNRESET')
  })
})
