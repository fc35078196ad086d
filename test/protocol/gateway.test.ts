import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request, type ServerResponse } from 'node:http'
import { connect, createServer } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { relayTo } from '../../tools/relay.ts'
import {
  type Bed,
  bodyOf,
  endUpstreams,
  errorIn,
  gatewayBed,
  serving,
  soon,
  upstream,
} from './gatewaybed.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

let bed: Bed
afterEach(async () => {
  await bed.end()
  endUpstreams()
})

const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 }
const chat = { model: 'chat', messages: [{ role: 'user', content: 'hello' }] }

describe('a request', () => {
  test('reaches the server under the name that it knows, and without what says who sent it', async () => {
    let seen: unknown
    const address = await upstream(async (req, res) => {
      seen = { url: req.url, headers: req.headers, body: JSON.parse(await bodyOf(req)) }
      res.setHeader('set-cookie', 'a=b').setHeader('x-own', 'yes')
      res.end(JSON.stringify({ answer: 42, usage }))
    })
    bed = await gatewayBed()
    bed.set(serving([address], undefined, { aliases: ['gpt-4o'] }))
    const response = await bed.post(
      { ...chat, model: 'gpt-4o' },
      { headers: { authorization: 'Bearer secret', cookie: 'c=d', 'x-forwarded-for': '1.2.3.4' } },
    )
    expect(await response.json()).toEqual({ answer: 42, usage })
    expect(response.headers.get('x-own')).toBe('yes')
    expect(response.headers.get('set-cookie')).toBeNull()
    expect(seen).toMatchObject({
      url: '/v1/chat/completions',
      body: { ...chat, model: 'falcon' },
    })
    const text = JSON.stringify(seen)
    for (const secret of ['secret', 'c=d', '1.2.3.4']) expect(text).not.toContain(secret)
  })

  test.each([
    { of: 'an adapter that has a name', adapter: { name: 'polite' }, sent: { model: 'polite' } },
    {
      of: 'an adapter that has a number',
      adapter: { name: 'polite', lora: 2 },
      sent: { model: 'falcon', lora: [{ id: 2, scale: 1 }] },
    },
  ])('for $of selects it, and one for its model does not', async ({ adapter, sent }) => {
    const bodies: unknown[] = []
    const address = await upstream(async (req, res) => {
      bodies.push(JSON.parse(await bodyOf(req)))
      res.end('{}')
    })
    bed = await gatewayBed()
    const spec = { adapters: [{ name: 'polite' }] }
    bed.set(serving([address], undefined, spec, 'chat', [adapter]))
    const mine = { ...chat, lora: [{ id: 0, scale: 9 }] }
    for (const model of ['polite', 'chat', 'polite', 'falcon'])
      expect((await bed.post({ ...(adapter.lora ? mine : chat), model })).status).toBe(200)
    const whole = { ...chat, model: 'falcon', ...(adapter.lora && { lora: [{ id: 0, scale: 0 }] }) }
    expect(bodies).toEqual([{ ...chat, ...sent }, whole, { ...chat, ...sent }, whole])
  })

  test('for an adapter waits until every replica has it', async () => {
    const address = await upstream((_, res) => res.end('{}'))
    bed = await gatewayBed({ limits: { holdSeconds: 1 } })
    const spec = { adapters: [{ name: 'polite' }] }
    bed.set(serving([address], undefined, spec))
    expect(await errorIn(await bed.post({ ...chat, model: 'polite' }))).toBe(
      '503 model_not_ready: ModelServer "chat": adapter "polite" is not served yet: Serving: serving',
    )
    const waiting = bed.post({ ...chat, model: 'polite' })
    bed.set(serving([address], undefined, spec, 'chat', [{ name: 'polite' }]))
    expect((await waiting).status).toBe(200)
  })

  test('is counted with its tokens, and logged without its contents', async () => {
    const address = await upstream((_, res) => res.end(JSON.stringify({ text: 'private', usage })))
    bed = await gatewayBed()
    bed.set(serving([address]))
    await (await bed.post(chat)).text()
    await soon(() => bed.lines.length > 0)
    expect(bed.lines[0]).toMatchObject({ model: 'chat', server: 'chat', status: 200 })
    expect(JSON.stringify(bed.lines)).not.toMatch(/private|hello/)
    const text = await bed.metrics()
    for (const line of [
      'substratus_gateway_requests_total{namespace="team",model="chat",code="200"} 1',
      'substratus_gateway_tokens_total{namespace="team",model="chat",kind="prompt"} 3',
      'substratus_gateway_tokens_total{namespace="team",model="chat",kind="completion"} 4',
      'substratus_gateway_first_byte_seconds_count{namespace="team",model="chat"} 1',
      'substratus_gateway_requests_under_way{namespace="team",model="chat"} 0',
    ])
      expect(text).toContain(line)
  })

  test('that is refused is logged without its contents, too', async () => {
    bed = await gatewayBed()
    bed.set(serving([]))
    expect(await errorIn(await bed.post(chat, { body: 'private' }))).toContain('private')
    await soon(() => bed.lines.length > 0)
    expect(bed.lines).toMatchObject([{ status: 400, why: 'invalid_body' }])
    expect(JSON.stringify(bed.lines)).not.toContain('private')
  })

  test('gets the bytes of the answer’s headers as they are', async () => {
    const name = Buffer.from('日本.wav').toString('latin1')
    const address = await upstream((_, res) =>
      res.setHeader('content-disposition', `attachment; filename="${name}"`).end('{}'),
    )
    bed = await gatewayBed()
    bed.set(serving([address]))
    const { headers } = await bed.post(chat)
    expect(headers.get('content-disposition')).toBe(`attachment; filename="${name}"`)
  })

  test('that is redirected by the server’s own address finds the place at the gateway', async () => {
    const address = await upstream((req, res) => {
      if (req.url === '/v1/chat/completions/') return void res.end('found')
      // As FastAPI does it.
      res.writeHead(307, { location: `http://${req.headers.host}${req.url}/` }).end()
    })
    bed = await gatewayBed()
    bed.set(serving([address]))
    expect(await (await bed.post(chat)).text()).toBe('found')
  })

  test('keeps the status and the words of a server that refuses it', async () => {
    const address = await upstream((_, res) => res.writeHead(422).end('too long'))
    bed = await gatewayBed()
    bed.set(serving([address]))
    const response = await bed.post(chat)
    expect([response.status, await response.text()]).toEqual([422, 'too long'])
  })

  test.each([
    { what: 'no JSON', init: { body: '{' }, says: /^400 invalid_body: the body is not JSON/ },
    { what: 'no model', init: { body: '{}' }, says: /^400 missing_model/ },
    {
      what: 'another type',
      init: { headers: { 'content-type': 'text/plain' } },
      says: /^400 missing_model/,
    },
    {
      what: 'a body that is compressed',
      init: { headers: { 'content-encoding': 'gzip' } },
      says: /^415 unsupported_encoding: the body has the Content-Encoding "gzip": send it uncompressed/,
    },
    {
      what: 'a model that does not exist',
      init: { body: '{"model":"chatt"}' },
      says: /^404 model_not_found: no model "chatt" in namespace "team": did you mean "chat"\?/,
    },
    {
      what: 'too much',
      init: { body: JSON.stringify({ model: 'chat', prompt: 'x'.repeat(5000) }) },
      says: /^413 request_too_large: the body is larger than 4096 bytes/,
    },
  ])('with $what is refused', async ({ init, says }) => {
    bed = await gatewayBed({ limits: { jsonBytes: 4096 } })
    bed.set(serving([]))
    expect(await errorIn(await bed.post(chat, init))).toMatch(says)
  })

  test('of a body without a length is refused once it is too much', async () => {
    bed = await gatewayBed({ limits: { jsonBytes: 4096 } })
    bed.set(serving([]))
    const body = Readable.toWeb(Readable.from([Buffer.alloc(3000), Buffer.alloc(3000)]))
    const response = await bed.post(chat, { body, duplex: 'half' } as RequestInit)
    expect(response.status).toBe(413)
  })

  test('that arrives in single bytes takes the room that they need in memory', async () => {
    bed = await gatewayBed({ limits: { allJsonBytes: 2 ** 20 } })
    bed.set(serving([]))
    const { hostname, port } = new URL(bed.gateway.url)
    const socket = connect({ port: Number(port), host: hostname, noDelay: true })
    let answer = ''
    socket.on('data', (piece) => {
      answer += piece
    })
    socket.write(
      'POST /team/v1/x HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
    )
    for (let bytes = 0; bytes < 5000 && !answer; bytes++) {
      socket.write('1\r\n \r\n')
      await turn()
    }
    expect(answer).toContain('bodies_full')
    socket.destroy()
    const whole = await bed.post({ ...chat, model: 'none', prompt: 'x'.repeat(400_000) })
    expect(whole.status).toBe(404)
  })

  test('finds room while two other namespaces take as much as they can get', async () => {
    bed = await gatewayBed({ limits: { allJsonBytes: 2 ** 20 } })
    bed.set(serving([]))
    const { hostname, port } = new URL(bed.gateway.url)
    const taking = (namespace: string) => {
      const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }
      const sending = request({
        hostname,
        port,
        method: 'POST',
        path: `/${namespace}/v1/x`,
        headers,
      })
      sending.on('error', () => {})
      sending.write(Buffer.alloc(450_000))
      return sending
    }
    const others = ['one', 'two'].map(taking)
    try {
      await sleep(200)
      const body = { ...chat, model: 'none', prompt: 'x'.repeat(200_000) }
      expect((await bed.post(body)).status).toBe(404)
    } finally {
      for (const sending of others) sending.destroy()
    }
  })

  test('beyond those that a model may have is refused, and others go on', async () => {
    const open: ServerResponse[] = []
    const address = await upstream((_, res) => void open.push(res))
    bed = await gatewayBed({ limits: { perModel: 2 } })
    bed.set(serving([address], undefined, { aliases: ['other'] }))
    const first = [bed.post(chat), bed.post(chat)]
    await soon(() => open.length === 2)
    expect(await errorIn(await bed.post(chat))).toMatch(/^429 too_many_requests/)
    const other = bed.post({ ...chat, model: 'other' })
    await soon(() => open.length === 3)
    for (const res of open) res.end('{}')
    for (const response of await Promise.all([...first, other])) expect(response.status).toBe(200)
  })
})

test('requests of one namespace leave places for those of others', async () => {
  const open: ServerResponse[] = []
  const address = await upstream((_, res) => void open.push(res))
  bed = await gatewayBed({ limits: { allRequests: 4 } })
  bed.set(serving([address]))
  const first = [bed.post(chat), bed.post(chat)]
  await soon(() => open.length === 2)
  expect(await errorIn(await bed.post(chat))).toBe(
    '429 too_many_requests: namespace "team" already has as many requests in progress here as it may: try again later',
  )
  const headers = { 'content-type': 'application/json' }
  const url = `${bed.gateway.url}/other/v1/x`
  expect((await fetch(url, { method: 'POST', headers, body: '{"model":"x"}' })).status).toBe(404)
  for (const res of open) res.end('{}')
  for (const response of await Promise.all(first)) expect(response.status).toBe(200)
  const again = bed.post(chat)
  await soon(() => open.length === 3)
  open[2]?.end('{}')
  expect((await again).status).toBe(200)
})

test('replicas take turns, whatever else a program asks in between', async () => {
  const asked = [0, 0]
  const [first = '', second = ''] = await Promise.all(
    asked.map((_, at) =>
      upstream(async (req, res) => {
        if ((await bodyOf(req)).includes('counted')) asked[at] = (asked[at] ?? 0) + 1
        res.end('{}')
      }),
    ),
  )
  bed = await gatewayBed()
  const aliased = { aliases: ['embed'] }
  bed.set(
    serving([first], undefined, aliased, 'one'),
    serving([second], undefined, aliased, 'two'),
    serving([first], undefined, { model: { name: 'llm' } }, 'llm'),
  )
  for (let at = 0; at < 10; at++) {
    await (await bed.post({ model: 'embed', input: `counted ${at}` })).text()
    await (await bed.post({ model: 'llm', input: 'another model' })).text()
    await (await bed.post({ ...chat, model: 'embed' })).text()
  }
  expect(asked).toEqual([5, 5])
})

describe('the series of a model', () => {
  test('are few, whatever numbers a server answers with', async () => {
    let status = 600
    const address = await upstream((_, res) => res.writeHead(status++).end())
    bed = await gatewayBed()
    bed.set(serving([address]))
    for (let at = 0; at < 20; at++) expect((await bed.post(chat)).status).toBe(600 + at)
    await soon(() => bed.lines.length === 20)
    expect((await bed.metrics()).match(/^substratus_gateway_requests_total.*/gm)).toEqual([
      'substratus_gateway_requests_total{namespace="team",model="chat",code="6xx"} 20',
    ])
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  test('are removed after it is gone and its last request has ended, and others are kept', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    let finish = () => {}
    const address = await upstream(async (req, res) => {
      if (!(await bodyOf(req)).includes('slow')) return void res.end(JSON.stringify({ usage }))
      res.write('begun')
      finish = () => res.end()
    })
    bed = await gatewayBed()
    bed.set(serving([address], undefined, { aliases: ['former', 'busy'] }))
    await (await bed.post({ ...chat, model: 'former' })).text()
    await (await bed.post(chat)).text()
    const slow = await bed.post({ ...chat, model: 'busy', prompt: 'slow' })
    bed.set(serving([address]))
    vi.advanceTimersByTime(60_000)
    await soon(async () => !(await bed.metrics()).includes('"former"'))
    expect(await bed.metrics()).toContain(
      'requests_total{namespace="team",model="chat",code="200"} 1',
    )
    expect(await bed.metrics()).toMatch(/requests_under_way\{[^}]*"busy"\} 1/)
    finish()
    await slow.text()
    await soon(async () => /requests_under_way\{[^}]*"busy"\} 0/.test(await bed.metrics()))
    vi.advanceTimersByTime(60_000)
    await soon(async () => !(await bed.metrics()).includes('"busy"'))
  })
})

describe('GET /v1/models', () => {
  test('lists what there is, and shows one', async () => {
    bed = await gatewayBed()
    bed.set(serving([], 'True Idle: idle', { aliases: ['org/chat'] }))
    const list = await (await fetch(`${bed.gateway.url}/team/v1/models`)).json()
    expect(JSON.stringify(list)).toContain('"id":"org/chat"')
    // OpenAI's client encodes the slash; people do not.
    for (const name of ['org%2Fchat', 'org/chat']) {
      const one = await fetch(`${bed.gateway.url}/team/v1/models/${name}`)
      expect(await one.json()).toMatchObject({ id: 'org/chat', status: 'asleep' })
    }
    const head = await fetch(`${bed.gateway.url}/team/v1/models`, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
    expect((await fetch(`${bed.gateway.url}/team/v1/models/none`)).status).toBe(404)
  })
})

describe('a stream', () => {
  const event = (at: number) => `data: {"choices":[{"delta":{"content":"${at}"}}]}\n\n`

  test('of 10,000 pieces arrives as it was sent', async () => {
    const sent = Array.from({ length: 10_000 }, (_, at) => event(at)).join('')
    const address = await upstream(async (_, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      for (let at = 0; at < 10_000; at++)
        if (!res.write(event(at))) await new Promise((resolve) => res.once('drain', resolve))
      res.end()
    })
    bed = await gatewayBed()
    bed.set(serving([address]))
    expect(await (await bed.post(chat)).text()).toBe(sent)
  })

  test('begins before it ends', async () => {
    let finish = () => {}
    const address = await upstream((_, res) => {
      res.write(event(1))
      finish = () => res.end(event(2))
    })
    bed = await gatewayBed()
    bed.set(serving([address]))
    const reader = (await bed.post(chat)).body?.getReader()
    const first = await reader?.read()
    expect(Buffer.from(first?.value ?? []).toString()).toBe(event(1))
    finish()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe(event(2))
  })

  test('waits for a client that does not read, so that memory stays flat', async () => {
    let written = 0
    const total = 200 * 2 ** 20
    const piece = randomBytes(2 ** 16)
    const address = await upstream(async (_, res) => {
      while (written < total && !res.destroyed) {
        written += piece.length
        if (!res.write(piece)) await new Promise((resolve) => res.once('drain', resolve))
      }
      res.end()
    })
    bed = await gatewayBed()
    bed.set(serving([address]))
    const response = await bed.post(chat)
    await sleep(500)
    // What fits into the buffers of the sockets and of this client.
    expect(written).toBeLessThan(32 * 2 ** 20)
    let read = 0
    for await (const chunk of response.body ?? []) read += (chunk as Uint8Array).length
    expect(read).toBe(total)
  })

  test('that breaks off breaks off at the client too, and is not sent again', async () => {
    let requests = 0
    const address = await upstream((req, res) => {
      requests++
      res.write(event(1))
      setTimeout(() => req.socket.destroy(), 50)
    })
    bed = await gatewayBed()
    bed.set(serving([address]))
    const response = await bed.post(chat)
    await expect(response.text()).rejects.toThrow()
    expect(requests).toBe(1)
  })

  test('that breaks off resets the connection of an HTTP/1.0 client, so that it does not look complete', async () => {
    let breakOff = () => {}
    const address = await upstream((_, res) => {
      res.write('begun')
      breakOff = () => res.destroy()
    })
    bed = await gatewayBed()
    bed.set(serving([address]))
    const body = JSON.stringify(chat)
    const { hostname, port } = new URL(bed.gateway.url)
    let got = ''
    const socket = connect(Number(port), hostname, () =>
      socket.write(
        `POST /team/v1/x HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      ),
    )
    socket.on('data', (piece) => {
      got += piece
      if (got.endsWith('begun')) breakOff()
    })
    const [error] = await once(socket, 'error')
    expect(error).toMatchObject({ code: 'ECONNRESET' })
    expect(got).toMatch(/\r\n\r\nbegun$/)
  })

  test('whose client goes away frees the server at once', async () => {
    let isFreed = false
    const address = await upstream((_, res) => {
      res.write(event(1))
      res.on('close', () => {
        isFreed = true
      })
    })
    bed = await gatewayBed()
    bed.set(serving([address]))
    const leaving = new AbortController()
    const response = await bed.post(chat, { signal: leaving.signal })
    await response.body?.getReader().read()
    leaving.abort()
    await soon(() => isFreed, 1)
    await soon(() => bed.lines.some(({ status }) => status === 499))
  })

  test('goes on while its replica leaves, and new ones go to another', async () => {
    let finish = () => {}
    const old = await upstream((_, res) => {
      res.write(event(1))
      finish = () => res.end('old')
    })
    const next = await upstream((_, res) => res.end('new'))
    bed = await gatewayBed()
    bed.set(serving([old]))
    const stream = await bed.post(chat)
    bed.set(serving([next]))
    expect(await (await bed.post(chat)).text()).toBe('new')
    finish()
    expect(await stream.text()).toBe(`${event(1)}old`)
  })
})

describe('a server that', () => {
  test('resets the connection gets no request twice', async () => {
    let requests = 0
    const address = await upstream((req) => {
      requests++
      req.socket.destroy()
    })
    bed = await gatewayBed()
    bed.set(serving([address]))
    expect(await errorIn(await bed.post(chat))).toMatch(
      /^502 server_unreachable: ModelServer "chat" did not answer: /,
    )
    expect(requests).toBe(1)
  })

  test('speaks no HTTP is told as such', async () => {
    const server = createServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = `127.0.0.1:${(server.address() as { port: number }).port}`
    bed = await gatewayBed()
    bed.set(serving([address]))
    expect((await bed.post(chat)).status).toBe(502)
    server.close()
  })

  test('closes its half of the connection after the request is answered still', async () => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.once('data', () => {
        socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok')
      })
      socket.on('error', () => {})
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    bed = await gatewayBed()
    bed.set(serving([`127.0.0.1:${(server.address() as { port: number }).port}`]))
    expect(await (await bed.post(chat)).text()).toBe('ok')
    server.close()
  })

  test('refuses the connection is passed over, and the body is sent whole to another', async () => {
    const refusing = await upstream(() => {})
    endUpstreams()
    const address = await upstream(async (req, res) => res.end(await bodyOf(req)))
    bed = await gatewayBed()
    bed.set(serving([refusing, address]))
    for (let at = 0; at < 4; at++) {
      const body = { ...chat, messages: [{ role: 'user', content: `${at}` }] }
      expect(await (await bed.post(body)).json()).toEqual({ ...body, model: 'falcon' })
    }
  })

  test('has crashed behind its relay is passed over, and the body is sent whole to another', async () => {
    const crashed = createServer()
    await new Promise<void>((resolve) => crashed.listen(0, '127.0.0.1', resolve))
    const relay = relayTo((crashed.address() as { port: number }).port, [])
    crashed.close()
    await new Promise<void>((resolve) => relay.server.listen(0, '127.0.0.1', resolve))
    const other = await upstream(async (req, res) => res.end(await bodyOf(req)))
    bed = await gatewayBed()
    bed.set(serving([`127.0.0.1:${(relay.server.address() as { port: number }).port}`, other]))
    const padding = 'x'.repeat(2 ** 20)
    for (const user of ['a', 'b', 'c', 'd']) {
      const response = await bed.post({ ...chat, user, padding })
      expect(response.status).toBe(200)
      expect(await response.json()).toMatchObject({ user, padding })
    }
    relay.server.close()
  })

  test('crashes behind its relay while it answers gets no request twice', async () => {
    let requests = 0
    const crashing = await upstream((req) => {
      requests++
      req.socket.resetAndDestroy()
    })
    const relay = relayTo(Number(crashing.split(':')[1]), [])
    await new Promise<void>((resolve) => relay.server.listen(0, '127.0.0.1', resolve))
    bed = await gatewayBed()
    bed.set(serving([`127.0.0.1:${(relay.server.address() as { port: number }).port}`]))
    expect((await bed.post(chat)).status).toBe(502)
    expect(requests).toBe(1)
    relay.server.close()
  })

  test('never answers is given up after the time for an answer', async () => {
    const address = await upstream(() => {})
    bed = await gatewayBed({ limits: { answerSeconds: 0.3 } })
    bed.set(serving([address]))
    expect(await errorIn(await bed.post(chat))).toBe(
      '504 server_timeout: ModelServer "chat" did not answer within 0.3 s',
    )
  })
})

describe('a request for a server that sleeps', () => {
  const asleep = 'True Idle: idle since 12:00'

  test('wakes it once, and is answered when it is ready, like all others meanwhile', async () => {
    const address = await upstream((_, res) => res.end('awake'))
    bed = await gatewayBed()
    bed.set(serving([], asleep))
    const all = Array.from({ length: 20 }, () => bed.post(chat))
    await soon(async () => /requests_under_way\{[^}]*\} 20/.test(await bed.metrics()))
    bed.set(serving([], 'False Starting: loads'))
    await sleep(100)
    bed.set(serving([address]))
    for (const response of await Promise.all(all)) expect(await response.text()).toBe('awake')
    expect(bed.woken).toEqual(['chat'])
    expect(await bed.metrics()).toMatch(/gateway_wake_seconds_count\{[^}]*\} 20/)
  })

  test('ends with the object’s own words when the time is over', async () => {
    bed = await gatewayBed({ limits: { holdSeconds: 0.5 } })
    bed.set(serving([], asleep))
    const waiting = bed.post(chat)
    await soon(() => bed.woken.length > 0)
    bed.set(
      serving([], 'False Unschedulable: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu'),
    )
    const response = await waiting
    expect(response.headers.get('retry-after')).toBe('30')
    expect(await errorIn(response)).toBe(
      '503 model_not_ready: ModelServer "chat": Unschedulable: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu',
    )
  })

  test('ends at once when somebody suspends it', async () => {
    bed = await gatewayBed()
    bed.set(serving([], asleep))
    const waiting = bed.post(chat)
    await soon(() => bed.woken.length > 0)
    bed.set(serving([], 'False Suspended: spec.suspend is true', { suspend: true }))
    expect(await errorIn(await waiting)).toBe(
      '503 model_stopped: ModelServer "chat": Suspended: spec.suspend is true',
    )
  })

  test('is told when it cannot be woken, and the next one tries again', async () => {
    bed = await gatewayBed()
    bed.set(serving([], asleep))
    bed.wake = async () => {
      throw new Error('no right')
    }
    const says = '503 model_not_woken: ModelServer "chat" sleeps and could not be woken: no right'
    expect(await errorIn(await bed.post(chat))).toBe(says)
    expect(await errorIn(await bed.post(chat))).toBe(says)
    expect(bed.woken).toEqual(['chat', 'chat'])
  })

  describe('by an alias of several', () => {
    const named = (name: string) => serving([], asleep, { aliases: ['both'] }, name)
    const both = { ...chat, model: 'both' }

    test('wakes one of them, whatever other requests do', async () => {
      bed = await gatewayBed({ limits: { holdSeconds: 1.5 } })
      bed.set(named('one'), named('two'))
      const all = [1, 2, 3].map((user) => bed.post({ ...both, user: `${user}` }))
      for (const response of await Promise.all(all)) expect(response.status).toBe(503)
      expect(bed.woken).toEqual(['one'])
    })

    test('wakes the next if the first cannot be woken, and stays with it', async () => {
      bed = await gatewayBed({ limits: { holdSeconds: 2.5 } })
      bed.set(named('one'), named('two'))
      bed.wake = async ({ name }) => {
        if (name === 'one') throw new Error('no right')
      }
      expect(await errorIn(await bed.post(both))).toMatch(/^503 model_not_ready/)
      expect(bed.woken).toEqual(['one', 'two'])
    })
  })

  test('ends in time although the API server does not answer', async () => {
    bed = await gatewayBed({ limits: { holdSeconds: 0.5 } })
    bed.set(serving([], asleep))
    bed.wake = () => new Promise(() => {})
    const response = await bed.post(chat, { signal: AbortSignal.timeout(5000) })
    expect(await errorIn(response)).toMatch(/^503 model_not_ready: ModelServer "chat": Idle/)
  })

  test.each([
    { what: 'that goes away', wake: async () => {} },
    {
      what: 'that goes away while the API server does not answer',
      wake: () => new Promise<void>(() => {}),
    },
  ])('$what is forgotten', async ({ wake }) => {
    bed = await gatewayBed()
    bed.set(serving([], asleep))
    bed.wake = wake
    const leaving = new AbortController()
    const waiting = bed.post(chat, { signal: leaving.signal })
    await soon(() => bed.woken.length > 0)
    leaving.abort()
    await expect(waiting).rejects.toThrow()
    await soon(() => bed.lines.some(({ status }) => status === 499), 1)
    expect(await bed.metrics()).toMatch(/requests_under_way\{[^}]*\} 0/)
  })

  test('wakes no server that is scaled to 0', async () => {
    bed = await gatewayBed()
    bed.set(serving([], 'False Suspended: scaled to 0 replicas', { replicas: 0 }))
    expect((await bed.post(chat)).status).toBe(503)
    expect(bed.woken).toEqual([])
  })
})

describe('a form', () => {
  const upload = (bytes: number, model = 'chat') => {
    const piece = randomBytes(2 ** 20)
    const digest = createHash('sha256')
    const head = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    const tail = (name: string) =>
      `\r\n--b\r\nContent-Disposition: form-data; name="model"\r\n\r\n${name}\r\n--b--\r\n`
    async function* parts() {
      yield Buffer.from(head)
      for (let left = bytes; left > 0; left -= piece.length)
        yield piece.subarray(0, Math.min(left, piece.length))
      yield Buffer.from(tail(model))
    }
    return {
      send: () =>
        bed.post(chat, {
          body: Readable.toWeb(Readable.from(parts())),
          duplex: 'half',
          headers: { 'content-type': 'multipart/form-data; boundary=b' },
        } as RequestInit),
      /** Of what the server must get. */
      digest: () => {
        digest.update(head)
        for (let left = bytes; left > 0; left -= piece.length)
          digest.update(piece.subarray(0, Math.min(left, piece.length)))
        return digest.update(tail('falcon')).digest('hex')
      },
    }
  }

  test('of 100 MB whose model follows the file is passed on, with another model; memory stays flat', async () => {
    const address = await upstream(async (req, res) => {
      const digest = createHash('sha256')
      let size = 0
      for await (const piece of req) {
        digest.update(piece)
        size += piece.length
      }
      res.end(`${digest.digest('hex')} ${size === Number(req.headers['content-length'])}`)
    })
    bed = await gatewayBed()
    bed.set(serving([address]))
    const { send, digest } = upload(100 * 2 ** 20)
    let most = 0
    const watching = setInterval(() => {
      collectGarbage()
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    }, 300)
    collectGarbage()
    const before = process.memoryUsage().arrayBuffers
    try {
      expect(await (await send()).text()).toBe(`${digest()} true`)
    } finally {
      clearInterval(watching)
    }
    // What this client and this server have in hand is in it, too.
    expect(most).toBeLessThan(50 * 2 ** 20)
  })

  test('that is too large is refused', async () => {
    bed = await gatewayBed({ limits: { formBytes: 2 ** 20 } })
    bed.set(serving([]))
    expect((await upload(3 * 2 ** 20).send()).status).toBe(413)
  })

  test('finds no room while others fill it, and room again when they are gone', async () => {
    const open: ServerResponse[] = []
    const address = await upstream((req, res) => {
      req.resume()
      open.push(res)
    })
    bed = await gatewayBed({ limits: { allFormBytes: 6 * 2 ** 20 } })
    bed.set(serving([address]))
    const first = upload(2 * 2 ** 20).send()
    await soon(() => open.length === 1)
    expect((await upload(2 * 2 ** 20).send()).status).toBe(503)
    open[0]?.end('done')
    await (await first).text()
    const again = upload(2 * 2 ** 20).send()
    await soon(() => open.length === 2)
    open[1]?.end('done')
    expect((await again).status).toBe(200)
  })
})

describe('connections', () => {
  test('of a stranger, however many, leave room for those of others', async () => {
    const asked: ServerResponse[] = []
    const address = await upstream((_, res) => void asked.push(res))
    bed = await gatewayBed({ limits: { connections: 5 } })
    bed.set(serving([address]))
    const early = bed.post(chat)
    await soon(() => asked.length === 1)
    const { hostname, port } = new URL(bed.gateway.url)
    let closed = 0
    const strangers = Array.from({ length: 30 }, () =>
      connect({ port: Number(port), host: hostname, localAddress: '127.0.0.2' })
        .on('error', () => {})
        .on('close', () => closed++),
    )
    await soon(() => closed >= 26)
    const late = bed.post({ ...chat, user: 'late' })
    await soon(() => asked.length === 2)
    for (const res of asked) res.end('ok')
    for (const response of [await early, await late]) expect(await response.text()).toBe('ok')
    for (const one of strangers) one.destroy()
  })

  test('a client that closes its half counts as gone, as one that has closed both looks the same', async () => {
    const address = await upstream(() => {})
    bed = await gatewayBed()
    bed.set(serving([address]))
    const body = JSON.stringify(chat)
    const { hostname, port } = new URL(bed.gateway.url)
    const socket = connect(Number(port), hostname, () =>
      socket.end(
        `POST /team/v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      ),
    )
    await soon(() => bed.lines.some(({ status }) => status === 499))
    socket.destroy()
  })

  test('a client that breaks off within its body leaves nothing behind', async () => {
    bed = await gatewayBed()
    bed.set(serving([]))
    const { hostname, port } = new URL(bed.gateway.url)
    const sending = request({
      hostname,
      port,
      method: 'POST',
      path: '/team/v1/x',
      headers: { 'content-type': 'application/json', 'content-length': 100 },
    })
    sending.on('error', () => {})
    sending.write('{')
    await sleep(100)
    sending.destroy()
    await soon(() => bed.lines.some(({ status }) => status === 499))
  })

  test('closing waits for the answers that are under way', async () => {
    let finish = () => {}
    const address = await upstream((_, res) => {
      res.write('begun ')
      finish = () => res.end('ended')
    })
    bed = await gatewayBed()
    bed.set(serving([address]))
    const response = await bed.post(chat)
    const closed = bed.gateway.close(5000)
    await expect(bed.post(chat)).rejects.toThrow()
    finish()
    expect(await response.text()).toBe('begun ended')
    await closed
  })

  test('closing waits for the last byte of an answer to a slow client', async () => {
    const piece = randomBytes(20 * 2 ** 20)
    const address = await upstream((_, res) => res.end(piece))
    bed = await gatewayBed()
    bed.set(serving([address]))
    const response = await bed.post(chat)
    const closed = bed.gateway.close(10_000)
    await sleep(300)
    expect((await response.arrayBuffer()).byteLength).toBe(piece.length)
    await closed
  })

  test('without the API server, requests reach the known addresses, and readyz and a metric say so', async () => {
    const address = await upstream((_, res) => res.end('ok'))
    const heard = (secondsAgo: number) => ({
      isRefused: false,
      heard: { secondsAgo, time: new Date() },
    })
    bed = await gatewayBed({
      watches: { ModelServers: () => heard(75.5), EndpointSlices: () => heard(3) },
    })
    bed.set(serving([address]))
    expect(await (await bed.post(chat)).text()).toBe('ok')
    const ready = await fetch(`${bed.gateway.insideUrl}/readyz`)
    expect(ready.status).toBe(200)
    expect(await ready.json()).toEqual({
      ModelServers: 'stale: silent for 75 s',
      EndpointSlices: 'current',
    })
    expect(await bed.metrics()).toContain(
      'substratus_watch_silence_seconds{watch="ModelServers"} 75.5',
    )
  })

  test('metrics and health are at an address of their own', async () => {
    bed = await gatewayBed()
    const at = async (path: string) => (await fetch(`${bed.gateway.insideUrl}${path}`)).status
    expect([await at('/metrics'), await at('/healthz'), await at('/readyz')]).toEqual([
      200, 200, 200,
    ])
    expect((await fetch(`${bed.gateway.url}/metrics`)).status).toBe(404)
  })
})
