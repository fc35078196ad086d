import {
  createServer as createHttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeConfig } from '@kubernetes/client-node'
import { boundConnections } from '../cluster/connections.ts'
import { read } from '../cluster/exchange.ts'
import { kubeConfigOf } from '../cluster/kubeconfig.ts'
import { isShared } from '../crds/claims.ts'
import type { Config } from '../crds/config.ts'
import { watchAdmissions } from './admissions.ts'
import { app } from './app.ts'
import { watchEvents } from './events.ts'
import type { Log } from './log.ts'
import { clusterLookup, clusterServers } from './lookup.ts'
import { type Metrics, metrics } from './metrics.ts'
import { enabledKubelet, watchNodes } from './nodes.ts'
import { type Pods, watchPods } from './pods.ts'
import { keysFrom, reportingAt } from './progress/keys.ts'
import { startReceiver } from './progress/receiver.ts'
import { reportsInMemory } from './progress/reports.ts'
import { segmentsFrom } from './segments.ts'
import { storyIn } from './story.ts'
import { timeNow } from './timenow.ts'
import { followCertificate, pairIn, type TlsFiles } from './tls.ts'
import { guardFrom } from './token.ts'
import { clusterUsers } from './users.ts'

export interface Listening {
  readonly url: string
  /** Answers the requests in progress, then stops. */
  readonly close: () => Promise<void>
}

export interface ServeOptions {
  readonly host: string
  readonly port: number
  readonly tls?: TlsFiles
  readonly config: Config
  readonly kubeconfig?: string
  /** A file with the tokens that the hooks accept, one per line; if absent, they require none. */
  readonly hookTokenFile?: string
  /** A file with the secret segments of the admission path, one per line; if absent, the well-known path. */
  readonly admissionPathFile?: string
  /** Where work reports its progress: an address to listen on, and the URL by which Pods reach it. */
  readonly progress?: { readonly host: string; readonly port: number; readonly url: string }
  readonly log: Log
}

/** Longer than the 90 s for which Metacontroller reuses an idle connection, so that it closes first. */
const keepAliveMilliseconds = 95_000

/**
 * The API server gives up after 5 s, Metacontroller after 10, so a request that takes longer is not
 * theirs. Node checks once a second; its default is every 30 seconds.
 */
const timeouts = {
  connectionsCheckingInterval: 1000,
  headersTimeout: 5000,
  requestTimeout: 10_000,
}
const idleMilliseconds = 20_000
/** The API server and Metacontroller open a few dozen. */
const maxConnections = 512

/**
 * How long to keep answering during a shutdown, with `Connection: close`. Closing connections at once
 * could lose a request in transit, which neither the API server nor Metacontroller would retry.
 */
const drainMilliseconds = 2000
/** In a row, because a client whose connection was just closed may be opening another. */
const idleChecks = 6

/** Starts the server; resolves once it listens. */
export async function serve(options: ServeOptions): Promise<Listening> {
  const { host, port, tls, kubeconfig, hookTokenFile, admissionPathFile, log } = options
  const guard = hookTokenFile ? guardFrom(hookTokenFile, log) : undefined
  const segments = admissionPathFile ? segmentsFrom(admissionPathFile, log) : undefined
  const kubeConfig = kubeconfig ? kubeConfigOf(kubeconfig) : undefined
  const config = await withImageVolumes(options.config, kubeConfig, log)
  const watching = new AbortController()
  const pods = kubeConfig && watchPods(kubeConfig, log, watching.signal)
  const firstKubelet = options.config.imageVolumes === 'Enabled' ? enabledKubelet : undefined
  const nodes = kubeConfig && watchNodes(kubeConfig, log, watching.signal, firstKubelet)
  const events = kubeConfig && watchEvents(kubeConfig, log, watching.signal)
  const admissions = kubeConfig && watchAdmissions(kubeConfig, log, watching.signal)
  // Without a token, anyone in the cluster network could make the server write Events about any object.
  const story = kubeConfig && guard && storyIn(kubeConfig, log, watching.signal)
  const measured = metrics([pods, nodes, events].flatMap((known) => known?.watch ?? []))
  let ending = false
  const progress =
    options.progress && hookTokenFile
      ? await listenForProgress(options.progress, hookTokenFile, { log, metrics: measured, pods })
      : undefined
  const answer = app({
    config,
    log,
    metrics: measured,
    ...(kubeConfig && { lookup: clusterLookup(kubeConfig), users: clusterUsers(kubeConfig) }),
    // If many nodes can mount a claim, no rule concerns the servers that share it.
    ...(kubeConfig && !isShared(config) && { servers: clusterServers(kubeConfig) }),
    ...(pods && { pods }),
    ...(nodes && { nodes }),
    ...(events && { events }),
    ...(admissions && { admissions }),
    ...(story && { story }),
    ...(guard && { guard }),
    ...(progress && { progress }),
    ...(segments && { segments }),
    now: timeNow,
  })
  const handler = (req: IncomingMessage, res: ServerResponse): void => {
    if (ending) res.setHeader('Connection', 'close')
    answer(req, res)
  }
  const secure =
    tls && createHttpsServer({ ...pairIn(tls), ...timeouts, handshakeTimeout: 5000 }, handler)
  const stopFollowing = secure && followCertificate(secure, tls, measured, log)
  const server = secure ?? createHttpServer(timeouts, handler)
  server.keepAliveTimeout = keepAliveMilliseconds
  server.timeout = idleMilliseconds
  boundConnections(server, maxConnections)
  await listening(server, host, port)
  const { port: actual } = server.address() as AddressInfo
  return {
    url: `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${actual}`,
    close: async () => {
      ending = true
      await connectionsClosed(server, drainMilliseconds)
      guard?.stop()
      await progress?.close()
      segments?.stop()
      stopFollowing?.()
      watching.abort()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeIdleConnections()
      })
    },
  }
}

interface Around {
  readonly log: Log
  readonly metrics: Metrics
  readonly pods: Pods | undefined
}

async function listenForProgress(
  { host, port, url }: NonNullable<ServeOptions['progress']>,
  hookTokenFile: string,
  { log, metrics, pods }: Around,
) {
  const { latest: keys, stop } = keysFrom(hookTokenFile, log)
  const reports = reportsInMemory()
  const receiver = await startReceiver({ host, port, keys, reports, pods, metrics, log })
  log.info({ port: receiver.port, url }, 'listening for progress')
  return {
    reporting: reportingAt(url, keys),
    reports,
    close: () => {
      stop()
      return receiver.stop()
    },
  }
}

const listening = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })

/** Resolves when no connection has been open for a while, or after the given time. */
async function connectionsClosed(server: Server, milliseconds: number): Promise<void> {
  const open = () =>
    new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count ?? 0)))
  const end = performance.now() + milliseconds
  for (let idle = 0; idle < idleChecks && performance.now() < end; ) {
    idle = (await open()) > 0 ? 0 : idle + 1
    await sleep(50)
  }
}

interface VersionInfo {
  readonly major: string
  readonly minor: string
}

/** Image volumes are on by default since Kubernetes 1.35; without a cluster, Auto stays undecided. */
async function withImageVolumes(
  config: Config,
  kubeConfig: KubeConfig | undefined,
  log: Log,
): Promise<Config> {
  if (config.imageVolumes !== 'Auto' || !kubeConfig) return config
  const { major, minor } = await read<VersionInfo>(kubeConfig, '/version', {})
  const has = Number(major) > 1 || Number.parseInt(minor, 10) >= 35
  log.info({ kubernetes: `${major}.${minor}`, imageVolumes: has }, 'asked the cluster')
  return { ...config, imageVolumes: has ? 'Enabled' : 'Disabled' }
}
