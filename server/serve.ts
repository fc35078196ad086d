import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { KubeConfig, VersionApi } from '@kubernetes/client-node'
import type { Config } from '../crds/config.ts'
import { app } from './app.ts'
import type { Log } from './log.ts'
import { clusterLookup } from './lookup.ts'
import { metrics } from './metrics.ts'
import { watchPods } from './pods.ts'
import { followCertificate, pairIn, type TlsFiles } from './tls.ts'
import { guardFrom } from './token.ts'

export interface Listening {
  readonly url: string
  /** Answers what has begun, then ends. */
  readonly close: () => Promise<void>
}

export interface ServeOptions {
  readonly host: string
  readonly port: number
  readonly tls?: TlsFiles
  readonly config: Config
  readonly kubeconfig?: string
  /** The tokens that hooks ask for, one a line; whoever asks is answered without it. */
  readonly hookTokenFile?: string
  readonly log: Log
}

/** Metacontroller keeps idle connections for 90 s: ours live longer, so that none is cut in its hand. */
const keepAliveMilliseconds = 95_000

/** Starts the server; resolves once it listens. */
export async function serve(options: ServeOptions): Promise<Listening> {
  const { host, port, tls, kubeconfig, hookTokenFile, log } = options
  const guard = hookTokenFile ? guardFrom(hookTokenFile, log) : undefined
  const kubeConfig = kubeconfig ? loaded(kubeconfig) : undefined
  const config = await withImageVolumes(options.config, kubeConfig, log)
  const pods = kubeConfig && (await watchPods(kubeConfig, log))
  const measured = metrics()
  const handler = app({
    config,
    log,
    metrics: measured,
    ...(kubeConfig && { lookup: clusterLookup(kubeConfig) }),
    ...(pods && { pods }),
    ...(guard && { guard }),
  })
  const secure = tls && createHttpsServer(pairIn(tls), handler)
  const stopFollowing = secure && followCertificate(secure, tls, measured, log)
  const server = secure ?? createHttpServer(handler)
  server.keepAliveTimeout = keepAliveMilliseconds
  server.headersTimeout = 10_000
  server.requestTimeout = 30_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const { port: actual } = server.address() as AddressInfo
  return {
    url: `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${actual}`,
    close: async () => {
      guard?.stop()
      stopFollowing?.()
      await pods?.stop()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeIdleConnections()
      })
    },
  }
}

function loaded(path: string): KubeConfig {
  const kubeConfig = new KubeConfig()
  if (path === 'in-cluster') kubeConfig.loadFromCluster()
  else kubeConfig.loadFromFile(path)
  return kubeConfig
}

/** Image volumes are on by default from Kubernetes 1.35 on; without a cluster nobody knows. */
async function withImageVolumes(
  config: Config,
  kubeConfig: KubeConfig | undefined,
  log: Log,
): Promise<Config> {
  if (config.imageVolumes !== 'Auto' || !kubeConfig) return config
  const { major, minor } = await kubeConfig.makeApiClient(VersionApi).getCode()
  const has = Number(major) > 1 || Number.parseInt(minor, 10) >= 35
  log.info({ kubernetes: `${major}.${minor}`, imageVolumes: has }, 'asked the cluster')
  return { ...config, imageVolumes: has ? 'Enabled' : 'Disabled' }
}
