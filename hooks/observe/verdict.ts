import type { Parent } from '../../crds/kind.ts'
import type { Condition, ConditionType, Reason } from '../../crds/status.ts'
import { cutAt, printable } from '../../crds/text.ts'

/** What is said of a stage or of the whole: a condition without its type. */
export interface Verdict {
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: Reason
  readonly message: string
}

/** Messages are cut where a column would otherwise hold a whole log. */
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
export const condition = (parent: Parent, type: ConditionType, verdict: Verdict): Condition => ({
  type,
  ...verdict,
  ...(parent.metadata.generation !== undefined && {
    observedGeneration: parent.metadata.generation,
  }),
})
