import type { RunPolicy } from '../../crds/common.ts'
import type { Parent } from '../../crds/kind.ts'
import type { Job, Workload } from '../children/manifesttypes.ts'
import { queueOf } from '../children/metadata.ts'
import { asApplied } from '../observe/applied.ts'
import { isComplete, isFailed } from '../observe/jobstate.ts'
import type { Memory } from '../observe/memory.ts'
import type { Observed } from '../observe/observed.ts'
import type { Child } from '../observe/protocol.ts'
import { isSuspended, mostDisruptions, policyOf } from '../observe/spec.ts'
import type { Beside, ServeStage } from './stage.ts'

/** Children that stay as they were last applied, except for the few fields that follow the spec at once. */

interface Owner {
  readonly parent: Parent
  readonly memory: Memory
}

/**
 * An existing Job with its mutable fields brought up to date. `policy` is the user's runPolicy, if this
 * is the Job that the spec requests.
 */
export function retainedJob(
  job: Job,
  { parent, memory }: Owner,
  policy?: RunPolicy,
  isHeld = false,
): Child {
  const isRecorded = Object.values(memory.records).some(({ job: made, seal }) =>
    [made, seal].includes(job.metadata.name),
  )
  const isFinished = isComplete(job) || isFailed(job)
  const isStopped = isHeld || isSuspended(parent) || isDisrupted(job, { parent, memory })
  // Kueue would start it again, so it is deleted as soon as it can be: see withdrawn.ts.
  const isLeftAlone = isStopped && queueOf(job) !== undefined
  const ttl = policyOf(parent).ttlSecondsAfterFinished
  return asApplied(job, {
    ...(!isFinished && !isLeftAlone && { suspend: isStopped || undefined }),
    ...(!isFinished && policy && { activeDeadlineSeconds: policy.activeDeadlineSeconds }),
    ...(!isFinished && policy?.backoffLimit !== undefined && { backoffLimit: policy.backoffLimit }),
    ttlSecondsAfterFinished: isRecorded && Number.isInteger(ttl) ? ttl : undefined,
  })
}

/** A Job that was stopped for its disruptions stays so, whatever else is wrong with its object. */
const isDisrupted = (job: Job, { parent, memory: { disruptions } }: Owner): boolean =>
  disruptions?.job === job.metadata.name &&
  (disruptions.count ?? 0) > mostDisruptions(parent) &&
  queueOf(job) === undefined

export const isWorkload = (child: Child): child is Workload =>
  child.kind === 'Deployment' || child.kind === 'StatefulSet'

/** A workload with the annotations of its stage beside its own. */
export function annotated(
  workload: Workload,
  { annotations }: Pick<ServeStage, 'annotations'>,
): Workload {
  if (!annotations) return workload
  const { metadata } = workload
  return {
    ...workload,
    metadata: { ...metadata, annotations: { ...metadata.annotations, ...annotations } },
  }
}

/**
 * The running workload, whose replicas and annotations alone may change, so that requests keep
 * succeeding. Its Service and NetworkPolicy are rendered again, even if somebody deleted them: a
 * notebook without its NetworkPolicy would be open to the whole cluster.
 */
export function retainedServing(
  parent: Parent,
  { serving, child }: Observed,
  beside: Beside,
  stage: Pick<ServeStage, 'replicas' | 'annotations'> = { replicas: undefined },
): readonly Child[] {
  const replicas = isSuspended(parent) ? 0 : stage.replicas
  const fields = replicas === undefined ? {} : { replicas }
  const workloads = serving
    .filter(isWorkload)
    .map((workload) => annotated(asApplied(workload, fields) as Workload, stage))
  const rendered = beside(workloads[0]).filter(
    ({ kind, metadata }) => workloads.length > 0 || child(kind, metadata.name),
  )
  const isRendered = ({ kind, metadata }: Child) =>
    rendered.some((one) => one.kind === kind && one.metadata.name === metadata.name)
  const others = serving.filter((one) => !isWorkload(one) && !isRendered(one))
  return [...workloads, ...rendered, ...others.map((one) => asApplied(one))]
}
