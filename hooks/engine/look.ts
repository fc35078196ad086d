import type { StageRecord } from '../../crds/status.ts'
import type { Job, PodTemplate } from '../children/manifesttypes.ts'
import type { Records } from '../observe/memory.ts'
import type { Child } from '../observe/protocol.ts'
import { policyOf } from '../observe/spec.ts'
import type { Verdict } from '../observe/verdict.ts'
import { progressAddress } from '../progress/address.ts'
import { withReporting } from '../progress/variables.ts'
import { type Buckets, bucketsOf } from './buckets.ts'
import type { Course, Progress, WorkFate } from './fate.ts'
import type { Facts } from './read.ts'
import { retainedJob } from './retained.ts'
import type { WorkStage } from './stage.ts'

/** A stage that works, with all that its fate depends on. */
export interface Look {
  readonly facts: Facts
  readonly stage: WorkStage
  /** The records of the earlier stages, and of this one as the status has it. */
  readonly records: Records
  readonly rerun: string | undefined
  readonly blockedBy: WorkFate | undefined
  /** The Jobs that its records name. */
  readonly recorded: readonly Job[]
  readonly buckets: Buckets
}

/** Decides the fate of a stage, or returns undefined if it does not apply. */
export type Policy = (look: Look) => WorkFate | undefined

/** The buckets need the hashes of the spec, so they are not filled for a stage that is skipped. */
export function lookAt(
  facts: Facts,
  stage: WorkStage,
  { records, rerun, blockedBy }: Progress,
): Look {
  let buckets: Buckets | undefined
  return {
    facts,
    stage,
    records,
    rerun,
    blockedBy,
    recorded: recordedJobs(facts, stage),
    get buckets() {
      buckets ??= bucketsOf(facts, stage, rerun)
      return buckets
    },
  }
}

const recordedJobs = ({ memory, observed }: Facts, stage: WorkStage): readonly Job[] =>
  stage.keys.flatMap((key) => {
    const record = memory.records[key]
    const job = record && observed.child('Job', jobIn(record, stage) ?? '')
    return job ? [job] : []
  })

/** The Job of a stage that a record names. The record of a sealed result names two Jobs. */
export const jobIn = ({ job, seal }: StageRecord, { name }: WorkStage): string | undefined =>
  name === 'seal' ? seal : job

/** A recorded Job is retained while it exists, so that its logs stay readable. */
export const fated = (
  { facts, stage, recorded }: Look,
  course: Course & Pick<WorkFate, 'finishing' | 'disruptions' | 'progress'>,
  verdict: Verdict,
  jobs: readonly Child[] = [],
): WorkFate => ({
  does: 'work',
  stage,
  verdict,
  children: [...recorded.map((job) => retainedJob(job, facts)), ...jobs],
  ...course,
})

/**
 * The Job of this attempt, with the user's own policy where spec.runPolicy applies to the stage; suspended
 * if it `isHeld`.
 */
export const currentJob = (
  { facts, stage, buckets: { current } }: Look,
  isHeld = false,
): readonly Child[] =>
  current ? [retainedJob(current, facts, stage.isUsers && policyOf(facts.parent), isHeld)] : []

/** The Pod template of this attempt according to the current spec and configuration. */
export const wantedTemplate = ({
  facts,
  stage,
  records,
  rerun,
  buckets: { name },
}: Look): PodTemplate =>
  withReporting(
    stage.template(
      { attempt: stage.hashes(rerun).attempt, folder: stage.folder?.(rerun) ?? '' },
      records,
    ),
    stage,
    facts.reporting && progressAddress(facts.reporting, facts.parent, name),
  )
