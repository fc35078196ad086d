import type { Parent } from '../../crds/kind.ts'
import type { Job } from '../children/manifesttypes.ts'
import { queueOf } from '../children/metadata.ts'
import { isComplete, isFailed } from '../observe/jobstate.ts'
import { hasEnded, type Observed } from '../observe/observed.ts'
import { isSuspended } from '../observe/spec.ts'
import { no } from '../observe/verdict.ts'
import type { WorkFate } from './fate.ts'
import { isDispensable } from './folder.ts'
import { currentJob, fated, type Look } from './look.ts'

/**
 * Kueue restarts an admitted Job that anyone else suspends, and a waiting one would keep its place in the
 * queue. So if an object is suspended, its Job in a queue is deleted, which releases its quota. Resuming
 * creates it again, in the same folder, so it continues from its checkpoints.
 *
 *     Job runs ──its Pods are observed──▶ it is deleted ──▶ its Pods end ──▶ Suspended
 */
export function withdrawn(look: Look): WorkFate | undefined {
  const { facts, stage, buckets } = look
  const { current, name } = buckets
  if (!isSuspended(facts.parent)) return undefined
  if (current && isWithdrawn(current, facts.parent)) {
    const verdict = no('Suspending', `removing Job "${name}", which Kueue would start again`)
    const jobs = isDispensable(current, facts.observed) ? [] : currentJob(look)
    return fated(look, { is: 'suspended' }, verdict, jobs)
  }
  const pod = current ? undefined : facts.observed.pods(stage.name).find((one) => !hasEnded(one))
  if (!pod) return undefined
  const verdict = no('Suspending', `waiting for Pod "${pod.metadata.name}" to end`)
  return fated(look, { is: 'suspended' }, verdict)
}

/** Whether a Job must be deleted for its object to be suspended, and can be now. */
export const isReleased = (job: Job, parent: Parent, observed: Observed): boolean =>
  isWithdrawn(job, parent) && isDispensable(job, observed)

const isWithdrawn = (job: Job, parent: Parent): boolean =>
  queueOf(job) !== undefined && isSuspended(parent) && !isComplete(job) && !isFailed(job)
