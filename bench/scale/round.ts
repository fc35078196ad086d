import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { kubeConfigOf } from '../../cluster/kubeconfig.ts'
import type { Platform } from '../../platform/platform.ts'
import { recordsOf } from '../../platform/processes.ts'
import { quantile } from '../figures.ts'
import { watchArrivals } from './arrivals.ts'
import { difference, syncsIn, writesIn } from './counters.ts'
import { type FixedHook, textOf } from './fixedhook.ts'
import { forgetPeak, type Usage, usageOf, usedSince } from './usage.ts'
import { aBenchModel, createAll, nameOf, type Sent, type Side, type Stages } from './workload.ts'

export interface Round {
  readonly side: Side
  readonly models: number
  /** Seconds since the first creation. */
  readonly allJobs: number
  readonly allReady: number
  /** Seconds from the creation of a Model until it is Ready. */
  readonly p50: number
  readonly p99: number
  readonly syncs: number
  /** By `VERB RESOURCE`. */
  readonly writes: ReadonlyMap<string, number>
  readonly used: Readonly<Record<Process, Usage>>
}

export const processes = ['server', 'metacontroller', 'kube-apiserver'] as const
export type Process = (typeof processes)[number]

export interface Measuring {
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
  const pids = pidsOf(measuring, side)
  for (const name of processes) forgetPeak(pids[name])
  const before = await snapshot(measuring, side)
  const sent: Sent = new Map()
  const names = Array.from({ length: models }, (_, index) => nameOf(index))
  const start = performance.now()
  await createAll(
    config,
    namespace,
    names.map((name) => aBenchModel(name, side, stages)),
    sent,
  )
  while (arrivals.ready.size < models || arrivals.jobs.size < models * jobs) await sleep(50)
  await untilQuiet(measuring, side)
  const after = await snapshot(measuring, side)
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
    syncs: after.syncs - before.syncs,
    writes: difference(before.writes, after.writes),
    used: ofEach((name) => usedSince(before.used[name], after.used[name])),
  }
}

/** Deletes the Models, and waits until all that belonged to them is gone. */
export async function removeRound({ kubectl }: Platform, namespace: string): Promise<void> {
  await kubectl.run(['delete', 'namespace', namespace, '--timeout=30m'])
}

const ofEach = (value: (name: Process) => Usage): Round['used'] => ({
  server: value('server'),
  metacontroller: value('metacontroller'),
  'kube-apiserver': value('kube-apiserver'),
})

function pidsOf({ platform, fixed }: Measuring, side: Side): Readonly<Record<Process, number>> {
  const pidOf = (name: string) => {
    const found = recordsOf(platform.dir).find((record) => record.name === name)
    if (!found) throw new Error(`${name} does not run`)
    return found.pid
  }
  return {
    server: side === 'ours' ? pidOf('server') : fixed.pid,
    metacontroller: pidOf(platform.controller),
    'kube-apiserver': pidOf('kube-apiserver'),
  }
}

async function snapshot(measuring: Measuring, side: Side) {
  const { platform } = measuring
  const pids = pidsOf(measuring, side)
  return {
    syncs: await syncsOf(measuring, side),
    writes: writesIn(await platform.kubectl.run(['get', '--raw', '/metrics'])),
    used: ofEach((name) => usageOf(pids[name])),
  }
}

export async function syncsOf({ platform, fixed }: Measuring, side: Side): Promise<number> {
  const ca = readFileSync(platform.pki.ca.cert)
  return side === 'fixed'
    ? Number(await textOf(`${fixed.url}/`, ca))
    : syncsIn(await textOf(`${platform.serverUrl}/metrics`, ca))
}

const quietSeconds = 8

/** Resolves after some seconds without a sync: a result that was just recorded is synced once more. */
export async function untilQuiet(measuring: Measuring, side: Side): Promise<void> {
  for (let last = -1, now = 0; last !== now; ) {
    last = now
    await sleep(quietSeconds * 1000)
    now = await syncsOf(measuring, side)
  }
}
