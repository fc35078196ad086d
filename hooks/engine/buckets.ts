import type { Job } from '../children/manifesttypes.ts'
import { apart, jobName } from '../children/metadata.ts'
import { isComplete } from '../observe/jobstate.ts'
import { type Identity, identityOf, isMadeFor, isSealedApart } from '../observe/memory.ts'
import type { Hashes } from './hashes.ts'
import type { Facts } from './read.ts'
import type { WorkStage } from './stage.ts'

/** A complete Job, and what it was created for. */
export interface Success {
  readonly job: Job
  readonly identity: Identity
  /** Whether a Job of its own seals the result. */
  readonly isSealedApart: boolean
}

/** The observed Jobs of a stage, by their relation to the current spec. */
export interface Buckets {
  /** The name of the Job for this attempt, whether it is observed or yet to be created. */
  readonly name: string
  /** The observed one, whatever its state. */
  readonly current: Job | undefined
  /** A complete Job with these inputs: the current one, or one of another attempt. */
  readonly success: Success | undefined
  /** The Jobs that work on these inputs, or completed with them. */
  readonly useful: readonly Job[]
}

export function bucketsOf(
  { parent, observed }: Facts,
  stage: WorkStage,
  rerun: string | undefined,
): Buckets {
  const hashes = stage.hashes(rerun)
  const names = suffixesOf(stage, hashes).map((suffix) => jobName(parent, stage.name, suffix))
  const current = names.map((name) => observed.child('Job', name)).find((job) => job !== undefined)
  const jobs = observed.jobs(stage.name)
  const isSuccess = (job: Job) => isComplete(job) && isMadeFor(job, hashes.inputs, rerun)
  const other = jobs.find(isSuccess)
  return {
    name: current?.metadata.name ?? names[0] ?? '',
    current,
    success:
      current && isComplete(current)
        ? successOf(current, identityByName(hashes, rerun))
        : other && successOf(other, identityOf(other)),
    useful: jobs.filter((job) => names.includes(job.metadata.name) || isSuccess(job)),
  }
}

export const successOf = (job: Job, identity: Identity): Success => ({
  job,
  identity,
  isSealedApart: isSealedApart(job, identity),
})

/** The hash that ends the name of the Job of an attempt. */
export const suffixOf = (stage: WorkStage, { attempt }: Hashes): string =>
  stage.isSealedApart ? apart(attempt) : attempt

/** That hash, and the one of a Job that was created by an earlier release, or for another storage. */
const suffixesOf = (stage: WorkStage, hashes: Hashes): readonly string[] => {
  const { attempt } = hashes
  const both = stage.keys.length > 1 ? [attempt, apart(attempt)] : []
  return [...new Set([suffixOf(stage, hashes), ...both])]
}

/** The name of a Job proves what it was created for, whatever its annotations say. */
export const identityByName = (
  { inputs, attempt }: Hashes,
  rerun: string | undefined,
): Identity => ({
  inputs,
  attempt,
  ...(rerun && { rerun }),
})
