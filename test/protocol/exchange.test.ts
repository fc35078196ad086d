import { mkdtempSync, rmSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { create, read } from '../../cluster/exchange.ts'
import { localCertificate } from '../certificate.ts'

/** An API server over TLS, which counts its connections and requests. */
const folder = mkdtempSync(join(tmpdir(), 'substratus-exchange-'))
const { ca, server: certificate } = await localCertificate(folder)
let sockets: Socket[] = []
let requests: string[] = []
let answer: (req: IncomingMessage, res: ServerResponse) => void
const server = createServer({ cert: certificate.cert, key: certificate.key }, (req, res) => {
  requests.push(`${req.method} ${req.url}`)
  answer(req, res)
})
server.on('secureConnection', (socket) => sockets.push(socket))
let kubeConfig: KubeConfig

beforeEach(async () => {
  sockets = []
  requests = []
  answer = (_req, res) => void res.end('{}')
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const caData = Buffer.from(ca).toString('base64')
  kubeConfig = new KubeConfig()
  kubeConfig.loadFromOptions({
    clusters: [{ name: 'local', server: `https://127.0.0.1:${port}`, caData }],
    users: [{ name: 'nobody' }],
    contexts: [{ name: 'local', cluster: 'local', user: 'nobody' }],
    currentContext: 'local',
  })
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})
afterAll(() => rmSync(folder, { recursive: true }))

const get = () => read(kubeConfig, '/version', {})

test('requests one after another use one connection', async () => {
  await get()
  await get()
  await create(kubeConfig, '/api/v1/namespaces/team/events', {})
  expect(requests).toHaveLength(3)
  expect(sockets).toHaveLength(1)
})

test('requests at the same time do not wait for each other', async () => {
  const waiting: ServerResponse[] = []
  answer = (_req, res) => {
    waiting.push(res)
    if (waiting.length === 3) for (const one of waiting) one.end('{}')
  }
  await Promise.all([get(), get(), get()])
  expect(sockets).toHaveLength(3)
})

test('a kept connection that has been closed is replaced', async () => {
  await get()
  sockets[0]?.destroy()
  await get()
  expect(sockets).toHaveLength(2)
})

test('a read is sent again when a kept connection breaks under it, a creation is not', async () => {
  await get()
  answer = (req, res) => (req.socket === sockets[0] ? req.socket.destroy() : res.end('{}'))
  await get()
  expect(requests).toHaveLength(3)
  expect(sockets).toHaveLength(2)

  answer = (_req, res) => void res.end('{}')
  await get()
  answer = (req) => void req.socket.destroy()
  await expect(create(kubeConfig, '/api/v1/namespaces/team/events', {})).rejects.toThrow()
  expect(requests).toHaveLength(5)
})

test('a read over a new connection that breaks is an error', async () => {
  answer = (req) => void req.socket.destroy()
  await expect(get()).rejects.toThrow()
  expect(requests).toHaveLength(1)
})
