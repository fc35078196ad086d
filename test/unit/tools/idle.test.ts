import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { jupyterTimes, main, millisecondsOf, serverIn } from '../../../tools/idle.ts'

test.each([
  ['90m', 5_400_000],
  ['1h30m', 5_400_000],
  ['2h', 7_200_000],
  ['500ms', 500],
  ['1.5s', 1500],
])('%s is %d ms', (text, expected) => {
  expect(millisecondsOf(text)).toBe(expected)
})

test.each(['', '2', 'soon', '2 h', '1hour'])('"%s" is no duration', (text) => {
  expect(() => millisecondsOf(text)).toThrow('is no duration')
})

describe('Jupyter was last active', () => {
  const nothing = { status: {}, kernels: [], terminals: [] }
  const kernel = (minute: number, execution_state = 'idle') => ({
    ...nothing,
    kernels: [{ execution_state, last_activity: `2026-01-01T00:${minute}:00Z` }],
  })
  test.each([
    {
      when: 'when the watch began, if nothing happened after that',
      polls: [nothing, nothing],
      last: 1,
    },
    { when: 'when a kernel did something', polls: [kernel(10), kernel(11), kernel(11)], last: 2 },
    {
      when: 'when something happened by a clock that was set back',
      polls: [kernel(10), kernel(10), kernel(5)],
      last: 3,
    },
    {
      when: 'now, while a kernel is busy, however long ago it began',
      polls: [kernel(10, 'busy'), kernel(10, 'busy'), kernel(10, 'busy')],
      last: 3,
    },
    {
      when: 'when a terminal did',
      polls: [nothing, { ...nothing, terminals: [{ last_activity: '2026-01-01T00:00:00Z' }] }],
      last: 2,
    },
  ])('$when', ({ polls, last }) => {
    const lastOf = jupyterTimes()
    expect(polls.map((activity, poll) => lastOf(activity, poll + 1)).at(-1)).toBe(last)
  })
})

test('the token is in the file that Jupyter wrote; a half-written file is skipped', () => {
  expect(serverIn(['{"tok', '{"token": "abc", "base_url": "/lab/"}'])).toEqual({
    token: 'abc',
    base: '/lab/',
  })
  expect(serverIn([])).toBeUndefined()
})

describe('next to a Jupyter', () => {
  let server: Server
  let folder: string
  let busyUntil: number
  const asked: string[] = []
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'substratus-idle-'))
    writeFileSync(join(folder, 'jpserver-7.json'), '{"token": "abc", "base_url": "/"}')
    server = createServer((request, response) => {
      asked.push(request.url ?? '')
      if (request.headers.authorization !== 'token abc') return response.writeHead(403).end()
      if (request.url?.startsWith('/api/terminals')) return response.writeHead(404).end()
      const kernel = {
        execution_state: performance.now() < busyUntil ? 'busy' : 'idle',
        last_activity: '2026-01-01T00:00:00Z',
      }
      response.end(JSON.stringify(request.url?.startsWith('/api/kernels') ? [kernel] : {}))
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  })
  afterEach(() => {
    vi.unstubAllEnvs()
    server.close()
    rmSync(folder, { recursive: true })
  })

  test('it ends when the kernel has been idle for long enough, and polling is no activity', async () => {
    vi.stubEnv('JUPYTER_RUNTIME_DIR', folder)
    busyUntil = performance.now() + 1500
    const started = performance.now()
    await main({
      timeout: ['2s'],
      // Jupyter itself says more than its connections do.
      port: ['1'],
      url: [`http://127.0.0.1:${(server.address() as AddressInfo).port}`],
    })
    expect(performance.now() - started).toBeGreaterThan(2900)
    expect(asked.every((url) => url.endsWith('?no_track_activity=1'))).toBe(true)
  })
})

describe('next to a program that is not Jupyter', () => {
  test('it ends when nobody has been connected for long enough', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'substratus-idle-'))
    vi.stubEnv('JUPYTER_RUNTIME_DIR', folder)
    const server = createServer()
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const { port } = server.address() as AddressInfo
    try {
      const person = connect(port, '127.0.0.1')
      let left = 0
      setTimeout(() => {
        left = Date.now()
        // Without a reset, the kernel remembers the connection for a minute.
        person.resetAndDestroy()
      }, 2500)
      await main({ timeout: ['2s'], port: [`${port}`], url: [`http://127.0.0.1:${port}`] })
      expect(left).toBeGreaterThan(0)
      expect(Date.now() - left).toBeGreaterThan(900)
    } finally {
      vi.unstubAllEnvs()
      server.close()
      rmSync(folder, { recursive: true })
    }
  })
})
