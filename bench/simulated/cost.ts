import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Platform } from '../../platform/platform.ts'
import { recordsOf } from '../../platform/processes.ts'
import { difference, syncsByPath, syncsIn, writesIn } from './counters.ts'
import { textOf } from './textof.ts'
import { forgetPeak, type Usage, usageOf, usedSince } from './usage.ts'

export const processes = ['server', 'metacontroller', 'kube-apiserver'] as const
export type Process = (typeof processes)[number]

/** The process that answers the hooks. */
export interface HookProcess {
  readonly pid: number
  /** How many syncs it has answered. */
  readonly syncs: () => Promise<number>
}

/** What something has cost. */
export interface Cost {
  readonly seconds: number
  readonly syncs: number
  /** By `VERB RESOURCE`. */
  readonly writes: ReadonlyMap<string, number>
  readonly used: Readonly<Record<Process, Usage>>
}

/** Our own server; only the syncs of one kind count, if it is named by its plural. */
export function ownServer(platform: Platform, plural?: string): HookProcess {
  const ca = readFileSync(platform.pki.ca.cert)
  return {
    pid: pidOf(platform, 'server'),
    syncs: async () => {
      const text = await textOf(`${platform.serverUrl}/metrics`, ca)
      return plural ? (syncsByPath(text).get(`/hooks/${plural}/sync`) ?? 0) : syncsIn(text)
    },
  }
}

/** What happens from the beginning of `act` to its end. */
export async function costOf(
  platform: Platform,
  hook: HookProcess,
  act: () => Promise<unknown>,
): Promise<Cost> {
  const pids = pidsOf(platform, hook)
  for (const name of processes) forgetPeak(pids[name])
  const snapshot = async () => ({
    syncs: await hook.syncs(),
    writes: writesIn(await platform.kubectl.run(['get', '--raw', '/metrics'])),
    used: ofEach((name) => usageOf(pids[name])),
  })
  const before = await snapshot()
  const start = performance.now()
  await act()
  const seconds = (performance.now() - start) / 1000
  const after = await snapshot()
  return {
    seconds,
    syncs: after.syncs - before.syncs,
    writes: difference(before.writes, after.writes),
    used: ofEach((name) => usedSince(before.used[name], after.used[name])),
  }
}

const quietSeconds = 8

/** A result that was just recorded is synced once more. */
export async function untilQuiet({ syncs }: HookProcess): Promise<void> {
  for (let last = -1, now = 0; last !== now; ) {
    last = now
    await sleep(quietSeconds * 1000)
    now = await syncs()
  }
}

/** Deletes namespaces, and waits until all that was in them is gone. */
export async function removeNamespaces(
  { kubectl }: Platform,
  ...namespaces: readonly string[]
): Promise<void> {
  await kubectl.run(['delete', 'namespace', ...namespaces, '--timeout=30m'])
}

const ofEach = (value: (name: Process) => Usage): Cost['used'] => ({
  server: value('server'),
  metacontroller: value('metacontroller'),
  'kube-apiserver': value('kube-apiserver'),
})

const pidsOf = (platform: Platform, { pid }: HookProcess): Readonly<Record<Process, number>> => ({
  server: pid,
  metacontroller: pidOf(platform, platform.controller),
  'kube-apiserver': pidOf(platform, 'kube-apiserver'),
})

function pidOf({ dir }: Platform, name: string): number {
  const found = recordsOf(dir).find((record) => record.name === name)
  if (!found) throw new Error(`${name} does not run`)
  return found.pid
}
