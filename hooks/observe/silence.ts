import type { Reason } from '../../crds/reasons.ts'
import type { Condition } from '../../crds/status.ts'
import { no, type Verdict } from './verdict.ts'

/**
 * What is reported of Pods while the server hears nothing of them: what was last known, or that nothing is.
 * Whatever it remembers of them may be over.
 */

/** The verdict on a workload that is not done, if only its Pods could tell why. */
export const unheard = (since: string): Verdict =>
  no('PodsUnknown', `nothing was heard of Pods since ${since}: kubectl get pods shows them`)

/** The reasons that describe Pods. */
const aboutPods: ReadonlySet<Reason> = new Set([
  'Pending',
  'Building',
  'Loading',
  'Running',
  'Sealing',
  'Packaging',
  'Starting',
  'Unschedulable',
  'NodeNotReady',
  'VolumeUnavailable',
  'ImagePullFailed',
  'ContainerConfigError',
  'CrashLooping',
  'OOMKilled',
  'PodRefused',
  'PodsUnknown',
])

/**
 * The former condition in place of a verdict that knows less, so that a server that hears nothing does not
 * contradict another one that does: each change would be written, and start the next sync.
 */
export function lastKnown(
  verdict: Verdict,
  former: Condition | undefined,
): Pick<Condition, 'reason' | 'message'> {
  if (former?.status !== verdict.status) return verdict
  const isKnown = verdict.reason !== 'PodsUnknown'
  const saysMore = isKnown
    ? former.reason === verdict.reason && former.message.startsWith(`${verdict.message}; `)
    : aboutPods.has(former.reason as Reason)
  return saysMore ? former : verdict
}
