import type { Json } from '../objects.ts'
import { succeeded } from './ledger.ts'
import {
  all,
  ownedIn,
  put,
  remove,
  type Stored,
  secondsAt,
  timeIn,
  uidFor,
  type World,
} from './world.ts'

/** The Job controller: one Pod at a time, as the Jobs of this project ask. */

export const hasEnded = ({ status }: Stored): boolean =>
  status?.phase === 'Succeeded' || status?.phase === 'Failed'

const tracking = 'batch.kubernetes.io/job-tracking'

export const isFinished = ({ status }: Stored): boolean =>
  Boolean(conditionOf(status, 'Complete') ?? conditionOf(status, 'Failed'))

const conditionOf = (status: Json, type: string) =>
  status?.conditions?.find((one: Json) => one.type === type && one.status === 'True')

export function controlJob(world: World, job: Stored): void {
  if (isFinished(job)) return
  const own = ownedIn(all(world, 'Pod'), job.metadata.uid)
  const counted = count(world, job, own)
  const status = outcome(world, job, counted) ?? course(world, job, counted, own)
  if (JSON.stringify(status) === JSON.stringify(job.status)) return
  const now = { ...job, status }
  put(world, now)
  if (conditionOf(status, 'Complete')) succeeded(world, now)
}

/** Each Pod that has ended is counted once; then it may go. */
function count(world: World, { status = {} }: Stored, own: readonly Stored[]) {
  let { failed = 0, done = 0, isFinal = false } = { failed: status.failed, done: status.succeeded }
  for (const pod of own) {
    if (!hasEnded(pod) || !pod.metadata.finalizers?.includes(tracking)) continue
    const { finalizers: _, ...metadata } = pod.metadata
    put(world, { ...pod, metadata })
    const isDisrupted = conditionOf(pod.status, 'DisruptionTarget')
    if (pod.status.phase === 'Succeeded') done++
    else if (!isDisrupted) failed++
    isFinal ||= pod.status.containerStatuses?.[0]?.state?.terminated?.exitCode === 3
  }
  return { failed, done, isFinal }
}

type Counted = ReturnType<typeof count>

const figures = ({ failed, done }: Counted) => ({
  ...(failed && { failed }),
  ...(done && { succeeded: done }),
})

/** The final status, if the Job has one. */
function outcome(world: World, job: Stored, counted: Counted): Json {
  const ended = (type: string, reason?: string, message?: string) => ({
    ...figures(counted),
    conditions: [{ type, status: 'True', ...(reason && { reason, message }) }],
    completionTime: timeIn(world),
  })
  const { activeDeadlineSeconds: deadline, backoffLimit } = job.spec
  const since = job.status?.startTime && secondsAt(job.status.startTime)
  const isLate = deadline && since !== undefined && world.seconds - since >= deadline
  if (counted.done) return ended('Complete')
  const why = counted.isFinal
    ? ['PodFailurePolicy', 'a container exited with 3']
    : counted.failed > backoffLimit
      ? ['BackoffLimitExceeded', 'Job has reached the specified backoff limit']
      : isLate && !job.spec.suspend
        ? ['DeadlineExceeded', 'Job was active longer than specified deadline']
        : undefined
  if (!why) return undefined
  stop(world, job)
  return ended('Failed', ...why)
}

/** The status of a Job that is not finished; its next Pod is created if there is none. */
function course(world: World, job: Stored, counted: Counted, own: readonly Stored[]): Json {
  const living = own.filter((pod) => !hasEnded(pod))
  if (job.spec.suspend) {
    stop(world, job)
    return {
      ...figures(counted),
      ...(living.length && { terminating: living.length }),
      conditions: [{ type: 'Suspended', status: 'True' }],
    }
  }
  const terminating = living.filter(({ metadata }) => metadata.deletionTimestamp).length
  if (!living.length) create(world, job)
  const active = living.length ? living.length - terminating : 1
  return {
    ...figures(counted),
    ...(active && { active }),
    ...(terminating && { terminating }),
    startTime: job.status?.startTime ?? timeIn(world),
  }
}

function stop(world: World, job: Stored): void {
  for (const pod of ownedIn(all(world, 'Pod'), job.metadata.uid)) terminate(world, pod)
}

/** Ends a Pod: it is gone with the next step of its kubelet. */
export function terminate(world: World, pod: Stored): void {
  if (hasEnded(pod) || pod.metadata.deletionTimestamp) return
  put(world, { ...pod, metadata: { ...pod.metadata, deletionTimestamp: timeIn(world) } })
}

function create(world: World, job: Stored): void {
  const { template } = job.spec
  const uid = uidFor(world)
  put(world, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...template.metadata,
      name: `${job.metadata.name}-${uid}`,
      namespace: job.metadata.namespace ?? '',
      uid,
      creationTimestamp: timeIn(world),
      labels: { ...template.metadata.labels, 'batch.kubernetes.io/job-name': job.metadata.name },
      finalizers: [tracking],
      ownerReferences: [{ controller: true, uid: job.metadata.uid }],
    },
    spec: template.spec,
    status: { phase: 'Pending' },
  })
}

/** The TTL controller. */
export function expire(world: World, job: Stored): void {
  const ttl = job.spec.ttlSecondsAfterFinished
  if (ttl === undefined || !isFinished(job)) return
  if (world.seconds - secondsAt(job.status.completionTime) >= ttl) remove(world, job)
}
