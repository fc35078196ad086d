import type { Reason } from './reasons.ts'

/**
 * What kstatus concludes from a status, and with it Flux and `helm --wait`. They wait for Current,
 * keep waiting while it is InProgress, and give up at Failed, which means that Stalled is True.
 */
export type Health = 'Current' | 'InProgress' | 'Failed'

/**
 * The health of an object by the reason of its Ready. Only what stays as it is until somebody acts is
 * Failed; whatever Kubernetes itself retries is InProgress, as for a Deployment. A Job that has failed is
 * not retried: see `final` in hooks/observe/verdict.ts.
 */
export const health: Readonly<Record<Reason, Health>> = {
  Done: 'Current',
  Skipped: 'Current',
  Serving: 'Current',
  Pending: 'InProgress',
  Queued: 'InProgress',
  Building: 'InProgress',
  Loading: 'InProgress',
  Running: 'InProgress',
  Sealing: 'InProgress',
  Packaging: 'InProgress',
  Starting: 'InProgress',
  Finishing: 'InProgress',
  Waiting: 'InProgress',
  // Tools apply objects in an order of their own, so the missing one may come next.
  ReferenceMissing: 'InProgress',
  ReferenceCycle: 'Failed',
  Stale: 'Current',
  Unschedulable: 'InProgress',
  NodeNotReady: 'InProgress',
  VolumeUnavailable: 'InProgress',
  ImagePullFailed: 'InProgress',
  ContainerConfigError: 'InProgress',
  CrashLooping: 'InProgress',
  OOMKilled: 'InProgress',
  Failed: 'InProgress',
  DeadlineExceeded: 'Failed',
  PodRefused: 'InProgress',
  PodsUnknown: 'InProgress',
  ChildMissing: 'InProgress',
  ApplyBlocked: 'Failed',
  StorageUnknown: 'Failed',
  Suspending: 'InProgress',
  Suspended: 'Current',
  Idle: 'Current',
  UpdatePending: 'Current',
  TooLarge: 'Current',
  InternalError: 'Failed',
  InvalidSpec: 'Failed',
}
