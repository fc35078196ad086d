import type { ConditionType, Reason } from '../../crds/reasons.ts'
import type { StageRecord } from '../../crds/status.ts'
import type { JobPolicy } from '../children/job.ts'
import type { PodTemplate, Workload } from '../children/manifesttypes.ts'
import type { Report } from '../observe/jobreport.ts'
import type { Records } from '../observe/memory.ts'
import type { Child } from '../observe/protocol.ts'
import type { Reference } from '../observe/references.ts'
import type { Verdict } from '../observe/verdict.ts'
import type { Hashes } from './hashes.ts'

/**
 * An object is an ordered list of stages. The first that is not done determines Ready. A stage either
 * works (a Job, done once and recorded in the status) or serves (a Deployment or StatefulSet that stays).
 */
export type Stage = WorkStage | ServeStage

/** A key of status.stages. */
export type RecordKey = 'build' | 'load' | 'run' | 'package' | 'written'

export interface WorkStage {
  readonly does: 'work'
  readonly name: 'build' | 'load' | 'run' | 'seal' | 'package'
  /**
   * The keys of status.stages under which its result is recorded. A run has two: `written`, until its
   * result is sealed, and its name.
   */
  readonly keys: readonly [...before: 'written'[], last: RecordKey]
  /** Whether a Job of its own, of the next stage, seals the result. */
  readonly isSealedApart?: boolean
  readonly condition: ConditionType
  /** The reason while its Pod runs. */
  readonly active: Reason
  /** Whether that is its reason while its Job is created, too, because all of it usually takes seconds. */
  readonly isBrief?: true
  /** The most likely reason if the Job gets no Pod. */
  readonly suspicion?: string
  /** Why there is nothing to do, if so; `records` has the earlier stages. */
  readonly skip: (records: Records) => Verdict | undefined
  readonly needs: readonly Reference[]
  readonly hashes: (rerun: string | undefined) => Hashes
  readonly policy: JobPolicy
  /** What helps after a failure with this message, if that is more than to delete the Job. */
  readonly remedy?: (failure: string) => string | undefined
  /** Whether its Job needs no GPU, so that it should not wait behind those that do. */
  readonly isTool?: true
  /** Whether spec.runPolicy applies to this stage; the administrator configures the others. */
  readonly isUsers?: true
  /** The Pod of an attempt; `records` has the earlier stages. */
  readonly template: (names: Names, records: Records) => PodTemplate
  /** Whether the result is an image, which is identified only by the digest that the Job reports. */
  readonly needsDigest?: true
  /** The name of the result's folder, if the result is in storage, for instance in a claim. */
  readonly folder?: (rerun: string | undefined) => string
  /** Why a recorded result cannot be used; undefined if it can. */
  readonly lost?: (record: StageRecord) => Verdict | undefined
  /** What to record about a success in addition to what identifies its Job, which is in `job`. */
  readonly result: (report: Report, job: StageRecord, records: Records) => Partial<StageRecord>
}

/** What an attempt's results are named after. */
interface Names {
  readonly attempt: string
  /** For a stage whose result is in storage. */
  readonly folder: string
}

export interface ServeStage {
  readonly does: 'serve'
  readonly condition: 'Serving'
  readonly needs: readonly Reference[]
  /** Why it cannot serve as requested, if so. */
  readonly refuse: Verdict | undefined
  /** What must follow before anything newer than the running workload is served, if so. */
  readonly outdated?: string | undefined
  /** Why nothing should run, if so. The stage then needs no references either. */
  readonly asleep: Verdict | undefined
  /** The observed Deployment or StatefulSet, whether it is as requested or not. */
  readonly workload: Workload | undefined
  /** The replicas of an existing workload while a stage is blocked; undefined: as before. */
  readonly replicas: number | undefined
  /** Annotations that the workload gets, whether it is retained or rendered. */
  readonly annotations?: Readonly<Record<string, string>> | undefined
  /** What the template of a Deployment is made for; undefined for a StatefulSet, which waits for its Pod to be deleted. */
  readonly inputs?: (records: Records) => string
  /** The Deployment or StatefulSet as requested. */
  readonly wanted: (records: Records) => Workload
  readonly beside: Beside
  /** What to report of the observed workload; `emitted` is the one of this answer. */
  readonly verdict: (workload: Workload, emitted: Workload | undefined) => Verdict
}

/**
 * The Service and the NetworkPolicy of a workload. Nothing blocks them, and each answer renders them
 * again, so their annotations are never read.
 */
export type Beside = (workload: Workload | undefined) => readonly Child[]
