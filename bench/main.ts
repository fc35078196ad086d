import { Command } from 'commander'
import { type Case, cases } from './cases.ts'
import { type Figure, median, writeJson } from './figures.ts'
import { type Process, type ReportedTo, reportsTo, started } from './processes.ts'
import { type Answered, load } from './traffic.ts'

const { json, rounds, seconds, only } = new Command('bench')
  .description('How much of a bare express route each hook and webhook reaches.')
  .option('--json <file>', 'write [{name, value, unit, target, met}]')
  .option('--rounds <number>', 'how often each pair is measured', Number, 40)
  .option('--seconds <number>', 'how long each measurement takes', Number, 0.15)
  .option('--only <text>', 'measure only the cases whose name contains this', '')
  .parse()
  .opts<{
    readonly json?: string
    readonly rounds: number
    readonly seconds: number
    readonly only: string
  }>()

/** The servers to compare, and what receives reports while the bare one is measured. */
interface Servers {
  readonly own: Process
  readonly bare: Process
  readonly receiver: Process
}

interface Pair {
  readonly bare: Answered
  readonly own: Answered
}

/** Reports come in turns: with them, each measurement spans several turns. */
const at = (of: Case, server: Process): Promise<Answered> =>
  load({
    port: server.ports.port,
    path: of.path,
    body: of.body,
    seconds: of.reporting ? 4 * seconds : seconds,
  })

/** One after the other, so that noise on the machine affects both. */
const pairOf = async (of: Case, { bare, own }: Servers): Promise<Pair> => ({
  bare: await at(of, bare),
  own: await at(of, own),
})

/** Ours divided by the bare route's, at the median. */
const ofBare = (pairs: readonly Pair[], key: keyof Answered): number =>
  median(pairs.map(({ own, bare }) => own[key] / bare[key]))

/** Rounded down, so that a ratio just below its target is not printed as if it had reached it. */
const floored = (ratio: number): number => Math.floor(ratio * 100) / 100

const judged = (name: string, value: number, target: number | null): Figure => ({
  name,
  value: floored(value),
  unit: 'ratio',
  target,
  met: target === null ? null : floored(value) >= target,
})

const plain = (name: string, unit: Figure['unit'], value: number): Figure => ({
  name,
  value: Math.round(value * 100) / 100,
  unit,
  target: null,
  met: null,
})

function figuresOf({ name, target }: Case, pairs: readonly Pair[]): readonly Figure[] {
  const own = (key: keyof Answered) => median(pairs.map((pair) => pair.own[key]))
  return [
    judged(`${name}: of a bare route`, ofBare(pairs, 'perSecond'), target),
    plain(`${name}: throughput`, 'requests/s', own('perSecond')),
    plain(`${name}: p50`, 'ms', own('p50')),
    plain(`${name}: p50, of a bare route`, 'ratio', ofBare(pairs, 'p50')),
    plain(`${name}: p99`, 'ms', own('p99')),
    plain(`${name}: p99, of a bare route`, 'ratio', ofBare(pairs, 'p99')),
  ]
}

async function measure(of: Case, servers: Servers): Promise<readonly Figure[]> {
  const pairs: Pair[] = []
  for (let round = 0; round < rounds; round++) pairs.push(await pairOf(of, servers))
  return figuresOf(of, pairs)
}

/**
 * The same while attempts report, to our server while it is measured. The machine has few cores, on which
 * senders and receiver take time from whatever is measured. So while the bare route is measured, the same
 * senders report to a receiver in another process. Pairs with and without reports take turns: our server
 * should keep its ratio.
 *
 * Two cores are too few for all of them, and our route needs more than one: garbage is collected beside it. So
 * our server is measured once more while the senders report to the other process. What it then gains is what
 * reports cost our server itself; any other load on the machine would cost the rest as well.
 */
async function measureReporting(of: Case, servers: Servers, reporting: number) {
  const quiet: Pair[] = []
  const pairs: Pair[] = []
  const itself: number[] = []
  const ownReports = await reportsTo(servers.own, reporting)
  const otherReports = await reportsTo(servers.receiver, reporting)
  for (let round = 0; round < rounds; round++) {
    quiet.push(await pairOf(of, servers))
    const bare = await otherReports.during(() => at(of, servers.bare))
    const beside = await otherReports.during(() => at(of, servers.own))
    const own = await ownReports.during(() => at(of, servers.own))
    pairs.push({ bare, own })
    itself.push(own.perSecond / beside.perSecond)
  }
  const kept = ofBare(pairs, 'perSecond') / ofBare(quiet, 'perSecond')
  const accepted = async (what: string, { perSecond, end }: ReportedTo) => {
    const figure = plain(`${of.name}: ${what}`, 'requests/s', await perSecond())
    end()
    return figure
  }
  return [
    ...figuresOf(of, pairs),
    judged(`${of.name}: of its ratio without reports`, kept, 0.9),
    judged(`${of.name}: of itself while they go elsewhere`, median(itself), null),
    await accepted('reports accepted', ownReports),
    await accepted('reports accepted elsewhere', otherReports),
  ]
}

const row = (cells: readonly (string | number | null)[]): string =>
  cells
    .map((cell, column) => (column ? String(cell ?? '').padStart(11) : String(cell).padEnd(41)))
    .join('')
    .trimEnd()

const verdict = ({ met }: Figure): string | null => (met === null ? null : met ? 'yes' : 'no')

function print(name: string, measured: readonly Figure[]): void {
  const [ratio, ...others] = measured as readonly [Figure, ...Figure[]]
  const latency = others.slice(0, 5).map(({ value }) => value)
  console.log(row([name, ratio.value, ratio.target, verdict(ratio), ...latency]))
  for (const more of others.slice(5)) {
    const shown = `  ${more.name.slice(name.length + 2)}`
    console.log(row([shown, more.value, more.target, verdict(more)]))
  }
}

const own = await started('server.ts')
const bare = await started('bareserver.ts', String(own.ports.port))
const receiver = await started('receiver.ts')
const servers = { own, bare, receiver }
try {
  const figures: Figure[] = []
  const latency = ['p50 ms', 'of bare', 'p99 ms', 'of bare']
  console.log(row(['', 'of bare', 'target', 'met', 'requests/s', ...latency]))
  for (const one of cases().filter(({ name }) => name.includes(only))) {
    // Warm up first, so that the JIT has compiled both.
    for (const server of [bare, own])
      await load({ port: server.ports.port, path: one.path, body: one.body, seconds: seconds * 4 })
    const measured = one.reporting
      ? await measureReporting(one, servers, one.reporting)
      : await measure(one, servers)
    figures.push(...measured)
    print(one.name, measured)
  }
  if (json) writeJson(json, figures)
} finally {
  for (const { end } of Object.values(servers)) end()
}
