import type { Reason } from '../../crds/status.ts'
import type { Memory } from '../observe/memory.ts'
import type { Decision } from './fate.ts'

/** Seconds until news may have come that no event brings: Pods are no children. */
const waits: Partial<Record<Reason, number>> = {
  Finishing: 2,
  ChildMissing: 5,
  Pending: 5,
  Starting: 5,
  Building: 10,
  Loading: 10,
  Running: 10,
  Packaging: 10,
  Unschedulable: 10,
  NodeNotReady: 10,
  ImagePullFailed: 10,
  ContainerConfigError: 10,
  CrashLooping: 10,
  OOMKilled: 10,
  PodRefused: 10,
}

/** When Metacontroller asks again without an event; 0 if never. */
export function patience({ ready, blockedBy, stages }: Decision, memory: Memory): number {
  if (ready.status === 'True') return stages.some(({ does }) => does === 'serve') ? 60 : 0
  if (ready.reason === 'Failed') return blockedBy && hadFailed(memory) ? 0 : 10
  return waits[ready.reason] ?? 0
}

/**
 * A server that failed may come up again. A Job that failed stays so, but its Pod, which has the
 * exit code, may be seen later than the Job: it is looked for once more.
 */
const hadFailed = ({ conditions }: Memory): boolean =>
  conditions.some(({ type, reason }) => type === 'Ready' && reason === 'Failed')
