import { kubeConfigOf } from '../cluster/kubeconfig.ts'
import { clusterReviews } from '../gateway/clusterreviews.ts'
import { clusterWorld } from '../gateway/clusterworld.ts'
import { keyCheck } from '../gateway/keys.ts'
import { listen } from '../gateway/listen.ts'
import { gatewayMetrics } from '../gateway/metrics.ts'
import { defaultLimits } from '../gateway/world.ts'
import { follow } from '../server/filewatch.ts'
import { logger } from '../server/log.ts'
import { pairIn } from '../server/tls.ts'
import { usageError } from '../terminal/usage.ts'

interface Options {
  readonly http?: string
  readonly https?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly metrics: string
  readonly kubeconfig: string
  readonly anonymous?: boolean
  readonly acceptClusterTokens?: boolean
  readonly holdSeconds: number
  readonly answerSeconds: number
  readonly perModel: number
  readonly maxBodyMib: number
  readonly maxFormMib: number
  readonly drainSeconds: number
}

const mebibyte = 2 ** 20

/** Routes requests to the ModelServers of a cluster until SIGTERM or SIGINT, then ends those under way. */
export async function gatewayCommand(options: Options): Promise<number> {
  const { https, tlsCert, tlsKey, anonymous = false, acceptClusterTokens = false } = options
  const at = addressIn(https ?? options.http ?? '')
  const inside = addressIn(options.metrics)
  if (!at) return usageError('give --http HOST:PORT or --https HOST:PORT')
  if (!inside) return usageError('give --metrics HOST:PORT')
  if (https && !(tlsCert && tlsKey)) return usageError('--https needs --tls-cert and --tls-key')
  const wrong = numbersIn(options).find(([, value]) => !(value > 0))
  if (wrong) return usageError(`${wrong[0]} must be a number above 0`)
  const files = https && tlsCert && tlsKey ? { cert: tlsCert, key: tlsKey } : undefined

  const log = logger()
  const kubeConfig = kubeConfigOf(options.kubeconfig)
  const watching = new AbortController()
  const world = clusterWorld(kubeConfig, log, watching.signal)
  const gateway = await listen({
    at,
    inside,
    ...(files && { tls: pairIn(files) }),
    world,
    isReady: world.isSynced,
    watches: world.watches,
    ...(!anonymous && { checkKey: keyCheck(clusterReviews(kubeConfig, { acceptClusterTokens })) }),
    limits: limitsOf(options),
    metrics: gatewayMetrics({ watches: world.watches }),
    log,
  })
  const stopFollowing = files && followPair(files, gateway.setCertificate, log)
  const keys = anonymous ? 'not checked' : 'checked'
  log.info({ url: gateway.url, metrics: gateway.insideUrl, keys }, 'listening')
  const signal = await new Promise<string>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => resolve(name))
  })
  log.info({ signal, underWay: gateway.underWay() }, 'draining')
  await gateway.close(options.drainSeconds * 1000)
  stopFollowing?.()
  watching.abort()
  return 0
}

const limitsOf = (options: Options) => ({
  ...defaultLimits,
  holdSeconds: options.holdSeconds,
  answerSeconds: options.answerSeconds,
  perModel: options.perModel,
  // A namespace gets half of them, which must be enough for one model.
  allRequests: Math.max(defaultLimits.allRequests, 2 * options.perModel),
  jsonBytes: options.maxBodyMib * mebibyte,
  allJsonBytes: options.maxBodyMib * mebibyte * 8,
  formBytes: options.maxFormMib * mebibyte,
  allFormBytes: options.maxFormMib * mebibyte * 8,
})

const numbersIn = (options: Options): readonly (readonly [string, number])[] => [
  ['--hold-seconds', options.holdSeconds],
  ['--answer-seconds', options.answerSeconds],
  ['--per-model', options.perModel],
  ['--max-body-mib', options.maxBodyMib],
  ['--max-form-mib', options.maxFormMib],
  ['--drain-seconds', options.drainSeconds],
]

function addressIn(text: string) {
  const [, host, port] = /^\[?([^\]]*)\]?:(\d{1,5})$/.exec(text) ?? []
  return port && Number(port) <= 65535 ? { host: host || '0.0.0.0', port: Number(port) } : undefined
}

/** New connections use the new certificate; a pair that does not fit together leaves the old one. */
const followPair = (
  files: { readonly cert: string; readonly key: string },
  set: (pair: ReturnType<typeof pairIn>) => void,
  log: ReturnType<typeof logger>,
): (() => void) =>
  follow([files.cert, files.key], () => {
    try {
      set(pairIn(files))
      log.info({}, 'took the changed certificate')
    } catch (error) {
      log.error({ err: error }, 'the changed certificate is unusable, the old one stays')
    }
  })
