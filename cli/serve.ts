import { logger } from '../server/log.ts'
import { usageError } from '../terminal/usage.ts'
import { readConfig } from './configfile.ts'

interface Options {
  readonly http?: string
  readonly https?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly config?: string
  readonly kubeconfig?: string
  readonly hookTokenFile?: string
  readonly admissionPathFile?: string
  readonly progress?: string
  readonly progressUrl?: string
}

/** Serves until SIGTERM or SIGINT, then answers the requests in progress and stops. */
export async function serveCommand(options: Options): Promise<number> {
  const { http, https, tlsCert, tlsKey, kubeconfig, hookTokenFile, admissionPathFile } = options
  const address = addressIn(https ?? http ?? '')
  if (!address) return usageError('give --http HOST:PORT or --https HOST:PORT')
  if (address.port > 65535) return usageError(`no port "${address.port}": ports end at 65535`)
  if (https && !(tlsCert && tlsKey)) return usageError('--https needs --tls-cert and --tls-key')
  const progress = progressIn(options)
  if (typeof progress === 'string') return usageError(progress)
  const log = logger()
  // Loaded only now: the Kubernetes client takes a second.
  const { serve } = await import('../server/listen.ts')
  const server = await serve({
    ...address,
    ...(https && tlsCert && tlsKey && { tls: { cert: tlsCert, key: tlsKey } }),
    config: readConfig(options.config),
    ...(kubeconfig && { kubeconfig }),
    ...(hookTokenFile && { hookTokenFile }),
    ...(admissionPathFile && { admissionPathFile }),
    ...(progress && { progress }),
    log,
  })
  log.info(
    {
      url: server.url,
      references: kubeconfig ? 'checked' : 'not checked',
      hooks: hookTokenFile ? 'ask for a token' : 'answer whoever asks',
      admission: admissionPathFile ? 'has a secret path' : 'answers any client',
    },
    'listening',
  )
  const signal = await new Promise<string>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => resolve(name))
  })
  log.info({ signal }, 'draining')
  // An idle connection must not delay the end.
  setTimeout(() => process.exit(0), 8000).unref()
  await server.close()
  return 0
}

/** HOST:PORT; without a host, all addresses. */
function addressIn(text: string): { readonly host: string; readonly port: number } | undefined {
  const [, host, port] = /^\[?([^\]]*)\]?:(\d+)$/.exec(text) ?? []
  return port === undefined ? undefined : { host: host || '0.0.0.0', port: Number(port) }
}

/** Where work reports its progress, or what is wrong with the options. */
function progressIn({ progress, progressUrl, hookTokenFile }: Options) {
  if (progress === undefined && progressUrl === undefined) return undefined
  const address = addressIn(progress ?? '')
  if (!address || address.port > 65535) return '--progress must be HOST:PORT'
  const url = progressUrl?.replace(/\/$/, '') ?? ''
  if (!/^https?:\/\/[^/?#]+$/.test(url))
    return '--progress needs --progress-url http://HOST:PORT, by which Pods reach it'
  if (!hookTokenFile)
    return '--progress needs --hook-token-file: the addresses of reports are signed with its token'
  return { ...address, url }
}
