import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { connectionUse } from '../../../tools/connectionuse.ts'

const paths = ['/health', '/metrics']
const head = (line: string, ...fields: readonly string[]) =>
  [line, 'host: a', ...fields, '', ''].join('\r\n')
const probe = head('GET /health HTTP/1.1')
const scrape = head('GET /metrics HTTP/1.0', 'accept: text/plain')
const chat = head('POST /v1/chat HTTP/1.1', 'content-length: 2')

describe('a connection is no work', () => {
  test.each([
    { when: 'it has sent nothing', sent: '' },
    { when: 'it has sent a probe', sent: probe },
    { when: 'it has sent probes and scrapes', sent: probe + scrape + probe },
    { when: 'it has sent HEAD', sent: head('HEAD /health HTTP/1.1', 'content-length: 0') },
    { when: 'it has sent half of a probe', sent: probe.slice(0, 30) },
    { when: 'it has sent a probe and half of the next', sent: probe + probe.slice(0, 3) },
  ])('while $when', ({ sent }) => {
    const exchange = connectionUse(paths)
    expect([exchange.sent(Buffer.from(sent)), exchange.answered(), exchange.isWaiting()]).toEqual([
      false,
      false,
      false,
    ])
  })
})

describe('a connection is work', () => {
  test.each([
    { when: 'it has sent a request', sent: chat },
    { when: 'a request follows a probe', sent: probe + chat },
    { when: 'it asks for another path', sent: head('GET /health/more HTTP/1.1') },
    { when: 'a query follows the path', sent: head('GET /health?x=1 HTTP/1.1') },
    { when: 'it posts to the path of a probe', sent: head('POST /health HTTP/1.1') },
    { when: 'a probe has a body', sent: head('GET /health HTTP/1.1', 'content-length: 5') },
    {
      when: 'a probe has a body in chunks',
      sent: head('GET /health HTTP/1.1', 'Transfer-Encoding: chunked'),
    },
    { when: 'it becomes a WebSocket', sent: head('GET /health HTTP/1.1', 'Upgrade: websocket') },
    { when: 'it speaks HTTP/2', sent: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' },
    { when: 'it speaks TLS', sent: '\x16\x03\x01' },
    { when: 'the head is longer than that of any probe', sent: `GET /${'a'.repeat(20_000)}` },
  ])('once $when', ({ sent }) => {
    const exchange = connectionUse(paths)
    expect(exchange.sent(Buffer.from(sent, 'latin1'))).toBe(true)
    expect(exchange.answered()).toBe(true)
    // It stays so: a probe later on the same connection is part of it.
    expect(exchange.sent(Buffer.from(probe))).toBe(true)
  })
})

test('however the bytes are cut, the same is work', () => {
  const requests = fc.array(fc.constantFrom(probe, scrape, chat, head('GET /v1 HTTP/1.1')))
  fc.assert(
    fc.property(
      requests,
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      (all, cuts) => {
        const bytes = Buffer.from(all.join(''))
        const exchange = connectionUse(paths)
        let isWork = false
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const end = at + (cuts[turn % cuts.length] ?? 1)
          isWork = exchange.sent(bytes.subarray(at, end))
          at = end
        }
        expect(isWork).toBe(all.some((one) => one !== probe && one !== scrape))
      },
    ),
  )
})

describe('a client waits', () => {
  test.each([
    { when: 'it has sent a request', sent: [chat, '{}'], waits: true },
    {
      when: 'it speaks HTTP/2, whose sides take no turns',
      sent: ['PRI * HTTP/2.0\r\n'],
      waits: false,
    },
    {
      when: 'it is a WebSocket',
      sent: [head('GET /ws HTTP/1.1', 'upgrade: websocket'), 'ping'],
      waits: false,
    },
    { when: 'it is a probe', sent: [probe], waits: false },
  ])('$waits, when $when', ({ sent, waits }) => {
    const exchange = connectionUse(paths)
    for (const chunk of sent) exchange.sent(Buffer.from(chunk))
    expect(exchange.isWaiting()).toBe(waits)
    exchange.answered()
    expect(exchange.isWaiting()).toBe(false)
  })
})
