import type { Reason } from '../../crds/reasons.ts'
import type { Condition } from '../../crds/status.ts'
import { no, type Verdict } from './verdict.ts'

/**
 * What is reported about Pods while the server's watch of them is silent: what was last known, or that
 * nothing is known. What the server has cached may be out of date.
 */

/** The verdict on a workload that is not done, if only its Pods could tell why. */
export const unheard = (since: string): Verdict =>
  no('PodsUnknown', `the state of Pods has been unknown since ${since}: kubectl get pods shows it`)

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
 * The former condition in place of a verdict that knows less, so that a server whose watch is silent does
 * not contradict one whose watch works: each change would be written, and start the next sync.
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
