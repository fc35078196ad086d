import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Command } from 'commander'
import { type Case, cases } from './cases.ts'
import { type Figure, median, writeJson } from './figures.ts'
import { type Answered, load } from './traffic.ts'

interface Ports {
  readonly ours: number
  readonly bare: number
  /** Where progress is reported. */
  readonly progress: number
}

const { json, rounds, seconds } = new Command('bench')
  .description('How much of a bare express route each hook and webhook reaches.')
  .option('--json <file>', 'write [{name, value, unit, target, met}]')
  .option('--rounds <number>', 'how often each pair is measured', Number, 40)
  .option('--seconds <number>', 'how long each measurement takes', Number, 0.15)
  .parse()
  .opts<{ readonly json?: string; readonly rounds: number; readonly seconds: number }>()

/** Attempts that report while our server is measured; the bare route has nobody to report to it. */
async function reportersOf(port: number, attempts: number) {
  const child = fork(join(import.meta.dirname, 'reporters.ts'), [String(port), String(attempts)])
  await once(child, 'message')
  return {
    toggle: async () => {
      child.send('toggle')
      await once(child, 'message')
    },
    end: () => child.disconnect(),
  }
}

/** How many reports the server has accepted so far: a refused one costs less, so it does not count. */
async function reportsAccepted(): Promise<number> {
  server.send('reports')
  const [accepted] = (await once(server, 'message')) as [number]
  return accepted
}

/** Alternates between our server and the bare route, so that noise on the machine affects both. */
async function measure(of: Case, ports: Ports): Promise<readonly Figure[]> {
  const rows: { readonly bare: Answered; readonly own: Answered }[] = []
  const at = (port: number) => load({ port, path: of.path, body: of.body, seconds })
  const reporters = of.reporting ? await reportersOf(ports.progress, of.reporting) : undefined
  const before = await reportsAccepted()
  let reporting = 0
  for (let round = 0; round < rounds; round++) {
    const bare = await at(ports.bare)
    const start = performance.now()
    await reporters?.toggle()
    const own = await at(ports.ours)
    await reporters?.toggle()
    reporting += (performance.now() - start) / 1000
    rows.push({ bare, own })
  }
  const reports = (await reportsAccepted()) - before
  reporters?.end()
  const figure = (word: string, unit: Figure['unit'], value: number): Figure => ({
    name: `${of.name}: ${word}`,
    value: Math.round(value * 100) / 100,
    unit,
    target: null,
    met: null,
  })
  const own = (key: keyof Answered) => median(rows.map((row) => row.own[key]))
  const ofBare = (key: keyof Answered) => median(rows.map((row) => row.own[key] / row.bare[key]))
  // Rounded down, so that a ratio just below its target is not printed as if it had reached it.
  const ratio = Math.floor(ofBare('perSecond') * 100) / 100
  return [
    {
      ...figure('of a bare route', 'ratio', ratio),
      target: of.target,
      met: of.target === null ? null : ratio >= of.target,
    },
    figure('throughput', 'requests/s', own('perSecond')),
    figure('p50', 'ms', own('p50')),
    figure('p50, of a bare route', 'ratio', ofBare('p50')),
    figure('p99', 'ms', own('p99')),
    figure('p99, of a bare route', 'ratio', ofBare('p99')),
    ...(of.reporting ? [figure('reports accepted', 'requests/s', reports / reporting)] : []),
  ]
}

const row = (cells: readonly (string | number | null)[]): string =>
  cells
    .map((cell, column) => (column ? String(cell ?? '').padStart(11) : String(cell).padEnd(31)))
    .join('')
    .trimEnd()

const server = fork(join(import.meta.dirname, 'server.ts'))
try {
  const [ports] = (await once(server, 'message')) as [Ports]
  const figures: Figure[] = []
  const latency = ['p50 ms', 'of bare', 'p99 ms', 'of bare']
  console.log(row(['', 'of bare', 'target', 'met', 'requests/s', ...latency, 'reports/s']))
  for (const one of cases()) {
    // Warm up first, so that the JIT has compiled both.
    for (const port of [ports.bare, ports.ours])
      await load({ port, path: one.path, body: one.body, seconds: seconds * 4 })
    const measured = await measure(one, ports)
    const [ratio, ...others] = measured
    figures.push(...measured)
    console.log(
      row([
        one.name,
        ratio?.value ?? null,
        one.target,
        ratio?.met === null ? null : ratio?.met ? 'yes' : 'no',
        ...others.map(({ value }) => value),
      ]),
    )
  }
  if (json) writeJson(json, figures)
} finally {
  server.disconnect()
}
