import { Command, Option } from 'commander'
import type { Platform } from '../../platform/platform.ts'
import { type Figure, printFigures, writeJson } from '../figures.ts'
import type { Cost } from '../simulated/cost.ts'
import { startSimulated } from '../simulated/startplane.ts'
import { measureBurden } from './burden.ts'
import { burdenFigures, unrestFigures, wakingFigures, writesOf } from './report.ts'
import { measureUnrest, type Unrest } from './unrest.ts'
import { measureWaking } from './waking.ts'

/**
 * Whether what changes around many objects costs only in proportion to their number: a Model that many
 * ModelServers wait for, objects of others, and the old Jobs of one Model.
 */

const parts = ['waking', 'unrest', 'old-jobs'] as const
type Part = (typeof parts)[number]

interface Options {
  readonly objects: number
  readonly foreign: number
  readonly oldJobs: number
  readonly only?: Part
  readonly workers: number
  readonly qps: number
  readonly json?: string
}

const options = new Command('bench:churn')
  .description('What changes around many objects cost, at a tenth of each number and at the whole.')
  .option('--objects <number>', 'ModelServers of one Model, and Models at rest', Number, 1000)
  .option('--foreign <number>', 'foreign Pods; a fifth as many orphans of each kind', Number, 500)
  .option('--old-jobs <number>', 'finished Jobs of one Model', Number, 2000)
  .addOption(new Option('--only <part>', 'a part of the measurements').choices(parts))
  .option('--workers <number>', 'Metacontroller’s workers', Number, 20)
  .option('--qps <number>', 'Metacontroller’s requests a second', Number, 200)
  .option('--json <file>', 'write [{name, value, unit, target, met}]')
  .parse()
  .opts<Options>()

const progress = (line: string) => console.error(line)

const tenthOf = (count: number): number => Math.max(1, Math.round(count / 10))

function show(what: string, cost: Cost): void {
  console.log([`writes in ${cost.seconds.toFixed(0)} s: ${what}`, ...writesOf(cost), ''].join('\n'))
}

async function waking(platform: Platform): Promise<readonly Figure[]> {
  const { objects } = options
  progress('warming up')
  await measureWaking(platform, 'waking-warm-up', 20)
  progress(`ModelServers of one Model: ${tenthOf(objects)} and ${objects}`)
  const tenth = await measureWaking(platform, 'waking-tenth', tenthOf(objects))
  const whole = await measureWaking(platform, 'waking-whole', objects)
  show(`${objects} ModelServers of a Model that becomes Ready`, whole.cost)
  return wakingFigures([tenth, whole])
}

async function unrest(platform: Platform): Promise<readonly Figure[]> {
  const { objects, foreign } = options
  progress(`objects of others around ${tenthOf(objects)} and ${objects} Models`)
  const models = [tenthOf(objects), objects]
  const [tenth, whole] = (await measureUnrest(platform, {
    namespace: 'unrest',
    models,
    pods: foreign,
  })) as [Unrest, Unrest]
  show(`objects of others around ${objects} Models`, whole.cost)
  return unrestFigures([tenth, whole])
}

async function oldJobs(platform: Platform): Promise<readonly Figure[]> {
  const { oldJobs } = options
  progress(`old Jobs of one Model: ${tenthOf(oldJobs)} and ${oldJobs}`)
  const tenth = await measureBurden(platform, 'old-jobs-tenth', tenthOf(oldJobs))
  const whole = await measureBurden(platform, 'old-jobs-whole', oldJobs)
  show(`${oldJobs} old Jobs of one Model`, whole.cost)
  return burdenFigures([tenth, whole])
}

const measures: Readonly<Record<Part, (platform: Platform) => Promise<readonly Figure[]>>> = {
  waking,
  unrest,
  'old-jobs': oldJobs,
}

const { workers, qps, only, json } = options
const config = { registry: { prefix: 'registry.example.com/substratus' } }
const { platform, stop } = await startSimulated({ config, workers, qps, progress })
try {
  const figures: Figure[] = []
  for (const part of only ? [only] : parts) figures.push(...(await measures[part](platform)))
  printFigures(figures)
  if (json) writeJson(json, figures)
} finally {
  await stop()
}
