import { type Figure, figure, median } from '../figures.ts'
import { processes, type Rest, type Round } from './round.ts'

/** What the rounds mean, as a table and as figures with their targets. */

const sumOf = (writes: Round['writes'], pattern: RegExp): number =>
  [...writes].reduce((sum, [key, count]) => (pattern.test(key) ? sum + count : sum), 0)

const columns: Readonly<Record<string, (round: Round) => string | number>> = {
  hook: ({ side }) => side,
  'jobs s': ({ allJobs }) => allJobs.toFixed(1),
  'ready s': ({ allReady }) => allReady.toFixed(1),
  'p50 s': ({ p50 }) => p50.toFixed(2),
  'p99 s': ({ p99 }) => p99.toFixed(2),
  'syncs each': ({ syncs, models }) => (syncs / models).toFixed(1),
  'status writes': ({ writes, models }) =>
    (sumOf(writes, /^\w+ models\/status$/) / models).toFixed(1),
  ...Object.fromEntries(
    processes
      .flatMap((name) => [
        [`${short(name)} CPU s`, ({ used }: Round) => used[name].cpuSeconds.toFixed(1)],
        ['MiB', ({ used }: Round) => used[name].peakMebibytes.toFixed(0)],
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
  cells.map((cell) => String(cell).padStart(13)).join('')

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

export const restFigures = ({ seconds, syncs, writes }: Rest): readonly Figure[] => {
  const sum = [...writes.values()].reduce((all, count) => all + count, 0)
  return [
    figure(`syncs in ${seconds} s at rest`, 'syncs', syncs, { atMost: 0 }),
    figure(`writes in ${seconds} s at rest`, 'writes', sum, { atMost: 0 }),
  ]
}
