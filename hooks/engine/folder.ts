import { labels } from '../../crds/kind.ts'
import type { Job, PodSpec } from '../children/manifesttypes.ts'
import { queueOf } from '../children/metadata.ts'
import { asApplied } from '../observe/applied.ts'
import { conditionOf, podsOf } from '../observe/diagnosis.ts'
import { isComplete, isFailed, isStopped } from '../observe/jobstate.ts'
import type { Identity } from '../observe/memory.ts'
import { containersIn, hasEnded, type Observed } from '../observe/observed.ts'
import type { Child } from '../observe/protocol.ts'
import { no } from '../observe/verdict.ts'
import { artifacts } from '../storage/driver.ts'
import type { WorkFate } from './fate.ts'
import { fated, type Look } from './look.ts'
import type { WorkStage } from './stage.ts'

/**
 * All attempts with the same inputs write to one folder, so that an attempt with more memory continues
 * from the checkpoints of the one that was killed. A Job is therefore created only when nothing else
 * writes there any more: Metacontroller would create it next to a Pod that is still terminating.
 *
 *     old Job runs ──suspended──▶ its Pods end ──▶ it is deleted, and the next Job is created
 */
export function cleared(look: Look): WorkFate | undefined {
  const { facts, stage, rerun } = look
  const folder = stage.folder?.(rerun)
  if (!folder) return undefined
  const writes = (pod: PodSpec | undefined) => folderIn(stage, pod) === folder
  const jobs = facts.observed
    .jobs(stage.name)
    .filter((job) => writes(job.spec?.template?.spec) && !isOver(job))
  const pods = facts.observed
    .pods(stage.name)
    .filter((pod) => !hasEnded(pod) && writes(pod.spec as PodSpec | undefined))
  const [writer] = [...pods.map(named('Pod')), ...jobs.map(named('Job'))]
  if (!writer) return undefined
  return fated(
    look,
    { is: 'clearing' },
    no(
      'Pending',
      `waiting for ${writer} of an earlier attempt to end: it writes to the same folder`,
    ),
    jobs.flatMap((job) => stopped(look, job)),
  )
}

/**
 * The old Job is suspended, so that the Job controller reports when its Pods are gone. Kueue resumes a Job
 * that it has admitted, so a Job in a queue is deleted instead, once all its Pods are observed.
 */
function stopped({ facts }: Look, job: Job): readonly Child[] {
  const { observed } = facts
  if (queueOf(job) === undefined || !observed.knowsPods) return [asApplied(job, { suspend: true })]
  return isDispensable(job, observed) ? [] : [asApplied(job)]
}

/**
 * Whether nothing is lost if a Job is deleted: its running Pods are all observed, so that the next Job
 * waits for them, and none has succeeded, which the Job controller would be about to report.
 */
export function isDispensable(job: Job, observed: Observed): boolean {
  const { active = 0, succeeded = 0, uncountedTerminatedPods } = job.status ?? {}
  const pods = podsOf(job, observed.pods(job.metadata.labels?.[labels.stage] ?? ''))
  const hasSucceeded =
    succeeded > 0 ||
    Boolean(uncountedTerminatedPods?.succeeded?.length) ||
    conditionOf(job, 'SuccessCriteriaMet') !== undefined ||
    pods.some(({ status }) => status?.phase === 'Succeeded')
  const running = pods.filter((pod) => !hasEnded(pod))
  return observed.knowsPods && running.length >= active && !hasSucceeded
}

const named =
  (kind: string) =>
  ({ metadata }: { readonly metadata: { readonly name: string } }): string =>
    `${kind} "${metadata.name}"`

/**
 * Whether a Job has no Pod, as far as the Job controller reports: it has ended, is suspended, or was
 * never started.
 */
function isOver(job: Job): boolean {
  const { active = 0, terminating = 0, startTime } = job.status ?? {}
  const isDone = isComplete(job) || isFailed(job) || isStopped(job)
  return terminating === 0 && (isDone || (active === 0 && startTime === undefined))
}

/** The name of the folder that the Pods of a stage write to. */
function folderIn({ name }: Pick<WorkStage, 'name'>, pod: PodSpec | undefined): string | undefined {
  const mounts = containersIn({ spec: pod }).find(
    (container) => container.name === name,
  )?.volumeMounts
  const path = mounts?.find(({ mountPath }) => mountPath === artifacts)?.subPath
  return path?.split('/').at(-1)
}

/** Whether a Job writes to the folder of the current attempts, where its successor finds the checkpoints. */
export const sharesFolder = (stage: WorkStage, job: Job, rerun: string | undefined): boolean => {
  const folder = stage.folder?.(rerun)
  return !folder || folderIn(stage, job.spec?.template?.spec) === folder
}

/**
 * The folder of a complete Job's result. A Job's template is immutable, so it shows the folder even if
 * somebody has changed the annotations. 0.1.0 named the folder after the attempt.
 */
export function folderWritten(
  stage: WorkStage,
  job: Job,
  { attempt = '', rerun }: Identity,
): string {
  const folder = stage.folder?.(rerun)
  return folder && sharesFolder(stage, job, rerun) ? folder : attempt
}
