import { logger } from '../server/log.ts'
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
}

/** Serves until SIGTERM or SIGINT, then answers the requests in progress and stops. */
export async function serveCommand(options: Options): Promise<number> {
  const { http, https, tlsCert, tlsKey, kubeconfig, hookTokenFile, admissionPathFile } = options
  const address = /^\[?([^\]]*)\]?:(\d+)$/.exec(https ?? http ?? '')
  if (!address) return usageError('give --http HOST:PORT or --https HOST:PORT')
  if (Number(address[2]) > 65535) return usageError(`no port "${address[2]}": ports end at 65535`)
  if (https && !(tlsCert && tlsKey)) return usageError('--https needs --tls-cert and --tls-key')
  const [, host = '', port = ''] = address
  const log = logger()
  // Loaded only now: the Kubernetes client takes a second.
  const { serve } = await import('../server/listen.ts')
  const server = await serve({
    host: host || '0.0.0.0',
    port: Number(port),
    ...(https && tlsCert && tlsKey && { tls: { cert: tlsCert, key: tlsKey } }),
    config: readConfig(options.config),
    ...(kubeconfig && { kubeconfig }),
    ...(hookTokenFile && { hookTokenFile }),
    ...(admissionPathFile && { admissionPathFile }),
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

const usageError = (message: string): number => {
  console.error(`error: ${message}; see substratus serve --help`)
  return 2
}
