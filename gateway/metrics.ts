import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { WatchState } from '../cluster/watch.ts'

/** The watches by what they watch. */
export type Watches = Readonly<Record<string, () => WatchState>>

/** What all types of metrics have in common. */
interface Metric {
  readonly get: () => Promise<{ readonly values: readonly { readonly labels: Labels }[] }>
  readonly remove: (labels: Labels) => void
}
type Labels = Partial<Record<string, string | number>>

/** Prometheus metrics of a gateway. A model is a name that exists, so that nobody can make up series. */
export function gatewayMetrics({
  ofProcess = true,
  watches = {},
}: {
  readonly ofProcess?: boolean
  readonly watches?: Watches
} = {}) {
  const registry = new Registry()
  // They wake the process a hundred times a second.
  if (ofProcess) collectDefaultMetrics({ register: registry })
  const registers = [registry]
  new Gauge({
    name: 'substratus_watch_silence_seconds',
    help: 'How long the watch of a kind has been silent; absent before its first list.',
    labelNames: ['watch'],
    registers,
    collect() {
      for (const [watch, state] of Object.entries(watches)) {
        const { heard } = state()
        if (heard) this.set({ watch }, heard.secondsAgo)
      }
    },
  })
  const labelNames = ['namespace', 'model'] as const
  const byModel = {
    requests: new Counter({
      name: 'substratus_gateway_requests_total',
      help: 'Finished requests to the gateway, by the status code of the response; 499 if the client disconnected.',
      labelNames: [...labelNames, 'code'],
      registers,
    }),
    tokens: new Counter({
      name: 'substratus_gateway_tokens_total',
      help: 'Tokens, if responses contain usage.',
      labelNames: [...labelNames, 'kind'],
      registers,
    }),
    underWay: new Gauge({
      name: 'substratus_gateway_requests_under_way',
      help: 'Requests that are waiting or being answered.',
      labelNames,
      registers,
    }),
    firstByte: new Histogram({
      name: 'substratus_gateway_first_byte_seconds',
      help: 'Time to the first byte of a response, without the time that a server took to wake.',
      labelNames,
      buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers,
    }),
    wake: new Histogram({
      name: 'substratus_gateway_wake_seconds',
      help: 'How long requests waited for a sleeping server.',
      labelNames,
      buckets: [1, 5, 10, 30, 60, 120, 300, 600],
      registers,
    }),
  }

  /** Removes the series of models that are gone, which would be kept for as long as the process runs. */
  async function forget(isGone: (namespace: string, model: string) => boolean): Promise<void> {
    const metrics: readonly Metric[] = Object.values(byModel)
    for (const metric of metrics) {
      for (const { labels } of (await metric.get()).values) {
        const { le: _, ...others } = labels
        if (isGone(`${labels.namespace}`, `${labels.model}`)) metric.remove(others)
      }
    }
  }

  return { registry, ...byModel, forget }
}

export type GatewayMetrics = ReturnType<typeof gatewayMetrics>
