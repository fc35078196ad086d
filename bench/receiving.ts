import { setTimeout as sleep } from 'node:timers/promises'
import type { Reporting } from '../hooks/progress/address.ts'
import { logger } from '../server/log.ts'
import { metrics } from '../server/metrics.ts'
import { podsByParent } from '../server/pods.ts'
import { reportingAt } from '../server/progress/keys.ts'
import { turnMilliseconds } from '../server/progress/messages.ts'
import { startReceiver } from '../server/progress/receiver.ts'
import { type Reports, reportsInMemory } from '../server/progress/reports.ts'
import { benchKey, mostAttempts, podAt } from './attempts.ts'

/** What receives the reports of the attempts. */

const all = [benchKey]
const keys = () => all

interface BenchReceiver {
  readonly port: number
  readonly progress: { readonly reporting: () => Reporting; readonly reports: Reports }
  readonly measured: ReturnType<typeof metrics>
  /** How many reports were accepted so far: a refused one costs less, so it does not count. */
  readonly accepted: () => Promise<number>
}

/** The server's own receiver, which knows the Pods of all attempts. */
export async function benchReceiver(): Promise<BenchReceiver> {
  const measured = metrics()
  const reports = reportsInMemory()
  const { put, of, follow } = podsByParent()
  for (let index = 0; index < mostAttempts; index++) put(podAt(index))
  const { port } = await startReceiver({
    host: '127.0.0.1',
    port: 0,
    keys,
    reports,
    pods: { of, follow, isCurrent: () => true },
    metrics: measured,
    log: logger('/dev/null'),
  })
  return {
    port,
    progress: {
      reporting: reportingAt('http://substratus.substratus.svc:8090', keys),
      reports,
    },
    measured,
    accepted: async () => {
      // The main thread learns of them in turns.
      await sleep(3 * turnMilliseconds)
      const { values } = await measured.reports.get()
      return values.find(({ labels }) => labels.code === 200)?.value ?? 0
    },
  }
}

/** Tells the process that started this one the ports, and, whenever it asks, how many reports came. */
export function answerParent(ports: object, { accepted }: Pick<BenchReceiver, 'accepted'>): void {
  process.send?.(ports)
  process.on('message', async () => process.send?.(await accepted()))
  process.once('disconnect', () => process.exit(0))
}
