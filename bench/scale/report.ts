import { type Figure, figure, median } from '../figures.ts'
import { processes } from '../simulated/cost.ts'
import type { Rest } from './rest.ts'
import type { Round } from './round.ts'

/** What the rounds mean, as a table and as figures with their targets. */

const sumOf = (writes: Round['writes'], pattern: RegExp): number =>
  [...writes].reduce((sum, [key, count]) => (pattern.test(key) ? sum + count : sum), 0)

const columns: Readonly<Record<string, (round: Round) => string | number>> = {
  hook: ({ side }) => side,
  models: ({ models }) => models,
  'jobs s': ({ allJobs }) => allJobs.toFixed(1),
  'ready s': ({ allReady }) => allReady.toFixed(1),
  'p50 s': ({ p50 }) => p50.toFixed(2),
  'p99 s': ({ p99 }) => p99.toFixed(2),
  'syncs each': ({ syncs, models }) => (syncs / models).toFixed(1),
  'status each': ({ writes, models }) =>
    (sumOf(writes, /^\w+ models\/status$/) / models).toFixed(1),
  ...Object.fromEntries(
    processes
      .flatMap((name) => [
        [`${short(name)} CPU s`, ({ used }: Round) => used[name].cpuSeconds.toFixed(1)],
        ['MiB', ({ used }: Round) => used[name].peakMebibytes.toFixed(0)],
        ['I/O MiB', ({ used }: Round) => used[name].mebibytes.toFixed(0)],
      ])
      .map(([title, value], index) => [`${title}${' '.repeat(index)}`, value]),
  ),
}

function short(name: string): string {
  return name === 'metacontroller' ? 'mc' : name === 'kube-apiserver' ? 'api' : name
}

export const header = (): string => line(Object.keys(columns).map((title) => title.trim()))
export const rowOf = (round: Round): string =>
  line(Object.values(columns).map((value) => value(round)))

const line = (cells: readonly (string | number)[]): string =>
  cells.map((cell) => String(cell).padStart(11)).join('')

/** Writes per Model, of all clients of the API server. */
export const writesTable = ({ writes, models }: Round): readonly string[] =>
  [...writes].map(([key, count]) => `${(count / models).toFixed(2).padStart(9)}  ${key}`)

export interface Pair {
  readonly ours: Round
  readonly fixed: Round
}

type Bound = readonly [
  name: string,
  unit: Figure['unit'],
  most: number,
  value: (pair: Pair) => number,
]

const ratioOf =
  (value: (round: Round) => number) =>
  ({ ours, fixed }: Pair): number =>
    value(ours) / value(fixed)

/** `jobs`: how many Jobs each Model ends with, one for each of its stages. */
export function figuresOf(pairs: readonly Pair[], jobs: number): readonly Figure[] {
  const models = pairs[0]?.ours.models ?? 0
  const bounds: readonly Bound[] = [
    ['latency p50, of fixed answers', 'ratio', 1.1, ratioOf(({ p50 }) => p50)],
    ['latency p99, of fixed answers', 'ratio', 1.1, ratioOf(({ p99 }) => p99)],
    ['syncs, of fixed answers', 'ratio', 1.1, ratioOf(({ syncs }) => syncs)],
    [
      'CPU of the server for 300 Models',
      's',
      4,
      ({ ours }) => (ours.used.server.cpuSeconds / ours.models) * 300,
    ],
    [
      'peak memory of the server',
      'MiB',
      models > 300 ? 200 : 150,
      ({ ours }) => ours.used.server.peakMebibytes,
    ],
    [
      'status writes of a stage',
      'writes',
      3,
      ({ ours }) => sumOf(ours.writes, /^\w+ models\/status$/) / ours.models / jobs,
    ],
  ]
  return bounds.flatMap(([name, unit, atMost, value]) => {
    const values = pairs.map(value)
    const full = `${models} Models of ${jobs} Jobs: ${name}`
    return [
      figure(full, unit, median(values), { atMost }),
      figure(`${full}, spread`, unit, Math.max(...values) - Math.min(...values)),
    ]
  })
}

/** How much more an object costs among many than among few; linear is 1. */
export function growthFigures(sizes: readonly (readonly Pair[])[]): readonly Figure[] {
  const costs: Readonly<Record<string, (pair: Pair) => number>> = {
    'CPU of the server': ({ ours }) => ours.used.server.cpuSeconds / ours.models,
    'CPU of Metacontroller': ({ ours }) => ours.used.metacontroller.cpuSeconds / ours.models,
    'CPU of the API server': ({ ours }) => ours.used['kube-apiserver'].cpuSeconds / ours.models,
    syncs: ({ ours }) => ours.syncs / ours.models,
  }
  const [few, many] = [sizes[0] ?? [], sizes.at(-1) ?? []]
  if (sizes.length < 2) return []
  const sizeOf = (pairs: readonly Pair[]) => pairs[0]?.ours.models
  return Object.entries(costs).map(([name, cost]) =>
    figure(
      `${name} for each Model: ${sizeOf(many)} Models, of ${sizeOf(few)}`,
      'ratio',
      median(many.map(cost)) / median(few.map(cost)),
      { atMost: 1.2 },
    ),
  )
}

export function restFigures({ seconds, objects, syncs, writes, restart }: Rest): readonly Figure[] {
  const written = [...writes.values()].reduce((all, count) => all + count, 0)
  const all = [...objects.values()].reduce((sum, count) => sum + count, 0)
  return [
    ...[...syncs].map(([kind, count]) => {
      const number = objects.get(kind) ?? 0
      // Served kinds are asked about from time to time; what is finished is not.
      const atMost = kind === 'ModelServer' || kind === 'Notebook' ? number : 0
      return figure(`syncs of ${number} ${kind}s in ${seconds} s at rest`, 'syncs', count, {
        atMost,
      })
    }),
    figure(`writes for ${all} objects in ${seconds} s at rest`, 'writes', written, { atMost: 0 }),
    figure(`another server is ready, beside ${all} objects`, 's', restart, { below: 5 }),
  ]
}
