import type { Reason } from '../../crds/reasons.ts'
import type { Memory } from '../observe/memory.ts'
import { isAsleep } from '../observe/verdict.ts'
import type { Decision } from './fate.ts'

/** Seconds until the next sync. Pods are not children, so their changes trigger none. */
const intervals: Partial<Record<Reason, number>> = {
  Finishing: 2,
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

/** The longer an object waits, the less often it is synced: after a minute, every 15 s. */
const longest = 15
const growth = 1 / 4

/** A server whose Pods are all there. Its Deployment is a child, so a change of its Pods triggers a sync. */
const settled = 600
const unsettled = 60

/**
 * Metacontroller ignores changes of our own status, which would double the syncs. An answer that records
 * something new asks for a sync, which sees the record in the request: only then is it sure to be stored,
 * and a Job may get its time to live.
 */
const untilStored = 2

/** If nothing else is waited for: when to check whether a new claim was created. */
const untilCreated = 5

/**
 * Seconds after which Metacontroller syncs again without an event; 0 means never. `isNews`: the answer
 * records what the request does not contain; `now`: the time of the request.
 */
export function resyncAfter(
  decision: Decision,
  memory: Memory,
  { isNews, now }: { readonly isNews: boolean; readonly now: string | undefined },
): number {
  const seconds = intervalOf(decision, memory, now)
  if (isNews) return Math.min(seconds || untilStored, untilStored)
  return seconds || (createsClaim(decision) ? untilCreated : 0)
}

/** If the name is taken, as by a claim of a deleted object for a while, Metacontroller ignores the new one. */
const createsClaim = ({ claims, devices }: Decision): boolean =>
  [...claims, ...devices].some((fate) => fate.is === 'wanted' && fate.isNew)

function intervalOf(
  { ready, blockedBy, stages }: Decision,
  memory: Memory,
  now: string | undefined,
): number {
  if (isAsleep(ready)) return 0
  if (ready.status === 'True') {
    if (!stages.some(({ does }) => does === 'serve')) return 0
    return ready.isUnsettled ? unsettled : settled
  }
  if (ready.reason === 'Failed') return blockedBy && hadFailed(memory) ? 0 : 10
  const shortest = intervals[ready.reason] ?? 0
  return shortest && Math.max(shortest, Math.min(longest, Math.floor(waited(memory, now) * growth)))
}

/** For how many seconds the object has not been ready; 0 if that is not known. */
function waited({ conditions }: Memory, now: string | undefined): number {
  const since = conditions.find(({ type }) => type === 'Ready')?.lastTransitionTime
  const seconds = (Date.parse(now ?? '') - Date.parse(since ?? '')) / 1000
  return seconds > 0 ? seconds : 0
}

/**
 * A failed server may recover. A Job stays failed, but its Pod, which has the exit code, may be
 * observed later than the Job, so there is one more sync.
 */
const hadFailed = ({ conditions }: Memory): boolean =>
  conditions.some(({ type, reason }) => type === 'Ready' && reason === 'Failed')
