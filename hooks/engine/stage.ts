import type { RunPolicy } from '../../crds/common.ts'
import type { ConditionType, Reason, StageRecord } from '../../crds/status.ts'
import type { Report } from '../observe/diagnosis.ts'
import type { Records } from '../observe/memory.ts'
import type { Reference } from '../observe/references.ts'
import type { Verdict } from '../observe/verdict.ts'
import type { Hashes } from './identity.ts'
import type { Serves } from './servers.ts'

/**
 * A parent is a list of stages, walked in order: the first that is not done speaks for Ready.
 * A stage works (a Job, done once and remembered in status) or serves (children that stay).
 */
export type Stage = Works | Serves

export interface Works {
  readonly does: 'work'
  readonly name: 'build' | 'load' | 'run' | 'package'
  readonly condition: ConditionType
  /** The reason while its Pod runs. */
  readonly active: Reason
  /** What most likely keeps the Job from getting a Pod. */
  readonly suspicion?: string
  /** Why there is nothing to do, if so; `records` holds the stages before. */
  readonly skip: (records: Records) => Verdict | undefined
  readonly needs: readonly Reference[]
  readonly hashes: (rerun: string | undefined) => Hashes
  readonly policy: Pick<RunPolicy, 'activeDeadlineSeconds'> & { readonly backoffLimit: number }
  /** Whether spec.runPolicy speaks of this stage; of the others the administrator does. */
  readonly isUsers?: true
  /** The Pod of an attempt; `records` holds the stages before. */
  readonly template: (
    hashes: Hashes,
    records: Records,
  ) => { readonly metadata: Record<string, unknown>; readonly spec: Record<string, unknown> }
  /** Whether the result is an image, which is identified only by the digest that the Job reports. */
  readonly needsDigest?: true
  /** Why a recorded result cannot be used; undefined if it can. */
  readonly lost?: (record: StageRecord) => Verdict | undefined
  /** What to remember of a success beside the hashes. */
  readonly result: (report: Report, attempt: string, records: Records) => Partial<StageRecord>
}
