import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { pendingUpdates } from './pendingupdates.ts'
import type { WatchedKind } from './watches.ts'

/** Prometheus metrics of one server with its watches. */
export function metrics(watches: readonly WatchedKind[] = []) {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const duration = new Histogram({
    name: 'substratus_request_duration_seconds',
    help: 'Time to answer a hook request or an admission review.',
    labelNames: ['route', 'code'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5],
    registers: [registry],
  })
  const refused = new Counter({
    name: 'substratus_admission_refused_total',
    help: 'Objects that admission refused.',
    labelNames: ['kind'],
    registers: [registry],
  })
  const reports = new Counter({
    name: 'substratus_progress_reports_total',
    help: 'Reports of progress, by the status code of the response.',
    labelNames: ['code'],
    registers: [registry],
  })
  const pending = pendingUpdates()
  new Gauge({
    name: 'substratus_update_pending',
    help: 'Servers and notebooks that still run an older Pod template. Each replica counts only its own hook responses of the last minute or so: use sum.',
    labelNames: ['kind'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [kind, count] of pending.counts()) this.set({ kind }, count)
    },
  })
  new Gauge({
    name: 'substratus_watch_silence_seconds',
    help: 'How long the watch of a kind has been silent; absent before its first list.',
    labelNames: ['watch'],
    registers: [registry],
    collect() {
      for (const { name, state } of watches) {
        const { heard } = state()
        if (heard) this.set({ watch: name }, heard.secondsAgo)
      }
    },
  })
  const certificateExpiry = new Gauge({
    name: 'substratus_certificate_expiry_timestamp_seconds',
    help: 'When the served certificate expires, in seconds since 1970; 0 for plain HTTP.',
    registers: [registry],
  })
  return { registry, duration, refused, reports, pending, certificateExpiry }
}

export type Metrics = ReturnType<typeof metrics>
