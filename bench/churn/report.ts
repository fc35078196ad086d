import { type Figure, figure } from '../figures.ts'
import type { Cost, Process } from '../simulated/cost.ts'
import { type Burden, mostMebibytes } from './burden.ts'
import type { Sync } from './onesync.ts'
import type { Unrest } from './unrest.ts'
import type { Waking } from './waking.ts'

/**
 * What was measured, as figures. Each part is measured at a tenth of its size too: what grows as the size
 * does costs the same for each object.
 */

/** The measurements at a tenth and at the whole. */
export type Both<T> = readonly [tenth: T, whole: T]

/** How much more an object may cost among ten times as many. */
const linear = { atMost: 1.2 }

/** Some for what happens to the object, and none for each of its neighbours or children. */
const mostSyncs = 20

const cpuOf = ({ used }: Cost, name: Process): number => used[name].cpuSeconds

const growthOf = <T>([tenth, whole]: Both<T>, each: (one: T) => number): number =>
  each(whole) / each(tenth)

export function wakingFigures(both: Both<Waking>): readonly Figure[] {
  const [tenth, { servers, started, ready, cost }] = both
  const name = `${servers} ModelServers of one Model`
  const grown = (what: string, each: (one: Waking) => number) =>
    figure(
      `${name}: ${what}, of ${tenth.servers}`,
      'ratio',
      growthOf(both, (one) => each(one) / one.servers),
      linear,
    )
  return [
    figure(`${name}: syncs of each`, 'syncs', cost.syncs / servers, { atMost: mostSyncs }),
    grown('syncs of each', ({ cost }) => cost.syncs),
    figure(`${name}: server CPU`, 's', cpuOf(cost, 'server')),
    grown('server CPU for each', ({ cost }) => cpuOf(cost, 'server')),
    figure(`${name}: Metacontroller CPU`, 's', cpuOf(cost, 'metacontroller')),
    grown('Metacontroller CPU for each', ({ cost }) => cpuOf(cost, 'metacontroller')),
    // A few are started at once, and many compete for the machine with the Pods of the first.
    figure(`${name}: until none waits`, 's', started),
    figure(`${name}: until all are Ready`, 's', ready),
  ]
}

export function unrestFigures(both: Both<Unrest>): readonly Figure[] {
  const [tenth, { models, changes, podChanges, touched, cost, rest }] = both
  const name = `objects of others beside ${models} Models`
  const perChange = (process: Process) => (one: Unrest) =>
    ((cpuOf(one.cost, process) - cpuOf(one.rest, process)) / (one.changes + one.podChanges)) * 1000
  const controller = perChange('metacontroller')
  return [
    figure(`${name}: writes of foreign Pods`, 'writes', podChanges),
    figure(`${name}: writes of Jobs, claims and Deployments`, 'writes', changes),
    figure(`${name}: syncs`, 'syncs', cost.syncs, { atMost: 0 }),
    figure(`${name}: objects changed by us`, 'writes', touched, { atMost: 0 }),
    figure(`${name}: syncs at rest`, 'syncs', rest.syncs, { atMost: 0 }),
    // Half of what a sync that changes nothing may take: the server hears of Pods with its own label only.
    figure(`${name}: server CPU for a write`, 'ms', perChange('server')(both[1]), { atMost: 0.5 }),
    figure(`${name}: Metacontroller CPU for a write`, 'ms', controller(both[1])),
    // It compares an orphan with every Model of the namespace.
    figure(
      `${name}: Metacontroller CPU for each, of ${tenth.models}`,
      'ratio',
      growthOf(both, (one) => controller(one) / one.models),
      linear,
    ),
  ]
}

export function burdenFigures(both: Both<Burden>): readonly Figure[] {
  const [tenth, { jobs, mebibytes, removing, retaining, ready, cost }] = both
  const name = `a Model with ${jobs} old Jobs`
  const single = (what: string, { jobs, milliseconds, cpuMilliseconds }: Sync, before: Sync) => {
    const sync = `a sync that ${what} ${jobs} old Jobs`
    const grown = (of: keyof Sync) =>
      growthOf([before, { jobs, milliseconds, cpuMilliseconds }], (one) => one[of] / one.jobs)
    return [
      figure(sync, 'ms', milliseconds),
      figure(`${sync}: server CPU`, 'ms', cpuMilliseconds),
      figure(`${sync}: time for each, of ${before.jobs}`, 'ratio', grown('milliseconds'), linear),
      figure(`${sync}: CPU for each, of ${before.jobs}`, 'ratio', grown('cpuMilliseconds'), linear),
    ]
  }
  return [
    figure(`${name}: its request`, 'MiB', mebibytes, { atMost: mostMebibytes }),
    ...single('removes', removing, tenth.removing),
    ...single('retains', retaining, tenth.retaining),
    figure(`${name}: until it is Ready`, 's', ready ?? cost.seconds, { atMost: 60 }),
    figure(`${name}: syncs`, 'syncs', cost.syncs, { atMost: mostSyncs }),
    figure(`${name}: server CPU`, 's', cpuOf(cost, 'server')),
  ]
}

/** The most frequent writes, of all clients of the API server. */
export const writesOf = ({ writes }: Cost): readonly string[] =>
  [...writes].slice(0, 12).map(([key, count]) => `${String(count).padStart(9)}  ${key}`)
