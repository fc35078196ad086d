import type { Parent } from '../../crds/kind.ts'
import type { ConditionType } from '../../crds/reasons.ts'
import type { Condition } from '../../crds/status.ts'
import { lastKnown } from './silence.ts'
import { isStalled, type Verdict } from './verdict.ts'

/** What a condition takes from the request. */
interface Seen {
  readonly parent: Parent
  /** The conditions of the present status. */
  readonly before: readonly Condition[]
  /** Whether the watch of Pods is silent, and the present status may say more about them. */
  readonly isDeaf?: boolean
  /** The time of the request. */
  readonly now: string | undefined
}

/**
 * A verdict as a condition. Its time stays until its status changes, so that a sync in which nothing has
 * changed writes nothing. A condition from an earlier version, which has no time yet, gets one once.
 */
export function condition(
  { parent, before, isDeaf, now }: Seen,
  type: ConditionType,
  verdict: Verdict,
): Condition {
  const { status } = verdict
  const former = before.find((one) => one.type === type)
  const { reason, message } = isDeaf ? lastKnown(verdict, former) : verdict
  const since = (former?.status === status ? former.lastTransitionTime : undefined) ?? now
  const { generation } = parent.metadata
  return {
    type,
    status,
    reason,
    message,
    ...(since !== undefined && { lastTransitionTime: since }),
    ...(generation !== undefined && { observedGeneration: generation }),
  }
}

/** Ready, and beside it Stalled, which kstatus expects to be absent unless it is True. */
export const readyConditions = (seen: Seen, ready: Verdict): readonly Condition[] => [
  condition(seen, 'Ready', ready),
  ...(isStalled(ready) ? [condition(seen, 'Stalled', { ...ready, status: 'True' })] : []),
]
