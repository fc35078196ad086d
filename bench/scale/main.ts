import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { type Platform, startPlatform } from '../../platform/platform.ts'
import { aConfig } from '../../test/objects.ts'
import { bundleInto, imageFlags } from '../built.ts'
import { writeJson } from '../figures.ts'
import { type FixedHook, startFixed } from './fixedhook.ts'
import { figuresOf, header, type Pair, restFigures, rowOf, writesTable } from './report.ts'
import { measureRest, measureRound, type Rest, type Round, removeRound } from './round.ts'
import type { Side, Stages } from './workload.ts'

/**
 * How long Models take from their creation until they are Ready, and what that costs: our hooks, and in turn
 * with them a hook that answers with the same children without thinking. Both run in one control plane with
 * simulated nodes, so that the noise of the machine affects both.
 */

interface Options {
  readonly models: number
  readonly stages: Stages
  readonly pairs: number
  readonly workers: number
  readonly qps: number
  readonly rest: number
  readonly json?: string
}

const options = new Command('bench:scale')
  .description('Models until they are Ready, beside a hook that answers without thinking.')
  .option('--models <number>', 'how many Models a measurement creates', Number, 300)
  .addOption(
    new Option('--stages <number>', 'the stages of a Model: a run, or build, run and package')
      .argParser((text) => (Number(text) === 3 ? 3 : 1))
      .default(1),
  )
  .option('--pairs <number>', 'how often both hooks are measured', Number, 5)
  .option('--workers <number>', 'Metacontroller’s workers', Number, 20)
  .option('--qps <number>', 'Metacontroller’s requests a second', Number, 200)
  .option('--rest <seconds>', 'how long to watch the Models once they are Ready', Number, 0)
  .option('--json <file>', 'write [{name, value, unit, target, met}]')
  .parse()
  .opts<Options>()

const progress = (line: string) => console.error(line)

/** Enough for every Pod that runs at a time. */
const nodes = 10

interface Measured {
  readonly pairs: readonly Pair[]
  readonly rest?: Rest
}

async function measurePairs(platform: Platform, fixed: FixedHook): Promise<Measured> {
  const { models, stages, pairs } = options
  let rest: Rest | undefined
  const measure = async (
    namespace: string,
    side: Side,
    count: number,
    restSeconds = 0,
  ): Promise<Round> => {
    const wanted = { namespace, side, models: count, stages, jobs: fixed.jobs }
    const round = await measureRound({ platform, fixed }, wanted)
    if (restSeconds) rest = await measureRest({ platform, fixed }, restSeconds)
    await removeRound(platform, namespace)
    return round
  }
  progress('warming up')
  for (const side of ['fixed', 'ours'] as const) await measure(`warm-up-${side}`, side, 20)
  console.log(header())
  const measured: Pair[] = []
  for (let number = 1; number <= pairs; number++) {
    const fixedRound = await measure(`fixed-${number}`, 'fixed', models)
    console.log(rowOf(fixedRound))
    const restSeconds = number === pairs ? options.rest : 0
    const ours = await measure(`ours-${number}`, 'ours', models, restSeconds)
    console.log(rowOf(ours))
    measured.push({ ours, fixed: fixedRound })
  }
  return { pairs: measured, ...(rest && { rest }) }
}

const config = { registry: { prefix: 'registry.example.com/substratus' } }
const { workers, qps, stages, json } = options
const compiled = mkdtempSync(join(tmpdir(), 'substratus-built-'))
const platform = await startPlatform({
  dir: mkdtempSync(join(tmpdir(), 'substratus-bench-')),
  nodes,
  progress,
  config,
  rate: 1000,
  server: [...imageFlags(), await bundleInto(compiled)],
  controllerFlags: [
    `--workers=${workers}`,
    `--client-go-qps=${qps}`,
    `--client-go-burst=${2 * qps}`,
  ],
})
try {
  const fixed = await startFixed(platform, stages, aConfig(config))
  try {
    const { pairs, rest } = await measurePairs(platform, fixed)
    const figures = [...figuresOf(pairs, fixed.jobs), ...(rest ? restFigures(rest) : [])]
    const last = pairs.at(-1)
    for (const round of last ? [last.fixed, last.ours] : [])
      console.log(['', `writes for each Model: ${round.side}`, ...writesTable(round)].join('\n'))
    console.log()
    for (const { name, value, unit, target, met } of figures)
      console.log(
        `${name.padEnd(72)}${`${value} ${unit}`.padStart(16)}${target === null ? '' : `  at most ${target}: ${met ? 'met' : 'missed'}`}`,
      )
    if (json) writeJson(json, figures)
  } finally {
    fixed.stop()
  }
} finally {
  await platform.stop()
  rmSync(compiled, { recursive: true })
}
