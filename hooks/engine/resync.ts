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
}

/** Seconds after which Metacontroller syncs again without an event; 0 means never. */
export function resyncAfter({ ready, blockedBy, stages }: Decision, memory: Memory): number {
  if (isAsleep(ready)) return 0
  if (ready.status === 'True') return stages.some(({ does }) => does === 'serve') ? 60 : 0
  if (ready.reason === 'Failed') return blockedBy && hadFailed(memory) ? 0 : 10
  return intervals[ready.reason] ?? 0
}

/**
 * A failed server may recover. A Job stays failed, but its Pod, which has the exit code, may be
 * observed later than the Job, so there is one more sync.
 */
const hadFailed = ({ conditions }: Memory): boolean =>
  conditions.some(({ type, reason }) => type === 'Ready' && reason === 'Failed')
