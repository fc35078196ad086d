import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createSecure } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { boundConnections } from '../cluster/connections.ts'
import { hearing } from '../cluster/staleness.ts'
import { type GatewayOptions, gateway } from './gateway.ts'
import type { Watches } from './metrics.ts'
import { headersBytes, refuseUnread } from './unread.ts'
import type { Limits } from './world.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

interface Certificate {
  readonly cert: string
  readonly key: string
}

export interface ListenOptions extends GatewayOptions {
  readonly at: Address
  /** The certificate and its key, PEM; absent: plain HTTP. */
  readonly tls?: Certificate
  /** Where /metrics, /healthz and /readyz are: not where clients are. Absent: nowhere. */
  readonly inside?: Address
  readonly isReady: () => boolean
  /**
   * What it knows the cluster by, for /readyz. A watch that falls silent changes nothing else: the addresses
   * that are known still answer, and all replicas may share the cause.
   */
  readonly watches?: Watches
}

export interface ListeningGateway {
  readonly url: string
  readonly insideUrl?: string
  /** With TLS: another certificate for new connections. */
  readonly setCertificate: (pair: Certificate) => void
  /** How many requests are held or being answered. */
  readonly underWay: () => number
  /** Takes no new request, and resolves when those under way have ended, or after this long. */
  readonly close: (patienceMilliseconds: number) => Promise<void>
}

/** How often the times of requests are compared with their limits. */
const checkMilliseconds = 1000

const parserOptions = ({ headersSeconds, requestSeconds }: Limits) => ({
  headersTimeout: headersSeconds * 1000,
  requestTimeout: requestSeconds * 1000,
  connectionsCheckingInterval: checkMilliseconds,
  // A client that vanished while its request is held sends nothing, not even a reset.
  keepAlive: true,
  keepAliveInitialDelay: 60_000,
  maxHeaderSize: headersBytes,
  // Node's own answer would have no body, and would be neither logged nor counted.
  requireHostHeader: false,
})
/** Longer than load balancers keep an idle connection to a server. */
const keepAliveMilliseconds = 95_000
/** Beyond the limit of connections, if all of them are in use. */
const spareConnections = 1000

/** Starts a gateway; resolves once it listens. */
export async function listen(options: ListenOptions): Promise<ListeningGateway> {
  const { at, inside, tls, metrics, limits, isReady } = options
  const gate = gateway(options)
  let isEnding = false
  const handler: RequestListener = (req, res) => {
    if (isEnding) res.setHeader('connection', 'close')
    gate.handle(req, res)
  }
  const parser = parserOptions(limits)
  const secure = tls && createSecure({ ...tls, ...parser }, handler)
  const server = secure ?? createServer(parser, handler)
  server.on('checkExpectation', handler)
  refuseUnread(server, gate, limits)
  server.keepAliveTimeout = keepAliveMilliseconds
  boundConnections(server, limits.connections)
  server.maxConnections = limits.connections + spareConnections
  const own = createServer(parser, async (req, res) => {
    const isFine = req.url === '/healthz' || (req.url === '/readyz' && isReady() && !isEnding)
    if (req.url === '/readyz') res.setHeader('content-type', 'application/json')
    if (req.url !== '/metrics')
      return void res
        .writeHead(isFine ? 200 : 503)
        .end(req.url === '/readyz' ? watchesInWords(options.watches) : undefined)
    res.setHeader('content-type', metrics.registry.contentType)
    res.end(await metrics.registry.metrics())
  })
  const url = await listening(server, at)
  const insideUrl = inside && `http://${await listening(own, inside)}`
  return {
    url: `${tls ? 'https' : 'http'}://${url}`,
    ...(insideUrl && { insideUrl }),
    setCertificate: (pair) => secure?.setSecureContext(pair),
    underWay: gate.underWay,
    close: async (patience) => {
      isEnding = true
      const end = performance.now() + patience
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeIdleConnections()
      while (gate.underWay() > 0 && performance.now() < end) await sleep(50)
      server.closeAllConnections()
      await closed
      await gate.close()
      own.closeAllConnections()
      if (inside) await new Promise((resolve) => own.close(resolve))
    },
  }
}

const watchesInWords = (watches: Watches = {}): string =>
  JSON.stringify(
    Object.fromEntries(Object.entries(watches).map(([name, state]) => [name, hearing(state())])),
  )

function listening(server: Server, { host, port }: Address): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      const { port: actual } = server.address() as AddressInfo
      resolve(`${host.includes(':') ? `[${host}]` : host}:${actual}`)
    })
  })
}
