import type { ProgressStatus } from '../../crds/progress.ts'
import type { Disruptions, StageRecord } from '../../crds/status.ts'
import type { Records } from '../observe/memory.ts'
import type { Child } from '../observe/protocol.ts'
import type { Verdict } from '../observe/verdict.ts'
import type { RecordKey, ServeStage, WorkStage } from './stage.ts'

/**
 * What becomes of each stage, claim and device template in an answer. A fate carries its manifests:
 * what an answer does not list, Metacontroller deletes.
 */
export interface Fates {
  readonly claims: readonly ClaimFate[]
  readonly devices: readonly ClaimFate[]
  readonly stages: readonly StageFate[]
}

/** All that is decided about a valid object. */
export interface Decision extends Fates {
  readonly records: Records
  readonly blockedBy: WorkFate | undefined
  readonly ready: Verdict
}

export type StageFate = WorkFate | ServeFate

/** What every fate of a stage has: children, and the verdict for the condition of the stage. */
interface Common<S> {
  readonly stage: S
  readonly verdict: Verdict
  readonly children: readonly Child[]
}

export type WorkFate = Common<WorkStage> & {
  readonly does: 'work'
  /** The complete Job whose report was looked for. */
  readonly finishing?: string
  /** What is known of the Pods of its Job. */
  readonly disruptions?: Disruptions
  /** How far its Job has come. */
  readonly progress?: ProgressStatus
} & Course

export type Course =
  /** There is nothing to do. */
  | { readonly is: 'skipped' }
  /**
   * A result is recorded, or was just reported, under a key of status.stages; `stale` names the references
   * that have a newer one.
   */
  | {
      readonly is: 'done'
      readonly record: StageRecord
      readonly key: RecordKey
      readonly stale: readonly string[]
    }
  /** A result is recorded, but its storage is not in the configuration. */
  | { readonly is: 'lost' }
  /** The Job is complete, and its report is looked for once more. */
  | { readonly is: 'finishing' }
  /** The Job waits for its Pod, or its Pod works. */
  | { readonly is: 'working' }
  /** spec.suspend: the Job is suspended, or is not created. */
  | { readonly is: 'suspended' }
  /** The Job failed, or completed without the report that its stage needs. */
  | { readonly is: 'failed' }
  /** The Job is deleted, to be re-created. */
  | { readonly is: 'replaced' }
  /** A referenced object is not ready. */
  | { readonly is: 'waiting' }
  /** An earlier attempt, which writes to the same folder, is stopped first. */
  | { readonly is: 'clearing' }
  /** The Job is created. */
  | { readonly is: 'create' }
  /** An earlier stage is not done; a running Job for the present inputs continues. */
  | { readonly is: 'behind' }

/** `ready` is the verdict for Ready, if every earlier stage is done. */
export type ServeFate = Common<ServeStage> & { readonly does: 'serve'; readonly ready: Verdict } & (
    | { readonly is: 'wanted' }
    /** A stage, a reference or the spec blocks it: the running workload is left alone. */
    | { readonly is: 'retained' }
  )

/** A PersistentVolumeClaim, or a ResourceClaimTemplate. */
export type ClaimFate =
  /** `isNew`: it does not exist yet. */
  | { readonly is: 'wanted'; readonly child: Child; readonly isNew?: true }
  /** It is no longer requested but remains, because it contains data or a Pod names it. */
  | { readonly is: 'retained'; readonly child: Child }
  /** It was requested by an earlier answer and does not exist. */
  | { readonly is: 'missing'; readonly child: Child; readonly verdict: Verdict }
  /** It contained a recorded result. It is not created again: an empty claim would pass for the result. */
  | { readonly is: 'gone'; readonly verdict: Verdict }

/** The state of the fold over the stages. */
export interface Progress {
  readonly rerun: string | undefined
  /** The records of the status, and of the stages that this answer finds done. */
  readonly records: Records
  readonly fates: readonly StageFate[]
  /** The first stage that is not done; it speaks for Ready. */
  readonly blockedBy: WorkFate | undefined
}

/** The children of an answer. Several stages may list the same Job; the first decides its fields. */
export function childrenOf({ claims, devices, stages }: Fates): readonly Child[] {
  const names = new Set<string>()
  const isNew = ({ kind, metadata }: Child) =>
    kind !== 'Job' || (!names.has(metadata.name) && Boolean(names.add(metadata.name)))
  return [
    ...[...claims, ...devices].flatMap((fate) => (fate.is === 'gone' ? [] : [fate.child])),
    ...stages.flatMap(({ children }) => children).filter(isNew),
  ]
}
