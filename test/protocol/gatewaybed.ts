import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { namesOf } from '../../gateway/core/names.ts'
import { type Server as Known, serverFrom, withPods } from '../../gateway/core/servers.ts'
import type { CheckKey } from '../../gateway/keys.ts'
import { type ListeningGateway, listen } from '../../gateway/listen.ts'
import { gatewayMetrics, type Watches } from '../../gateway/metrics.ts'
import { defaultLimits, type Limits, type World } from '../../gateway/world.ts'

/** A gateway over real HTTP, before model servers that a test writes, in a world that a test changes. */

export interface Bed {
  readonly gateway: ListeningGateway
  /** Sets the servers of the namespace "team". */
  readonly set: (...servers: readonly Known[]) => void
  /** The servers that were woken. */
  readonly woken: string[]
  wake: (server: Known) => Promise<void>
  readonly lines: Record<string, unknown>[]
  readonly post: (body: object, more?: RequestInit) => Promise<Response>
  readonly metrics: () => Promise<string>
  readonly end: () => Promise<void>
}

export async function gatewayBed(
  more: {
    readonly limits?: Partial<Limits>
    readonly checkKey?: CheckKey
    readonly watches?: Watches
    readonly world?: Partial<World>
    readonly local?: { readonly namespace: string }
    readonly tls?: { readonly cert: string; readonly key: string }
  } = {},
): Promise<Bed> {
  let names = namesOf([])
  const listeners = new Set<() => void>()
  const lines: Record<string, unknown>[] = []
  const bed = {
    woken: [] as string[],
    wake: async (_server: Known): Promise<void> => {},
  }
  const { watches = {} } = more
  const metrics = gatewayMetrics({ watches })
  const gateway = await listen({
    at: { host: '127.0.0.1', port: 0 },
    inside: { host: '127.0.0.1', port: 0 },
    isReady: () => true,
    watches,
    world: {
      namesIn: (namespace) => (namespace === 'team' ? names : namesOf([])),
      onChange: (_, changed) => {
        listeners.add(changed)
        return () => listeners.delete(changed)
      },
      wake: (server) => {
        bed.woken.push(server.name)
        return bed.wake(server)
      },
      ...more.world,
    },
    ...(more.local && { local: more.local }),
    ...(more.tls && { tls: more.tls }),
    limits: { ...defaultLimits, ...more.limits },
    ...(more.checkKey && { checkKey: more.checkKey }),
    metrics,
    log: {
      info: (facts) => lines.push(facts as Record<string, unknown>),
      warn: (facts) => lines.push(facts as Record<string, unknown>),
    },
  })
  return Object.assign(bed, {
    gateway,
    lines,
    set: (...servers: readonly Known[]) => {
      names = namesOf(servers)
      for (const changed of [...listeners]) changed()
    },
    post: (body: object, init: RequestInit = {}) =>
      fetch(`${gateway.url}/team/v1/chat/completions`, {
        method: 'POST',
        body: JSON.stringify(body),
        ...init,
        headers: { 'content-type': 'application/json', ...init.headers },
      }),
    metrics: () => metrics.registry.metrics(),
    end: () => gateway.close(0),
  })
}

const started: Server[] = []

/** Starts a model server; returns its address. */
export async function upstream(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  started.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

export function endUpstreams(): void {
  for (const server of started.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
}

/** A ModelServer "chat" of the Model "falcon", with replicas at these addresses. */
export function serving(
  addresses: readonly string[],
  ready = 'True Serving: serving',
  spec: object = {},
  name = 'chat',
  adapters: readonly { readonly name: string; readonly lora?: number }[] = [],
): Known {
  const [, status = '', reason = '', message = ''] = /^(\S+) (\S+): (.*)$/.exec(ready) ?? []
  const found = serverFrom({
    metadata: { name, namespace: 'team', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { model: { name: 'falcon' }, ...spec },
    status: { conditions: [{ type: 'Ready', status, reason, message }] as never, adapters },
  })
  if (!found) throw new Error('is being deleted')
  return withPods(
    found,
    addresses.map((address) => ({ name: undefined, address })),
  )
}

export async function bodyOf(req: IncomingMessage): Promise<string> {
  let text = ''
  for await (const piece of req) text += piece
  return text
}

/** Waits until something holds, and fails otherwise. */
export async function soon(holds: () => boolean | Promise<boolean>, seconds = 10): Promise<void> {
  const end = performance.now() + seconds * 1000
  while (!(await holds())) {
    if (performance.now() > end) throw new Error('it did not come about in time')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

export const errorIn = async (response: Response): Promise<string> => {
  const { error } = (await response.json()) as { error: { message: string; code: string } }
  return `${response.status} ${error.code}: ${error.message}`
}
