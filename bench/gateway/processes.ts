import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type FakeApi, fakeApi } from '../../test/protocol/fakeapi.ts'
import { imageFlags } from '../built.ts'

/** The processes to compare: each in one of its own, with the flags of the image. */

/** Where clients ask. */
export interface Place {
  readonly name: string
  readonly port: number
  readonly path: string
}

export interface Started extends Place {
  readonly pid: number
  readonly stop: () => Promise<void>
}

const path = '/v1/chat/completions'

async function stopped(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode === null && child.signalCode === null && child.kill(signal))
    await once(child, 'exit')
}

async function forked(name: string, module: string, ...args: readonly string[]): Promise<Started> {
  const child = fork(join(import.meta.dirname, module), args, { execArgv: [...imageFlags()] })
  const [port] = (await once(child, 'message')) as [number]
  return { name, port, path, pid: child.pid ?? 0, stop: () => stopped(child, 'SIGKILL') }
}

export const startModelServer = (): Promise<Started> => forked('server alone', 'modelserver.ts')

export const startBare = (server: Place): Promise<Started> =>
  forked('bare proxy', 'bareproxy.ts', String(server.port))

/** An API server with a ModelServer "chat" in the namespace "team", whose one replica is this server. */
export async function startApi({ port }: Place): Promise<FakeApi> {
  const api = await fakeApi()
  api.posted = (asked) => ({
    status: asked.endsWith('/tokenreviews')
      ? { authenticated: true, user: { username: 'ann' }, audiences: ['substratus.ai/gateway'] }
      : { allowed: true },
  })
  const ready = { type: 'Ready', status: 'True', reason: 'Serving', message: 'serving' }
  const slice = {
    kind: 'EndpointSlice',
    metadata: { name: 'chat-server', labels: { 'kubernetes.io/service-name': 'chat-server' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port }],
    endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
  }
  api.put(
    {
      kind: 'ModelServer',
      metadata: { name: 'chat', uid: 's1' },
      spec: { model: { name: 'falcon' } },
      status: { conditions: [ready] },
    },
    slice,
  )
  return api
}

/** Starts `substratus gateway`, compiled into this folder; it checks keys, and logs each request. */
export async function startGateway(folder: string, api: FakeApi): Promise<Started> {
  const file = join(folder, `gateway-${performance.now()}.log`)
  const log = openSync(file, 'a')
  const child = spawn(
    process.execPath,
    [
      ...imageFlags(),
      ...[join(folder, 'dist', 'cli', 'main.js'), 'gateway', '--kubeconfig', api.kubeconfig],
      ...['--http', '127.0.0.1:0', '--metrics', '127.0.0.1:0', '--per-model', '100000'],
    ],
    { stdio: ['ignore', log, log], env: { ...process.env, NODE_ENV: 'production' } },
  )
  closeSync(log)
  const stop = () => stopped(child, 'SIGKILL')
  const said = () => readFileSync(file, 'utf8')
  for (const end = Date.now() + 120_000; ; await sleep(50)) {
    const port = Number(/"url":"http:\/\/127\.0\.0\.1:(\d+)"/.exec(said())?.[1])
    const inside = /"metrics":"([^"]+)"/.exec(said())?.[1]
    if (port && inside && (await fetch(`${inside}/readyz`)).ok)
      return { name: 'gateway', port, path: `/team${path}`, pid: child.pid ?? 0, stop }
    if (child.exitCode === null && Date.now() < end) continue
    await stop()
    throw new Error(`the gateway does not start:\n${said().slice(-2000)}`)
  }
}
