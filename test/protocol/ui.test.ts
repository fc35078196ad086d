import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { clusterOf } from '../../cluster/kubeconfig.ts'
import { mostConnections } from '../../ui/local.ts'
import { ui } from '../../ui/ui.ts'
import type { Line } from '../../ui/wire.ts'
import { bodyOf } from './gatewaybed.ts'
import { owners, replica, server } from './modelservers.ts'
import { api, listening, soon, withApi } from './person.ts'

/** `kubectl substratus ui` over HTTP, before a fake API server. */

withApi()

const folder = mkdtempSync(join(tmpdir(), 'substratus-page-'))
mkdirSync(join(folder, 'assets'))
writeFileSync(join(folder, 'index.html'), '<!doctype html>')
writeFileSync(join(folder, 'assets', 'index-1.js'), 'export {}')
writeFileSync(join(folder, 'secret'), 'secret')
afterAll(() => rmSync(folder, { recursive: true }))

interface Running {
  readonly port: number
  readonly token: string
  readonly lines: readonly string[]
  readonly code: Promise<number>
  readonly end: () => void
}

/** Starts the command as a person does. */
async function started(browse?: (address: string) => Promise<void>): Promise<Running> {
  const lines: string[] = []
  const printed: string[] = []
  let end = () => {}
  const interrupted = new Promise<NodeJS.Signals>((resolve) => {
    end = () => resolve('SIGINT')
  })
  const code = ui(
    {
      cluster: clusterOf({ kubeconfig: api.kubeconfig }),
      port: 0,
      browser: browse !== undefined,
      page: folder,
    },
    {
      stdout: { write: (text) => printed.push(text) },
      stderr: { write: (text) => lines.push(text) },
      interrupted: () => interrupted,
      browse: browse ?? (async () => {}),
      now: () => '2026-01-01T00:00:00Z',
    },
  )
  if (!browse) await soon(() => expect(printed).toHaveLength(1))
  const [, port, token = ''] =
    /^http:\/\/127\.0\.0\.1:(\d+)\/#token=(\S+)\n$/.exec(printed.join()) ?? []
  return { port: Number(port), token, lines, code, end }
}

let running: Running
beforeEach(async () => {
  running = await started()
})
afterEach(async () => {
  running.end()
  await running.code
})

interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly body?: string
}

/** Sends a request as this page does, unless told otherwise; the answer is not read yet. */
const sent = (path: string, { method = 'GET', headers = {}, body }: Asked = {}) =>
  new Promise<IncomingMessage>((resolve, reject) => {
    const { port, token } = running
    const own = { authorization: `Bearer ${token}`, host: `127.0.0.1:${port}` }
    request({ port, host: '127.0.0.1', path, method, headers: { ...own, ...headers } }, resolve)
      .on('error', reject)
      .end(body)
  })

async function asked(path: string, options?: Asked) {
  const answer = await sent(path, options)
  let text = ''
  for await (const chunk of answer) text += chunk
  return { code: answer.statusCode, headers: answer.headers, text }
}

const models = '/cluster/apis/substratus.ai/v1/namespaces/team/models'
const suspend = { method: 'PATCH', body: '{"spec":{"suspend":true}}' }
const model = (name: string, spec: object = {}) => ({ kind: 'Model', metadata: { name }, spec })

describe('the page', () => {
  test('is served with a policy that allows nothing inline and nothing from elsewhere', async () => {
    const { code, headers, text } = await asked('/', { headers: { authorization: '' } })
    expect({ code, text }).toEqual({ code: 200, text: '<!doctype html>' })
    const policy = headers['content-security-policy'] ?? ''
    expect(policy).toContain("default-src 'none'; script-src 'self'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toMatch(/unsafe|\*|https?:/)
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    })
    expect(headers).not.toHaveProperty('access-control-allow-origin')
  })

  test('knows its own files and no others', async () => {
    expect((await asked('/assets/index-1.js')).headers['content-type']).toMatch(/^text\/javascript/)
    expect((await asked('/assets/secret')).code).toBe(404)
    expect((await asked('/assets/index-2.js')).code).toBe(404)
  })

  test('gets its address through one that works once, because every user sees what starts a browser', async () => {
    const opened: string[] = []
    const other = await started(async (address) => void opened.push(address))
    await soon(() => expect(opened).toHaveLength(1))
    const first = await fetch(opened[0] ?? '', { redirect: 'manual' })
    expect(opened[0]).not.toContain('token')
    expect(first.headers.get('location')).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#token=[-\w]{32}$/)
    await expect(fetch(opened[0] ?? '', { redirect: 'manual' })).rejects.toThrow()
    other.end()
    expect(await other.code).toBe(0)
    expect(other.lines.join('')).not.toContain('token')
  })
})

describe('only the page itself is answered', () => {
  const evil = { origin: 'https://evil.example.com' }

  test.each([
    { who: 'nobody', headers: { authorization: '' }, code: 401 },
    { who: 'somebody with another token', headers: { authorization: 'Bearer x' }, code: 401 },
    { who: 'another page', headers: evil, code: 403 },
    {
      who: 'a page behind a name that leads here',
      headers: { host: 'evil.example.com' },
      code: 403,
    },
    { who: 'a notebook at another port', headers: { origin: 'http://127.0.0.1:8888' }, code: 403 },
    { who: 'a picture in another page', headers: { 'sec-fetch-site': 'cross-site' }, code: 403 },
  ])('$who gets $code, and the API server hears nothing', async ({ headers, code }) => {
    api.put(model('m'))
    for (const [path, options] of [
      ['/api/session', {}],
      ['/api/objects', {}],
      [`${models}/m`, suspend],
      ['/v1/chat/completions', { method: 'POST', body: '{}' }],
      ['/api/open/notebooks/explore', { method: 'POST' }],
    ] as const)
      expect((await asked(path, { ...options, headers })).code).toBe(code)
    expect(api.requests.filter((line) => /^(PATCH|POST)/.test(line))).toEqual([])
  })

  test('a preflight of another page is granted nothing', async () => {
    const { code, headers } = await asked(`${models}/m`, {
      method: 'OPTIONS',
      headers: { ...evil, 'access-control-request-method': 'PATCH' },
    })
    expect(code).toBe(403)
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([])
  })

  test.each([
    {
      what: 'a WebSocket',
      text: (token: string) =>
        `GET /api/objects HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
    },
    {
      what: 'a tunnel',
      text: () => 'CONNECT 10.0.0.1:443 HTTP/1.1\r\nhost: 10.0.0.1:443\r\n\r\n',
    },
    {
      what: 'two names of the host',
      text: (token: string) =>
        `GET /api/session HTTP/1.1\r\nhost: 127.0.0.1\r\nhost: evil.example.com\r\nauthorization: Bearer ${token}\r\n\r\n`,
    },
    {
      what: 'an address of another machine',
      text: (token: string) =>
        `GET http://evil.example.com/api/session HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\nconnection: close\r\n\r\n`,
    },
  ])('$what is refused', async ({ text }) => {
    const socket = connect(running.port, '127.0.0.1')
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk
    })
    const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
    socket.on('error', () => {})
    socket.write(text(running.token))
    await closed
    expect(answer).not.toMatch(/^HTTP\/1.1 (1|2|3)/)
    expect(answer).not.toContain('"namespace":"team"')
  })
})

describe('the API server', () => {
  test('gets a change as it was understood', async () => {
    api.put(model('m'))
    const { code } = await asked(`${models}/m`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/strategic-merge-patch+json', cookie: 'a=b' },
      body: ' {"spec" : {"suspend":true}} ',
    })
    expect(code).toBe(200)
    expect(api.requests.at(-1)).toBe(
      'PATCH /apis/substratus.ai/v1/namespaces/team/models/m {"spec":{"suspend":true}}',
    )
  })

  test.each([
    { what: 'another field', body: '{"spec":{"image":"evil"}}', code: 400 },
    { what: 'no JSON', body: 'suspend', code: 400 },
    { what: 'no body', body: '', code: 400 },
    { what: 'a large body', body: `{"spec":"${'a'.repeat(20_000)}"}`, code: 413 },
  ])('does not get $what', async ({ body, code }) => {
    api.put(model('m'))
    expect((await asked(`${models}/m`, { method: 'PATCH', body })).code).toBe(code)
    expect(api.requests.filter((line) => line.startsWith('PATCH'))).toEqual([])
  })

  test('says itself why it refuses', async () => {
    api.put(model('m'))
    api.refusals.set('PATCH', { code: 403, message: 'models "m" is forbidden: no right' })
    const { code, text } = await asked(`${models}/m`, suspend)
    expect(code).toBe(403)
    expect(JSON.parse(text).message).toBe('models "m" is forbidden: no right')
  })

  test('that cannot be reached is told of', async () => {
    await api.down()
    const { code, text } = await asked(`${models}/m`, suspend)
    expect(code).toBe(502)
    expect(JSON.parse(text).message).toMatch(/^the API server cannot be reached: /)
    await api.up()
  })

  test('sends a log as it is written, until the page has seen enough', async () => {
    api.logs.set('m-run-1', 'step 1\n<script>alert(1)</script>\n')
    const path = '/cluster/api/v1/namespaces/team/pods/m-run-1/log?container=run&follow=true'
    const answer = await sent(path)
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8')
    const [first] = await new Promise<[Buffer]>((resolve) =>
      answer.once('data', (chunk) => resolve([chunk])),
    )
    expect(String(first)).toContain('step 1')
    answer.destroy()
  })

  test('answers what this person may do', async () => {
    const reviews: unknown[] = []
    api.posted = (_path, body) => {
      reviews.push(body)
      return { status: { allowed: true } }
    }
    const attributes = {
      namespace: 'team',
      verb: 'patch',
      group: 'substratus.ai',
      resource: 'models',
      name: 'm',
    }
    const { code, text } = await asked(
      '/cluster/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      {
        method: 'POST',
        body: JSON.stringify({ spec: { resourceAttributes: attributes, user: 'admin' } }),
      },
    )
    expect({ code, ...JSON.parse(text) }).toEqual({ code: 201, status: { allowed: true } })
    expect(reviews).toEqual([
      {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: { ...attributes, subresource: '' } },
      },
    ])
  })
})

describe('objects', () => {
  /** The lines of a page that stays open for the test. */
  async function page() {
    const lines: Line[] = []
    const answer = await sent('/api/objects')
    let rest = ''
    answer.on('data', (chunk) => {
      const [last = '', ...whole] = `${rest}${chunk}`.split('\n').reverse()
      rest = last
      for (const line of whole.reverse()) lines.push(JSON.parse(line))
    })
    answer.on('error', () => {})
    const namesOf = (resource: string, list: 'put' | 'gone') =>
      lines.flatMap((line) => {
        if (line.is !== 'objects' || line.resource !== resource) return []
        return list === 'gone' ? line.gone : line.put.map(({ metadata }) => metadata.name)
      })
    return { lines, namesOf, close: () => answer.destroy() }
  }

  test('arrive as they are, then as they change', async () => {
    api.put({ ...model('a'), metadata: { name: 'a', managedFields: [{}] } })
    const { lines, namesOf, close } = await page()
    await soon(() => expect(namesOf('models', 'put')).toEqual(['a']))
    expect(JSON.stringify(lines)).not.toContain('managedFields')
    api.put(model('b'))
    await soon(() => expect(namesOf('models', 'put')).toEqual(['a', 'b']))
    api.remove('Model', 'a')
    await soon(() => expect(namesOf('models', 'gone')).toEqual(['a']))
    close()
  })

  test('that are Pods have the states of their containers and sidecars, and why they ended', async () => {
    const states = {
      containerStatuses: [{ name: 'server', state: { running: {} } }],
      initContainerStatuses: [{ name: 'idle', state: { running: {} } }],
    }
    const status = { phase: 'Failed', reason: 'Evicted', ...states }
    api.put({
      kind: 'Pod',
      metadata: { name: 'chat-1' },
      status: { ...status, hostIP: '10.0.0.1' },
    })
    const { lines, close } = await page()
    await soon(() =>
      expect(lines).toContainEqual(
        expect.objectContaining({
          resource: 'pods',
          put: [expect.objectContaining({ status })],
        }),
      ),
    )
    close()
  })

  test('that may not be read are told of, and the others are shown', async () => {
    // A watch that has been accepted goes on, so the right is missing from the start.
    running.end()
    await running.code
    api.refusals.set('/events', { code: 403, message: 'events is forbidden' })
    running = await started()
    const { lines, close } = await page()
    await soon(() =>
      expect(lines).toContainEqual(
        expect.objectContaining({
          is: 'trouble',
          resource: 'events',
          message: expect.stringContaining('events is forbidden'),
        }),
      ),
    )
    api.refusals.clear()
    await soon(() =>
      expect(lines).toContainEqual({ is: 'objects', resource: 'models', put: [], gone: [] }),
    )
    close()
  })

  test('are read again when the API server returns', async () => {
    const { lines, namesOf, close } = await page()
    api.put(model('before'))
    await soon(() => expect(namesOf('models', 'put')).toContain('before'))
    await api.down()
    await soon(() =>
      expect(lines).toContainEqual(expect.objectContaining({ is: 'trouble', resource: 'models' })),
    )
    api.remove('Model', 'before')
    api.put(model('after'))
    await api.up()
    await soon(() => expect(namesOf('models', 'put')).toContain('after'))
    await soon(() => expect(namesOf('models', 'gone')).toContain('before'))
    expect(lines).toContainEqual({ is: 'trouble', resource: 'models' })
    close()
  })

  test('schemas and the session come with them', async () => {
    const { text } = await asked('/api/session')
    expect(JSON.parse(text)).toMatchObject({ namespace: 'team', context: 'here' })
    const schema = JSON.parse((await asked('/api/schemas/notebooks')).text)
    expect(schema.spec.properties.suspend.description).toBe('Stops what runs; stored data remains.')
  })
})

test('a question about a model that does not exist is refused in the gateway’s words', async () => {
  await soon(async () => {
    const { code, text } = await asked('/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"model":"falcon","messages":[]}',
    })
    expect(code).toBe(404)
    expect(JSON.parse(text).error.message).toContain('"falcon"')
  })
})

test('a question to a server that sleeps wakes it, and is answered by its Pod', async () => {
  const program = createServer(async (req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.end(`data: ${await bodyOf(req)}\n\ndata: [DONE]\n\n`)
  })
  const port = await listening(program)
  api.backend = () => port
  api.put(...owners('chat'), server('chat', 'True Idle: idle for 30m'))
  const question = { model: 'chat', stream: true, messages: [{ role: 'user', content: 'Hello' }] }
  const ask = () =>
    asked('/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(question),
    })
  let answer = ask()
  await soon(async () => {
    // It is refused until the gateway's own watch has seen the server.
    if (await Promise.race([answer, sleep(100, undefined)])) answer = ask()
    expect(api.requests).toContainEqual(
      expect.stringMatching(/^PATCH .*\/modelservers\/chat .*"substratus\.ai\/opened":/),
    )
  })
  api.put(server('chat', 'False Starting: Pod "chat-1" loads'))
  api.put(server('chat'), replica('chat'))
  const { code, text } = await answer
  expect(code).toBe(200)
  expect(text).toContain('"content":"Hello"')
  expect(text).toContain('data: [DONE]')
})

test('of too many connections, those that are idle longest are closed; the page stays', async () => {
  const objects = await sent('/api/objects')
  objects.on('error', () => {})
  let closed = 0
  const sockets = Array.from({ length: 300 }, () =>
    connect(running.port, '127.0.0.1')
      .on('close', () => closed++)
      .on('error', () => {}),
  )
  try {
    await soon(() => expect(closed).toBeGreaterThanOrEqual(300 - mostConnections))
    expect((await asked('/api/session')).code).toBe(200)
    expect(objects.destroyed).toBe(false)
  } finally {
    for (const socket of sockets) socket.destroy()
    objects.destroy()
  }
})

test('Ctrl-C ends it, and leaves everything as it is', async () => {
  const answer = await sent('/api/objects')
  answer.on('error', () => {})
  running.end()
  expect(await running.code).toBe(0)
  expect(running.lines.join('')).toContain('the page is closed; all objects are left as they are')
})

test('a page that is not built says how to build it', async () => {
  const lines: string[] = []
  const code = await ui(
    {
      cluster: clusterOf({ kubeconfig: api.kubeconfig }),
      port: 0,
      browser: false,
      page: join(folder, 'nothing'),
    },
    {
      stdout: { write: () => {} },
      stderr: { write: (text) => lines.push(text) },
      interrupted: () => new Promise(() => {}),
      browse: async () => {},
      now: () => '',
    },
  )
  expect(code).toBe(1)
  expect(lines.join('')).toContain('the page is not built: npm run build')
})
