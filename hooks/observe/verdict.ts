import type { Parent } from '../../crds/kind.ts'
import type { Condition, ConditionType, Reason } from '../../crds/status.ts'
import { cutAt, printable } from '../../crds/text.ts'

/** What is reported about a stage or about the whole object: a condition without its type. */
export interface Verdict {
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: Reason
  readonly message: string
  /** The child that is reported as missing, as KIND/NAME, for status.awaited. */
  readonly awaits?: string
}

/** Longer messages are cut: kubectl prints them in a column, which is no place for a whole log. */
const longest = 1024

/** Messages quote text from Pods, and `kubectl get` prints it. */
const shown = (message: string): string => cutAt(printable(message), longest)

export const no = (reason: Reason, message: string): Verdict => ({
  status: 'False',
  reason,
  message: shown(message),
})

export const yes = (reason: Reason, message: string): Verdict => ({
  status: 'True',
  reason,
  message: shown(message),
})

/**
 * No transition time: it would need a clock, and Kubernetes' own `kubectl wait` reads status and
 * observedGeneration alone.
 */
export const condition = (
  parent: Parent,
  type: ConditionType,
  { status, reason, message }: Verdict,
): Condition => ({
  type,
  status,
  reason,
  message,
  ...(parent.metadata.generation !== undefined && {
    observedGeneration: parent.metadata.generation,
  }),
})
