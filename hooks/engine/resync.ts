import type { Reason } from '../../crds/reasons.ts'
import type { Memory } from '../observe/memory.ts'
import { isAsleep } from '../observe/verdict.ts'
import type { Decision } from './fate.ts'

/** Seconds until the next sync. Pods are not children, so their changes trigger none. */
const intervals: Partial<Record<Reason, number>> = {
  ChildMissing: 5,
  Pending: 5,
  Starting: 5,
  Queued: 10,
  Building: 10,
  Loading: 10,
  Running: 10,
  Sealing: 5,
  Packaging: 10,
  Unschedulable: 10,
  NodeNotReady: 10,
  VolumeUnavailable: 10,
  ImagePullFailed: 10,
  ContainerConfigError: 10,
  CrashLooping: 10,
  OOMKilled: 10,
  PodRefused: 10,
  PodsUnknown: 10,
  Suspending: 5,
}

/** The longer an object waits, the less often it is synced: after half a minute, every 15 s. */
const longest = 15
const growth = 1 / 2

/** The object's own claim is a child: once it is bound, Metacontroller syncs by itself. */
const longestUnbound = 60

/**
 * What does not wait longer the longer it lasts. A change of a related object triggers a sync, unless
 * Metacontroller could not ask just then to whom it is related.
 */
const fixed: Partial<Record<Reason, number>> = {
  Finishing: 2,
  Waiting: 300,
  ReferenceMissing: 300,
}

/** A server whose Pods are all there. Its Deployment is a child, so a change of its Pods triggers a sync. */
const settled = 600
const unsettled = 60

/**
 * Metacontroller ignores changes of our own status, which would double the syncs. An answer that records
 * something new asks for a sync, which sees the record in the request: only then is it sure to be stored,
 * and a Job may get its time to live.
 */
const untilStored = 2

/** When to check whether a new claim was created. */
const untilCreated = 5

interface Circumstances {
  /** Whether the answer records what the request does not contain. */
  readonly isNews: boolean
  /** Whether the scheduler waits for a claim of this object. */
  readonly isUnbound: boolean
  /** The time of the request. */
  readonly now: string | undefined
}

/** Seconds after which Metacontroller syncs again without an event; 0 means never. */
export function resyncAfter(
  decision: Decision,
  memory: Memory,
  { isNews, isUnbound, now }: Circumstances,
): number {
  const seconds = intervalOf(decision, memory, isUnbound ? longestUnbound : longest, now)
  const soon = isNews ? untilStored : createsClaim(decision) ? untilCreated : 0
  return seconds && soon ? Math.min(seconds, soon) : seconds || soon
}

/** If the name is taken, as by a claim of a deleted object for a while, Metacontroller ignores the new one. */
const createsClaim = ({ claims, devices }: Decision): boolean =>
  [...claims, ...devices].some((fate) => fate.is === 'wanted' && fate.isNew)

function intervalOf(
  { ready, blockedBy, stages }: Decision,
  memory: Memory,
  longest: number,
  now: string | undefined,
): number {
  const { reason } = ready
  if (isAsleep(ready)) return 0
  if (ready.status === 'True') {
    if (!stages.some(({ does }) => does === 'serve')) return 0
    return ready.isUnsettled || reason === 'UpdatePending' ? unsettled : settled
  }
  // A failed server may recover. A Job stays failed, but its Pod, which has the exit code, may be observed
  // later than the Job, so there is one more sync.
  if (blockedBy && ready.isFinal) return readyIn(memory)?.reason === reason ? 0 : 10
  const shortest = reason === 'Failed' ? 10 : intervals[reason]
  if (shortest === undefined) return fixed[reason] ?? 0
  const waited = Math.floor(waitedFor(reason, memory, now) * growth)
  return Math.max(shortest, Math.min(longest, waited))
}

const readyIn = ({ conditions }: Memory) => conditions.find(({ type }) => type === 'Ready')

/** For how many seconds the object has not been ready; 0 if the reason is new, or the time is not known. */
function waitedFor(reason: Reason, memory: Memory, now: string | undefined): number {
  const former = readyIn(memory)
  if (former?.reason !== reason) return 0
  const seconds = (Date.parse(now ?? '') - Date.parse(former.lastTransitionTime ?? '')) / 1000
  return seconds > 0 ? seconds : 0
}
