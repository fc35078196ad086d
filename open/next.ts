import { isStillIdle } from '../crds/idleness.ts'
import { annotations, type Parent } from '../crds/kind.ts'
import type { Condition, Idle } from '../crds/status.ts'

/**
 * Decides what to do next from the observed objects:
 *
 *     suspended or idle ──▶ patch ──▶ wait … ──▶ reach ──▶ open
 *                                       ▲                   │ the Pod moved, the connection broke
 *                                       └───────────────────┘
 */

/** An object of the cluster, with its owners. */
export interface Owned {
  readonly metadata: {
    readonly name: string
    readonly uid: string
    readonly ownerReferences?: readonly Owner[]
  }
}

export interface Owner {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
}

/** The fields of a Pod that are used here. */
export interface Pod extends Owned {
  readonly metadata: Owned['metadata'] & {
    readonly deletionTimestamp?: string
    readonly creationTimestamp?: string
  }
  readonly spec: {
    readonly containers: readonly {
      readonly name: string
      readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[]
    }[]
    readonly initContainers?: Pod['spec']['containers']
  }
  readonly status?: {
    readonly phase?: string
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
    readonly containerStatuses?: readonly { readonly name: string; readonly containerID?: string }[]
  }
}

/** The container to open; the Pod may have others. */
export const containerNamed = (kind: string): string =>
  kind === 'Notebook' ? 'notebook' : 'server'

/** Identifies what a connection leads to: a restarted container has another token. */
export const instanceOf = ({ metadata, status }: Pod, container: string): string =>
  `${metadata.uid} ${status?.containerStatuses?.find(({ name }) => name === container)?.containerID}`

export interface Seen {
  /** Undefined once it is deleted. */
  readonly object: Opened | undefined
  readonly pods: readonly Pod[]
  /** The connected instance, while the connection works. */
  readonly connected?: string
  /** Whether it was open before: then it must not be resumed, because someone else suspended it. */
  readonly wasOpen: boolean
}

export type Opened = Parent<
  { readonly suspend?: boolean; readonly idleTimeout?: string; readonly replicas?: number },
  {
    readonly observedGeneration?: number
    readonly conditions?: readonly Condition[]
    readonly idle?: Idle
  }
>

export type Next =
  | {
      readonly do: 'patch'
      readonly says: string
      readonly wake: boolean
      readonly resume: boolean
    }
  | { readonly do: 'wait'; readonly why: string }
  | { readonly do: 'reach'; readonly pod: Pod; readonly note?: string }
  | { readonly do: 'end'; readonly says: string }

export function next({ object, pods, connected, wasOpen }: Seen): Next {
  if (!object) return { do: 'end', says: 'it was deleted' }
  if (object.metadata.deletionTimestamp) return { do: 'end', says: 'it is being deleted' }
  const resume = object.spec.suspend === true
  const wake = isIdle(object)
  if (resume || wake) {
    const again = `kubectl open ${object.kind.toLowerCase()} ${object.metadata.name}`
    if (wasOpen && resume) return { do: 'end', says: `it was suspended; ${again} resumes it` }
    if (wasOpen)
      return {
        do: 'end',
        says: `it was idle for ${object.spec.idleTimeout} and was stopped; ${again} wakes it`,
      }
    return {
      do: 'patch',
      says: resume ? 'suspended: resuming it' : 'idle: waking it',
      wake,
      resume,
    }
  }
  if (object.spec.replicas === 0) return { do: 'end', says: atZero(object) }
  // A busy kernel can miss a probe, so a connection stays open whatever Ready is.
  const container = containerNamed(object.kind)
  const same = pods.find((pod) => instanceOf(pod, container) === connected && isThere(pod))
  if (same) return { do: 'reach', pod: same }
  return byReady(object, pods)
}

/** It is not woken: whoever scaled it to 0 may not want it to run. */
const atZero = ({ metadata }: Opened): string =>
  `it has 0 replicas: kubectl scale modelserver ${metadata.name} --replicas=1 starts it`

/** Whether it was stopped because it was idle, and nobody has opened it since. */
const isIdle = ({ spec, status, metadata }: Opened): boolean =>
  spec.idleTimeout !== undefined &&
  status?.idle !== undefined &&
  isStillIdle(status.idle, metadata.annotations?.[annotations.opened])

function byReady({ metadata, status }: Opened, pods: readonly Pod[]): Next {
  const { conditions = [] } = status ?? {}
  const ready = conditions.find(({ type }) => type === 'Ready')
  if (!ready) return { do: 'wait', why: 'the controller has not looked at it yet' }
  const { reason, message } = ready
  const behind =
    (status?.observedGeneration ?? Number.POSITIVE_INFINITY) < (metadata.generation ?? 0)
  // The status is from before it was resumed or woken.
  const outdated = behind || ['Suspending', 'Suspended', 'Idle'].includes(reason)
  if (outdated) return { do: 'wait', why: 'the controller has not seen the change yet' }
  if (ready.status === 'True') {
    const pod = newest(pods.filter(isReady))
    if (!pod) return { do: 'wait', why: 'no Pod of it is ready' }
    return { do: 'reach', pod, ...(reason === 'UpdatePending' && { note: message }) }
  }
  const why = `${reason}: ${message}`
  const isStalled = conditions.some(({ type, status }) => type === 'Stalled' && status === 'True')
  return isStalled ? { do: 'end', says: why } : { do: 'wait', why }
}

const isThere = ({ metadata, status }: Pod): boolean =>
  !metadata.deletionTimestamp && status?.phase === 'Running'

export const isReady = (pod: Pod): boolean =>
  isThere(pod) &&
  (pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ??
    false)

const newest = (pods: readonly Pod[]): Pod | undefined =>
  [...pods].sort((a, b) => ageOf(b).localeCompare(ageOf(a)))[0]

const ageOf = ({ metadata }: Pod): string => `${metadata.creationTimestamp} ${metadata.name}`
