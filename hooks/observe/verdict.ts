import { health } from '../../crds/health.ts'
import type { Reason } from '../../crds/reasons.ts'
import { cutAt, printable } from '../../crds/text.ts'

/** What is reported about a stage or about the whole object: a condition without its type. */
export interface Verdict {
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: Reason
  readonly message: string
  /** The child that is reported as missing, as KIND/NAME, for status.awaited. */
  readonly awaits?: string
  /** Whether the scheduler waits for claims to be bound. */
  readonly awaitsClaims?: true
  /** Whether Pods are still missing, although others answer requests. */
  readonly isUnsettled?: true
  /** Whether nothing is retried until somebody acts, although the reason alone does not imply that. */
  readonly isFinal?: true
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

/** The same verdict, with more to say. */
export const withNote = (verdict: Verdict, note: string | undefined): Verdict =>
  note === undefined ? verdict : { ...verdict, message: shown(`${verdict.message}; ${note}`) }

/** Marks what stays so until somebody acts, such as a Job that has failed. */
export const final = (verdict: Verdict): Verdict => ({ ...verdict, isFinal: true })

/** Whether nothing changes until somebody acts. */
export const isStalled = ({ status, reason, isFinal }: Verdict): boolean =>
  status !== 'True' && (isFinal === true || health[reason] === 'Failed')

/** Whether nothing runs, as the spec asks. */
export const isAsleep = ({ reason }: Verdict): boolean =>
  reason === 'Suspended' || reason === 'Idle'
