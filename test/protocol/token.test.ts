import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import request from 'supertest'
import { describe, expect, test } from 'vitest'
import { defaultConfig } from '../../crds/config.ts'
import { app } from '../../server/app.ts'
import { metrics } from '../../server/metrics.ts'
import { guardOf } from '../../server/token.ts'

const parent = {
  apiVersion: 'substratus.ai/v1',
  kind: 'Model',
  metadata: { name: 'm', namespace: 'default', uid: 'u', generation: 1 },
  spec: { image: 'example.com/m' },
}
const review = {
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: { uid: '1', operation: 'CREATE', namespace: 'default', object: parent },
}
const hooks = ['datasets', 'models', 'modelservers', 'notebooks'].flatMap((kind) => [
  `/hooks/${kind}/sync`,
  `/hooks/${kind}/customize`,
])

const lines: string[] = []
const server = app({
  config: defaultConfig,
  log: pino({ base: null }, { write: (line: string) => void lines.push(line) }),
  metrics: metrics(),
  guard: guardOf(['s3cr3t-token']),
})

describe('without the right token a hook answers 401', () => {
  test.each(hooks)('%s', async (path) => {
    for (const header of [undefined, 'Bearer wrong', 'Basic czNjcjN0LXRva2Vu', 's3cr3t-token']) {
      const sent = request(server).post(path).send({ parent })
      const answer = await (header ? sent.set('Authorization', header) : sent)
      expect(answer.status).toBe(401)
      expect(answer.headers['www-authenticate']).toBe('Bearer')
      expect(answer.body).toMatchObject({
        message: 'the hooks ask for a token of --hook-token-file: Authorization: Bearer TOKEN',
      })
    }
  })

  test('before it reads the body', async () => {
    const answer = await request(server)
      .post('/hooks/models/sync')
      .set('Content-Type', 'text/plain')
      .send('{')
    expect(answer.status).toBe(401)
  })
})

test('with the right token, the hook answers', async () => {
  const answer = await request(server)
    .post('/hooks/models/sync')
    .set('Authorization', 'Bearer s3cr3t-token')
    .send({ parent })
  expect(answer.status).toBe(200)
  expect(answer.body.status.ready).toBe(true)
})

test('no token is ever logged', () => {
  expect(lines.length).toBeGreaterThan(30)
  expect(lines.join('')).not.toContain('s3cr3t-token')
  expect(lines.join('')).not.toContain('czNjcjN0')
})

describe('other paths require no token: probes, scrapes, and the API server, which has none', () => {
  test.each(['/healthz', '/readyz', '/metrics'])('GET %s', async (path) => {
    expect((await request(server).get(path)).status).toBe(200)
  })
  test.each(['/admission/mutate', '/admission/validate'])('POST %s', async (path) => {
    const answer = await request(server).post(path).send(review)
    expect(answer.status).toBe(200)
    expect(answer.body.response.allowed).toBe(true)
  })
})

test('serve --hook-token-file accepts a new token while it runs, and both while the file has both', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'substratus-token-'))
  const file = join(folder, 'token')
  writeFileSync(file, 'old\n')
  const child = spawn(process.execPath, [
    ...['cli/main.ts', 'serve', '--http', '127.0.0.1:0'],
    ...['--hook-token-file', file],
  ])
  try {
    let log = ''
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk
    })
    while (!log.includes('"url"')) await once(child.stderr, 'data')
    const url = /"url":"([^"]+)"/.exec(log)?.[1]
    const ask = async (token: string) => {
      const answer = await fetch(`${url}/hooks/models/sync`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ parent }),
      })
      return answer.status
    }
    expect([await ask('old'), await ask('new')]).toEqual([200, 401])
    writeFileSync(file, 'old\nnew\n')
    await expect.poll(() => ask('new'), { timeout: 10_000 }).toBe(200)
    expect(await ask('old')).toBe(200)
    writeFileSync(file, 'new\n')
    await expect.poll(() => ask('old'), { timeout: 10_000 }).toBe(401)
    expect(await ask('new')).toBe(200)
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
  } finally {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true })
  }
})

test('a missing token file fails the start, with its name', async () => {
  const child = spawn(process.execPath, [
    ...['cli/main.ts', 'serve', '--http', '127.0.0.1:0'],
    ...['--hook-token-file', '/no/such/token'],
  ])
  let output = ''
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk
  })
  expect(await once(child, 'close')).toEqual([1, null])
  expect(output).toContain('/no/such/token')
})
