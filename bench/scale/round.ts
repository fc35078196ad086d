import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { kubeConfigOf } from '../../cluster/kubeconfig.ts'
import type { Platform } from '../../platform/platform.ts'
import { quantile } from '../figures.ts'
import { type Cost, costOf, type HookProcess, ownServer, untilQuiet } from '../simulated/cost.ts'
import { textOf } from '../simulated/textof.ts'
import { watchArrivals } from './arrivals.ts'
import type { FixedHook } from './fixedhook.ts'
import { aBenchModel, createAll, nameOf, type Sent, type Side, type Stages } from './workload.ts'

export interface Round extends Omit<Cost, 'seconds'> {
  readonly side: Side
  readonly models: number
  /** Seconds since the first creation. */
  readonly allJobs: number
  readonly allReady: number
  /** Seconds from the creation of a Model until it is Ready. */
  readonly p50: number
  readonly p99: number
}

interface Measuring {
  readonly platform: Platform
  readonly fixed: FixedHook
}

export interface Wanted {
  readonly namespace: string
  readonly side: Side
  readonly models: number
  readonly stages: Stages
  /** How many Jobs each Model ends with. */
  readonly jobs: number
}

/** Creates Models, and measures until they are Ready and nothing is synced any more. */
export async function measureRound(measuring: Measuring, wanted: Wanted): Promise<Round> {
  const { platform } = measuring
  const { namespace, side, models, stages, jobs } = wanted
  const config = kubeConfigOf(platform.kubeconfig)
  await platform.kubectl.run(['create', 'namespace', namespace])
  const arrivals = await watchArrivals(config, namespace)
  const hook = hookOf(measuring, side)
  const sent: Sent = new Map()
  const names = Array.from({ length: models }, (_, index) => nameOf(index))
  let start = 0
  const { syncs, writes, used } = await costOf(platform, hook, async () => {
    start = performance.now()
    await createAll(
      config,
      namespace,
      names.map((name) => aBenchModel(name, side, stages)),
      sent,
    )
    while (arrivals.ready.size < models || arrivals.jobs.size < models * jobs) await sleep(50)
    await untilQuiet(hook)
  })
  arrivals.stop()
  const seconds = (times: Iterable<number>) => (Math.max(...times) - start) / 1000
  const latencies = names.map(
    (name) => ((arrivals.ready.get(name) ?? Number.NaN) - (sent.get(name) ?? 0)) / 1000,
  )
  return {
    side,
    models,
    allJobs: seconds(arrivals.jobs.values()),
    allReady: seconds(arrivals.ready.values()),
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    syncs,
    writes,
    used,
  }
}

function hookOf({ platform, fixed }: Measuring, side: Side): HookProcess {
  if (side === 'ours') return ownServer(platform)
  const ca = readFileSync(platform.pki.ca.cert)
  return { pid: fixed.pid, syncs: async () => Number(await textOf(`${fixed.url}/`, ca)) }
}
