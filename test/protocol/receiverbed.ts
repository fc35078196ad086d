import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { metrics } from '../../server/metrics.ts'
import { podsByParent } from '../../server/pods.ts'
import { type ReceiverOptions, startReceiver } from '../../server/progress/receiver.ts'
import { reportsInMemory } from '../../server/progress/reports.ts'
import type { Child } from '../objects.ts'

/** The receiver as the server starts it, in a thread of its own, and what the server knows beside it. */
export async function receiverBed(
  { keys, pods = [] }: { readonly keys: readonly string[]; readonly pods?: readonly Child[] },
  options: Partial<ReceiverOptions> = {},
) {
  const world = { keys, isCurrent: true }
  const reports = reportsInMemory()
  const measured = metrics()
  const known = podsByParent()
  for (const pod of pods) known.put(pod)
  const receiver = await startReceiver({
    host: '127.0.0.1',
    port: 0,
    keys: () => world.keys,
    reports,
    pods: { of: known.of, follow: known.follow, isCurrent: () => world.isCurrent },
    metrics: measured,
    log: pino({ enabled: false }),
    ...options,
  })
  const responses = new Map<number, number>()
  const countOf = async (code: number): Promise<number> => {
    const { values } = await measured.reports.get()
    return values.find(({ labels }) => labels.code === code)?.value ?? 0
  }
  return {
    ...receiver,
    url: `http://127.0.0.1:${receiver.port}`,
    world,
    pods: known,
    reports,
    measured,
    /**
     * Waits, after a response with this code, for the batch that counts it. What the request left behind came
     * with the same batch.
     */
    counted: async (code: number): Promise<void> => {
      const wanted = (responses.get(code) ?? 0) + 1
      responses.set(code, wanted)
      while ((await countOf(code)) < wanted) await sleep(20)
    },
  }
}

export type ReceiverBed = Awaited<ReturnType<typeof receiverBed>>
