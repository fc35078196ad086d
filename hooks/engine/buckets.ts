import type { Job } from '../children/manifesttypes.ts'
import { jobName } from '../children/metadata.ts'
import { isComplete } from '../observe/jobstate.ts'
import { answers, type Identity, identityOf } from '../observe/memory.ts'
import type { Hashes } from './hashes.ts'
import type { Facts } from './read.ts'
import type { WorkStage } from './stage.ts'

/** A complete Job, and what it was created for. */
export interface Success {
  readonly job: Job
  readonly identity: Identity
}

/** The observed Jobs of a stage, by their relation to the current spec. */
export interface Buckets {
  /** The name of the Job for this attempt. */
  readonly name: string
  /** That Job, whatever its state. */
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
  const name = jobName(parent, stage.name, hashes.attempt)
  const current = observed.child('Job', name)
  const jobs = observed.jobs(stage.name)
  const isSuccess = (job: Job) => isComplete(job) && answers(identityOf(job), hashes.inputs, rerun)
  const other = jobs.find(isSuccess)
  return {
    name,
    current,
    success:
      current && isComplete(current)
        ? { job: current, identity: identityByName(hashes, rerun) }
        : other && { job: other, identity: identityOf(other) },
    useful: jobs.filter((job) => job.metadata.name === name || isSuccess(job)),
  }
}

/** The name of a Job proves what it was created for, whatever its annotations say. */
const identityByName = ({ inputs, attempt }: Hashes, rerun: string | undefined): Identity => ({
  inputs,
  attempt,
  ...(rerun && { rerun }),
})
