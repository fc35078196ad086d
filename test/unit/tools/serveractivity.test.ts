import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createServer as createSocketServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

/** The idle watch beside a server: its end and its termination message are what the hooks see. */

let server: Server
let folder: string
let ready: boolean
let metrics: () => { readonly status?: number; readonly text: string }

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'substratus-idle-'))
  writeFileSync(join(folder, 'message'), '')
  vi.stubEnv('TERMINATION_MESSAGE_PATH', join(folder, 'message'))
  vi.resetModules()
  ready = true
  server = createServer((request, response) => {
    if (request.url === '/health') return response.writeHead(ready ? 200 : 503).end()
    const { status = 200, text } = metrics()
    response.writeHead(status).end(text)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(() => {
  vi.unstubAllEnvs()
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true })
})

/** What the watch ends with, and after how long. */
async function ended(more: object = {}) {
  const { main } = await import('../../../tools/idle.ts')
  const at = (path: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
  const began = Date.now()
  await main({
    timeout: ['2s'],
    health: [at('/health')],
    folder: [folder],
    metrics: [at('/metrics')],
    running: ['it:running'],
    waiting: ['it:waiting'],
    activity: ['it:tokens_total', 'it:requests_total'],
    ...more,
  })
  return { says: readFileSync(join(folder, 'message'), 'utf8'), after: Date.now() - began }
}

const counting = (running: number, tokens: number) => ({
  text: `it:running 0\nit:running{a="b"} ${running}\nit:tokens_total ${tokens}\n`,
})
const began = () => {
  const start = Date.now()
  return () => Date.now() - start
}

describe('by metrics', () => {
  test('it ends once nothing runs and no counter changes', async () => {
    const age = began()
    metrics = () => counting(age() < 2000 ? 1 : 0, 5)
    const { says } = await ended()
    expect(says).toBe('idle')
    expect(age()).toBeGreaterThan(3000)
  })

  test('a request between two polls changes a counter', async () => {
    const age = began()
    metrics = () => counting(0, age() < 2500 ? age() : 9999)
    const { says } = await ended()
    expect(says).toBe('idle')
    expect(age()).toBeGreaterThan(4000)
  })

  test('a server that is starting is not idle', async () => {
    const age = began()
    ready = false
    setTimeout(() => {
      ready = true
    }, 3000)
    metrics = () => counting(0, 5)
    const { says } = await ended()
    expect(says).toBe('idle')
    expect(age()).toBeGreaterThan(3900)
  })

  test.each([
    {
      when: 'the server has no metrics',
      given: { status: 501, text: '' },
      says: 'cannot tell: /metrics answers 501',
    },
    {
      when: 'a gauge is missing',
      given: { text: 'it:tokens_total 5' },
      says: 'cannot tell: /metrics has no metric it:running',
    },
    {
      when: 'all counters are missing',
      given: { text: 'it:running 0' },
      says: 'cannot tell: /metrics has none of it:tokens_total, it:requests_total',
    },
  ])(
    'it ends at once, but not as idle, if $when',
    async ({ given, says }) => {
      metrics = () => given
      const end = await ended({ timeout: ['20s'] })
      expect(end.says).toBe(says)
      expect(end.after).toBeLessThan(15_000)
    },
    20_000,
  )

  test('a failure that may pass is reported only after the whole timeout', async () => {
    metrics = () => ({ status: 500, text: '' })
    const { says, after } = await ended()
    expect(says).toBe('cannot tell: /metrics answers 500')
    expect(after).toBeGreaterThan(1900)
  })

  test('a doubt that was reported is not reported again, and idleness is', async () => {
    const age = began()
    writeFileSync(join(folder, 'doubted'), 'cannot tell')
    metrics = () => (age() < 3000 ? { status: 404, text: '' } : counting(0, 5))
    const { says, after } = await ended()
    expect(says).toBe('idle')
    expect(after).toBeGreaterThan(2900)
    expect(readFileSync(join(folder, 'doubted'), 'utf8')).toBe('cannot tell')
  })

  test('a server that listens at the Pod’s own address alone is found there', async () => {
    // On one machine, 127.0.0.2 is another address than 127.0.0.1.
    vi.doMock('../../../tools/ownaddresses.ts', () => ({
      ownAddresses: () => ['127.0.0.1', '127.0.0.2'],
    }))
    server.close()
    await once(server.listen(0, '127.0.0.2'), 'listening')
    metrics = () => counting(0, 5)
    try {
      expect((await ended()).says).toBe('idle')
    } finally {
      vi.doUnmock('../../../tools/ownaddresses.ts')
    }
  })

  test.each([
    { clock: 'ahead', by: 86_400_000 },
    { clock: 'back', by: -86_400_000 },
  ])('a clock that is set $clock neither ends a server early nor keeps it', async ({ by }) => {
    const real = Date.now
    const start = performance.now()
    const age = () => performance.now() - start
    vi.spyOn(Date, 'now').mockImplementation(() => real() + (age() > 1000 ? by : 0))
    metrics = () => counting(age() < 2000 ? 1 : 0, 5)
    try {
      const { says } = await ended()
      expect(says).toBe('idle')
      expect(age()).toBeGreaterThan(3000)
      expect(age()).toBeLessThan(10_000)
    } finally {
      vi.restoreAllMocks()
    }
  })
})

describe('by the relay', () => {
  test('it ends once the relay, as a program of its own, has passed nothing on for long enough', async () => {
    const path = join(folder, 'relay.sock')
    const free = createSocketServer().listen(0)
    await once(free, 'listening')
    const { port } = free.address() as AddressInfo
    free.close()
    const to = (server.address() as AddressInfo).port
    const words = [`--port=${port}`, `--to=${to}`, `--relay=${path}`, '--probe-path=/health']
    const relay = spawn(process.execPath, ['tools/main.ts', 'relay', ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      await once(relay.stdout, 'data')
      metrics = () => ({ text: 'an answer' })
      // A connection of its own for each, as probes have.
      const ask = (path: string) =>
        fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } })
      let last = 0
      const probing = setInterval(() => ask('/health').catch(() => {}), 300)
      setTimeout(async () => {
        const answer = await ask('/v1/chat')
        if ((await answer.text()) === 'an answer') last = Date.now()
      }, 1500)
      try {
        const { says } = await ended({ metrics: [], relay: [path] })
        expect(says).toBe('idle')
      } finally {
        clearInterval(probing)
      }
      expect(last).toBeGreaterThan(0)
      expect(Date.now() - last).toBeGreaterThan(1900)
    } finally {
      relay.kill()
    }
    const [code] = await once(relay, 'exit')
    expect(code).toBe(143)
  })

  test('without the relay it cannot tell', async () => {
    const { says } = await ended({ metrics: [], relay: [join(folder, 'none.sock')] })
    expect(says).toMatch(/^cannot tell: connect ENOENT /)
  })
})
