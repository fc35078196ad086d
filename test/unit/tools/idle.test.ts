import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { lastActivity, main, millisecondsOf, serverIn } from '../../../tools/idle.ts'

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

describe('the last activity', () => {
  const at = (minute: number) => `2026-01-01T00:${String(minute).padStart(2, '0')}:00Z`
  const now = Date.parse(at(59))
  const nothing = { status: {}, kernels: [], terminals: [] }
  test.each([
    { when: 'nothing is known', activity: nothing, last: 0 },
    {
      when: 'only the server has any',
      activity: { ...nothing, status: { last_activity: at(5) } },
      last: Date.parse(at(5)),
    },
    {
      when: 'a terminal is the last',
      activity: {
        status: { last_activity: at(5) },
        kernels: [{ execution_state: 'idle', last_activity: at(7) }],
        terminals: [{ last_activity: at(9) }],
      },
      last: Date.parse(at(9)),
    },
    {
      when: 'a kernel is busy, however long ago it began',
      activity: { ...nothing, kernels: [{ execution_state: 'busy', last_activity: at(1) }] },
      last: now,
    },
  ])('when $when', ({ activity, last }) => {
    expect(lastActivity(activity, now)).toBe(last)
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
        execution_state: Date.now() < busyUntil ? 'busy' : 'idle',
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
    busyUntil = Date.now() + 1500
    const started = Date.now()
    await main({
      timeout: ['2s'],
      // Jupyter itself says more than its connections do.
      port: ['1'],
      url: [`http://127.0.0.1:${(server.address() as AddressInfo).port}`],
    })
    expect(Date.now() - started).toBeGreaterThan(2900)
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
