import { writeFileSync } from 'node:fs'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { Platform } from '../../platform/platform.ts'
import { aConfig } from '../../test/objects.ts'
import { printFigures, writeJson } from '../figures.ts'
import { removeNamespaces } from '../simulated/cost.ts'
import { startSimulated } from '../simulated/startplane.ts'
import { type FixedHook, startFixed } from './fixedhook.ts'
import { plotOf } from './plot.ts'
import {
  figuresOf,
  growthFigures,
  header,
  type Pair,
  restFigures,
  rowOf,
  writesTable,
} from './report.ts'
import { measureRest, type Rest } from './rest.ts'
import { measureRound, type Round } from './round.ts'
import type { Side, Stages } from './workload.ts'

/**
 * How long Models take from their creation until they are Ready, and what that costs: our hooks, and in turn
 * with them a hook that answers with the same children without thinking. Both run in one control plane with
 * simulated nodes, so that the noise of the machine affects both.
 */

interface Options {
  readonly models: readonly number[]
  readonly stages: Stages
  readonly pairs: number
  readonly workers: number
  readonly qps: number
  readonly rest: number
  readonly json?: string
  readonly plot?: string
}

function numbersIn(text: string): readonly number[] {
  const numbers = text.split(',').map(Number)
  if (!numbers.every((number) => Number.isInteger(number) && number > 0))
    throw new InvalidArgumentError('it must be a number, or several with commas between them.')
  return numbers.toSorted((a, b) => a - b)
}

const options = new Command('bench:scale')
  .description('Models until they are Ready, beside a hook that answers without thinking.')
  .option(
    '--models <numbers>',
    'how many Models a measurement creates: 300, or 300,3000',
    numbersIn,
    [300],
  )
  .addOption(
    new Option('--stages <number>', 'the stages of a Model: a run, or build, run and package')
      .argParser((text) => (Number(text) === 3 ? 3 : 1))
      .default(1),
  )
  .option('--pairs <number>', 'how often both hooks are measured', Number, 5)
  .option('--workers <number>', 'Metacontroller’s workers', Number, 20)
  .option('--qps <number>', 'Metacontroller’s requests a second', Number, 200)
  .option('--rest <seconds>', 'how long to watch objects of all kinds at rest', Number, 0)
  .option('--json <file>', 'write [{name, value, unit, target, met}]')
  .option('--plot <file>', 'draw what a Model costs against the number of Models, as an SVG')
  .parse()
  .opts<Options>()

const progress = (line: string) => console.error(line)

interface Measured {
  /** The pairs of each number of Models. */
  readonly sizes: readonly (readonly Pair[])[]
  readonly rest?: Rest
}

async function measureSizes(platform: Platform, fixed: FixedHook): Promise<Measured> {
  const { stages } = options
  let rest: Rest | undefined
  const measure = async (
    namespace: string,
    side: Side,
    count: number,
    restSeconds = 0,
  ): Promise<Round> => {
    const wanted = { namespace, side, models: count, stages, jobs: fixed.jobs }
    const round = await measureRound({ platform, fixed }, wanted)
    if (restSeconds) rest = await measureRest(platform, namespace, count, restSeconds)
    await removeNamespaces(platform, namespace)
    return round
  }
  progress('warming up')
  for (const side of ['fixed', 'ours'] as const) await measure(`warm-up-${side}`, side, 20)
  console.log(header())
  const measured: Pair[][] = []
  for (const models of options.models) {
    const pairs: Pair[] = []
    for (let number = 1; number <= options.pairs; number++) {
      const fixedRound = await measure(`fixed-${models}-${number}`, 'fixed', models)
      console.log(rowOf(fixedRound))
      const isLast = models === options.models.at(-1) && number === options.pairs
      const restSeconds = isLast ? options.rest : 0
      const ours = await measure(`ours-${models}-${number}`, 'ours', models, restSeconds)
      console.log(rowOf(ours))
      pairs.push({ ours, fixed: fixedRound })
    }
    measured.push(pairs)
  }
  return { sizes: measured, ...(rest && { rest }) }
}

const config = { registry: { prefix: 'registry.example.com/substratus' } }
const { workers, qps, stages, json, plot } = options
const { platform, stop } = await startSimulated({ config, workers, qps, progress })
try {
  const fixed = await startFixed(platform, stages, aConfig(config))
  try {
    const { sizes, rest } = await measureSizes(platform, fixed)
    const figures = [
      ...sizes.flatMap((pairs) => figuresOf(pairs, fixed.jobs)),
      ...growthFigures(sizes),
      ...(rest ? restFigures(rest) : []),
    ]
    const last = sizes.at(-1)?.at(-1)
    for (const round of last ? [last.fixed, last.ours] : [])
      console.log(['', `writes for each Model: ${round.side}`, ...writesTable(round)].join('\n'))
    console.log()
    printFigures(figures)
    if (json) writeJson(json, figures)
    if (plot)
      writeFileSync(plot, plotOf(sizes, `CPU milliseconds for each Model of ${fixed.jobs} Jobs`))
  } finally {
    fixed.stop()
  }
} finally {
  await stop()
}
