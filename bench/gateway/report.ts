import { type Figure, figure, median, quantile, type Target } from '../figures.ts'
import type { Routing } from './routing.ts'

/** The three places that are compared, measured one after the other in each round. */
export interface Compared<T> {
  readonly alone: T
  readonly bare: T
  readonly gateway: T
}

/** MiB. */
interface Memory {
  readonly idle: number
  readonly open: number
}

export interface Measured {
  readonly streams: number
  readonly open: number
  readonly servers: number
  /** By round: the milliseconds until each first byte. */
  readonly firstBytes: readonly Compared<readonly number[]>[]
  /** By round: tokens a second. */
  readonly tokens: readonly Compared<number>[]
  readonly memory: { readonly bare: Memory; readonly gateway: Memory }
  readonly routing: Routing
}

/** A line of the table: what was measured at each place, and what has a target. */
export interface Row {
  readonly name: string
  readonly unit: Figure['unit']
  readonly at: Partial<Compared<number>>
  readonly judged?: {
    /** What of the values is judged. */
    readonly of: string
    readonly unit: Figure['unit']
    readonly value: number
    readonly target: Target
  }
}

export function rowsOf(measured: Measured): readonly Row[] {
  const { streams, open, servers, firstBytes, tokens, memory, routing } = measured
  const firstByte = (share: number) =>
    firstBytes.map(({ alone, bare, gateway }) => ({
      alone: quantile(alone, share),
      bare: quantile(bare, share),
      gateway: quantile(gateway, share),
    }))
  const [p50, p99] = [firstByte(0.5), firstByte(0.99)]
  const grown = ({ idle, open }: Memory): number => open - idle
  return [
    {
      name: `first byte with ${streams} streams: p50`,
      unit: 'ms',
      at: medians(p50),
      judged: {
        of: 'gateway − bare',
        unit: 'ms',
        value: median(p50.map(({ gateway, bare }) => gateway - bare)),
        target: { atMost: 1 },
      },
    },
    {
      name: `first byte with ${streams} streams: p99`,
      unit: 'ms',
      at: medians(p99),
      judged: { of: 'gateway / bare', unit: 'ratio', value: ofBare(p99), target: { atMost: 2 } },
    },
    {
      name: `throughput of ${streams} streams`,
      unit: 'tokens/s',
      at: medians(tokens),
      judged: {
        of: 'gateway / bare',
        unit: 'ratio',
        value: ofBare(tokens),
        target: { atLeast: 0.9 },
      },
    },
    {
      name: 'memory, idle',
      unit: 'MiB',
      at: { bare: memory.bare.idle, gateway: memory.gateway.idle },
    },
    {
      name: `memory, ${open} open streams`,
      unit: 'MiB',
      at: { bare: memory.bare.open, gateway: memory.gateway.open },
      judged: {
        of: 'gateway − idle',
        unit: 'MiB',
        value: grown(memory.gateway),
        target: { atMost: 90 },
      },
    },
    {
      name: `decision among ${servers} ModelServers`,
      unit: 'µs',
      at: { gateway: routing.decision },
      judged: { of: 'gateway', unit: 'µs', value: routing.decision, target: { below: 50 } },
    },
    { name: 'refusal of a wrong name there', unit: 'ms', at: { gateway: routing.wrongName } },
    { name: 'names after a change there', unit: 'ms', at: { gateway: routing.names } },
  ]
}

const ofBare = (rounds: readonly Compared<number>[]): number =>
  median(rounds.map(({ gateway, bare }) => gateway / bare))

const medians = (rounds: readonly Compared<number>[]): Compared<number> => ({
  alone: median(rounds.map(({ alone }) => alone)),
  bare: median(rounds.map(({ bare }) => bare)),
  gateway: median(rounds.map(({ gateway }) => gateway)),
})

const places = ['alone', 'bare', 'gateway'] as const
const titles = { alone: 'server alone', bare: 'bare proxy', gateway: 'gateway' } as const

const judgedIn = ({ name, judged }: Row): Figure | undefined =>
  judged && figure(`${name}: ${judged.of}`, judged.unit, judged.value, judged.target)

/** All that was measured, and of each row what has a target. */
export const figuresOf = (rows: readonly Row[]): readonly Figure[] =>
  rows.flatMap((row) => {
    const found = judgedIn(row)
    return [
      ...places.flatMap((place) => {
        const value = row.at[place]
        return value === undefined || row.judged?.of === place
          ? []
          : [figure(`${row.name}: ${titles[place]}`, row.unit, value)]
      }),
      ...(found ? [found] : []),
    ]
  })

export function printRows(rows: readonly Row[]): void {
  const print = (name: string, cells: readonly string[], verdict: string) =>
    console.log(
      [name.padEnd(46), ...cells.map((cell) => cell.padStart(14)), `  ${verdict}`]
        .join('')
        .trimEnd(),
    )
  print('', Object.values(titles), 'target')
  for (const row of rows) {
    const cells = places.map((place) => shown(row.at[place]))
    print(`${row.name}, ${row.unit}`, cells, verdictOf(row))
  }
}

const shown = (value: number | undefined): string =>
  value === undefined ? '' : String(Math.round(value * 100) / 100)

const inWords = { atLeast: 'at least', atMost: 'at most', below: 'below' } as const

function verdictOf(row: Row): string {
  const found = judgedIn(row)
  if (!found || !row.judged) return ''
  const [how] = Object.keys(row.judged.target) as [keyof typeof inWords]
  const met = found.met ? 'met' : 'missed'
  return `${row.judged.of} is ${found.value}, ${inWords[how]} ${found.target}: ${met}`
}
