import { faultOf, isStarted, missing, starting } from './diagnosis.ts'
import type { ObservedPod } from './observed.ts'
import type { Child } from './protocol.ts'
import { no, type Verdict } from './verdict.ts'

/** Explains the state of the Pods of a server or a notebook, which stay, in one sentence. */

/** Whether a Pod is being deleted, so that its state no longer matters. */
export const isTerminating = ({ metadata }: Child): boolean => 'deletionTimestamp' in metadata

/** Why there is no Pod, if the next one is created only once the former one has ended; `does` says what that one still does. */
export function formerPod(pods: readonly ObservedPod[], does: string): string | undefined {
  const pod = pods.find(isTerminating)
  if (!pod) return undefined
  return `the former Pod "${pod.metadata.name}" ${overdue(pod) ?? ending(pod, does)}`
}

function ending({ metadata, spec }: ObservedPod, does: string): string {
  const seconds = metadata.deletionGracePeriodSeconds ?? spec?.terminationGracePeriodSeconds
  const most = seconds ? `, for at most ${seconds} s (terminationGracePeriodSeconds)` : ''
  return `still ${does}${most}; the next Pod is created after that`
}

/** Only the kubelet of its node removes the Pod, and a finalizer may prevent that. */
function overdue({ metadata, spec, overdueSince }: ObservedPod): string | undefined {
  if (!overdueSince) return undefined
  const node = spec?.nodeName
  const gone = node ? `; if node "${node}" is gone for good, kubectl delete node ${node}` : ''
  return `should have ended by ${overdueSince} and still exists; the next Pod is created once it is gone: kubectl describe pod ${metadata.name} says more${gone}`
}

export const isReady = (pod: ObservedPod): boolean => {
  if (pod.nodeFault) return false
  const containers = pod.status?.containerStatuses ?? []
  return containers.length > 0 && containers.every(({ ready }) => ready)
}

export const templateOf = ({ metadata: { labels } }: Child): string | undefined =>
  labels?.['pod-template-hash'] ?? labels?.['controller-revision-hash']

/**
 * The Pods that should be ready and are not, the newest first. Only those of the newest template count,
 * because older ones are being replaced, and no failed Pod that has a successor.
 */
function unready(pods: readonly ObservedPod[]): readonly ObservedPod[] {
  const living = pods.filter((pod) => !isTerminating(pod))
  const own = living.filter((pod, _, [newest]) => newest && templateOf(pod) === templateOf(newest))
  const successor = own.findIndex(({ status }) => status?.phase !== 'Failed')
  return own.filter(
    (pod, index) =>
      !isReady(pod) && !(successor >= 0 && index > successor && pod.status?.phase === 'Failed'),
  )
}

/** The fault of the first Pod that should be ready and is not; Pods that wait in a queue come last. */
export function unreadyFault(pods: readonly ObservedPod[]): Verdict | undefined {
  const faults = unready(pods).flatMap((pod) => faultOf(pod) ?? [])
  return faults.find((fault) => !isQueued(fault)) ?? faults[0]
}

const isQueued = ({ reason }: Verdict): boolean => reason === 'Queued'

/** The names of the Pods that should be ready and cannot start. */
export const faultyPods = (pods: readonly ObservedPod[]): readonly string[] =>
  unready(pods)
    .filter((pod) => {
      const fault = faultOf(pod)
      return fault !== undefined && !isQueued(fault)
    })
    .map(({ metadata }) => metadata.name)

/**
 * Why a server or a notebook does not answer, by its Pods. If there are none, `refusal` is why, else
 * `none` is the message.
 */
export function servingFault(
  pods: readonly ObservedPod[],
  none: string,
  refusal?: string,
): Verdict {
  const fault = unreadyFault(pods)
  if (fault) return fault
  const pod = unready(pods)[0]
  const answering = pods.find((one) => !isTerminating(one) && isReady(one))
  if (!pod && answering)
    return no('Starting', `Pod "${answering.metadata.name}" answers, and is counted in a moment`)
  // On a node that does not respond, a Pod is never removed, and a notebook cannot get its next one.
  const stuck = pods.find((one) => isTerminating(one) && one.nodeFault)
  if (!pod) return (stuck && faultOf(stuck)) ?? missing(none, refusal)
  return isStarted(pod)
    ? no('Starting', `Pod "${pod.metadata.name}" runs and does not answer yet`)
    : starting(pod)
}
