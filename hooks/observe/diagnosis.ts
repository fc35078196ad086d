import type { Reason } from '../../crds/status.ts'
import { printable } from '../../crds/text.ts'
import type {
  ContainerStatus,
  Job,
  Pod,
  Termination,
  WithConditions,
} from '../children/manifesttypes.ts'
import { containersIn, type ObservedPod } from './observed.ts'
import type { Child } from './protocol.ts'
import { no, type Verdict } from './verdict.ts'

/** Jobs and Pods → the one sentence that a person needs, in Kubernetes' own words. */

const conditionNamed = (object: WithConditions | undefined, type: string) =>
  object?.status?.conditions?.find((condition) => condition.type === type)

/** A condition that is True. */
export function conditionOf(object: WithConditions | undefined, type: string) {
  const said = conditionNamed(object, type)
  return said?.status === 'True' ? said : undefined
}

export const containersOf = (pod: ObservedPod): readonly ContainerStatus[] => [
  ...(pod.status?.initContainerStatuses ?? []),
  ...(pod.status?.containerStatuses ?? []),
]

/** The last lines of a container's termination message, on one line. */
const logTail = (message: string | undefined): string => {
  const lines = printable(message ?? '')
    .trim()
    .split('\n')
    .filter(Boolean)
    .slice(-3)
  return lines.length ? `: ${lines.join(' | ')}` : ''
}

function terminated({ name, state, lastState }: ContainerStatus): Verdict | undefined {
  const end = state?.terminated ?? lastState?.terminated
  if (!end || end.exitCode === 0) return undefined
  if (end.reason === 'OOMKilled')
    return no('OOMKilled', `container "${name}" was killed for using more memory than it may`)
  return no('Failed', exited(name, end))
}

const exited = (name: string, { exitCode, message }: Termination): string =>
  `container "${name}" exited with ${exitCode}${logTail(message)}`

/** The kubelet alternates between two reasons for the same fault: one sentence serves both. */
const pullFault = (image: string | undefined, message = ''): string =>
  `cannot pull image "${image}"${message
    .replace(/^Back-off pulling image "[^"]*"(: )?/, ': ')
    .replace(/^: ErrImagePull: /, ': ')
    .replace(/^(?!: |$)/, ': ')
    .replace(/^: $/, '')}`

const pullReasons = ['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull']
const configReasons = ['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']

function waiting(status: ContainerStatus): Verdict | undefined {
  const { reason = '', message } = status.state?.waiting ?? {}
  const prefix = `container "${status.name}"`
  if (pullReasons.includes(reason))
    return no('ImagePullFailed', `${prefix}: ${pullFault(status.image, message)}`)
  if (configReasons.includes(reason))
    return no('ContainerConfigError', `${prefix}: ${message ?? reason}`)
  // While it runs between two crashes it is crash-looping all the same: the state must not flap.
  if ((status.restartCount ?? 0) > 0 && !status.ready) {
    const end = terminated(status)
    if (end?.reason === 'OOMKilled') return end
    if (end) return no('CrashLooping', end.message)
  }
  return undefined
}

/** A server that ends well and is started again and again serves nobody: it crashes as well. */
function endingWell({ name, ready, restartCount = 0, state, lastState }: ContainerStatus) {
  const end = state?.terminated ?? lastState?.terminated
  return end?.exitCode === 0 && restartCount > 0 && !ready
    ? no('CrashLooping', exited(name, end))
    : undefined
}

/**
 * A claim takes a moment to be bound, or to go before the next of its name, and meanwhile no node can
 * take the Pod: that is a start like any other, and no lack of nodes. One that is never bound says
 * why in its own events.
 */
function unscheduled(pod: Pod, message: string): Verdict {
  if (/persistentvolumeclaim "[^"]+" is being deleted/.test(message))
    return no('Pending', `${message}: it goes once no Pod uses it`)
  // Since Kubernetes 1.35 the scheduler does not say which: the node's disk pressure is one of them.
  if (message.includes('untolerated taint(s)'))
    return no(
      'Unschedulable',
      `${message.replace(/\.$/, '')}; kubectl describe nodes says which taints`,
    )
  if (!message.includes('unbound immediate PersistentVolumeClaims'))
    return no('Unschedulable', message)
  const claims = (pod.spec?.volumes ?? []).flatMap(({ persistentVolumeClaim }) =>
    persistentVolumeClaim ? [persistentVolumeClaim.claimName] : [],
  )
  return no('Pending', `${message}: kubectl describe pvc ${claims.join(' ')} says why`)
}

/** What keeps a Pod from working, or undefined when nothing does. */
export function faultOf(pod: ObservedPod): Verdict | undefined {
  if (pod.silence) return no('NodeNotReady', `Pod "${pod.metadata.name}": ${pod.silence}`)
  const scheduled = conditionNamed(pod, 'PodScheduled')
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable')
    return unscheduled(pod, scheduled.message ?? 'no node can take the Pod')
  if (pod.status?.phase === 'Failed' && pod.status.reason)
    return no('Failed', `Pod ${pod.status.reason}: ${pod.status.message ?? 'no message'}`)
  const containers = containersOf(pod)
  for (const find of [waiting, terminatedNow]) {
    for (const status of containers) {
      const fault = find(status)
      if (fault) return fault
    }
  }
  // An init container that ended well did what it should.
  return (pod.status?.containerStatuses ?? []).map(endingWell).find(Boolean)
}

const terminatedNow = (status: ContainerStatus): Verdict | undefined =>
  status.state?.terminated ? terminated(status) : undefined

/**
 * A Job that is neither complete nor failed: what its newest Pod does. `suspicion` is the most likely
 * cause, where a Job of this stage gets no Pod.
 */
export function jobProgress(
  job: Job,
  pods: readonly ObservedPod[],
  active: Reason,
  suspicion?: string,
): Verdict {
  const own = podsOf(job, pods)
  const pod = own.find(({ status }) => status?.phase !== 'Failed') ?? own[0]
  if (!pod)
    return no(
      'Pending',
      `no Pod yet: kubectl describe job ${job.metadata.name} says why${suspicion ? `; ${suspicion}` : ''}`,
    )
  const fault = faultOf(pod)
  if (fault?.reason === 'Unschedulable') return afterEviction(fault, own)
  if (fault && !isEnd(fault)) return fault
  if (isStarted(pod) && !fault) return no(active, `Pod "${pod.metadata.name}" is running`)
  // The next Pod's start is part of trying again: from try to try the reason must not flap.
  const end = own.map(faultOf).find((found) => found && isEnd(found))
  return end ? no(active, `trying again after: ${end.message}`) : starting(pod)
}

/** Why the work is not where it was: the node's words, without its figures. */
function afterEviction({ reason, message }: Verdict, own: readonly ObservedPod[]): Verdict {
  const evicted = own.find(({ status }) => status?.reason === 'Evicted')
  const [why = ''] = (evicted?.status?.message ?? '').split('. ')
  return no(
    reason,
    evicted ? `${message}; Pod "${evicted.metadata.name}" was evicted: ${why}` : message,
  )
}

/**
 * How far a Pod is that has not started: each step is told once. Its sandbox, which is made when all
 * volumes are mounted, has a condition of its own. Before Kubernetes 1.36 that becomes true with the
 * next look at the Pod alone, which may be after the first image: until then either is meant.
 */
function starting(pod: ObservedPod): Verdict {
  const name = `Pod "${pod.metadata.name}"`
  if (!pod.spec?.nodeName) {
    const gate = conditionNamed(pod, 'PodScheduled')?.message
    return no('Pending', `${name} waits for a node${gate ? `: ${gate}` : ''}`)
  }
  const sandbox = conditionNamed(pod, 'PodReadyToStartContainers')?.status
  const creation = sandbox === 'True' && creationOf(pod)
  if (creation) return no('Pending', `${name} is starting: ${creation}`)
  const step = sandbox === 'False' ? ': its volumes, network or first image are being prepared' : ''
  return no('Pending', `${name} is starting${step}${needs(pod)}`)
}

/** The container that comes next. They are created in the order of the spec; a status is sorted by name. */
function creationOf(pod: ObservedPod): string | undefined {
  const waits = containersOf(pod).filter(({ state }) => state?.waiting)
  const next = containersIn(pod).find(({ name }) =>
    waits.some((container) => container.name === name),
  )
  // Image volumes are pulled first, and may be the larger part: a packaged model is one.
  const volumes = (pod.spec?.volumes ?? []).flatMap(({ image }) =>
    image ? [`"${image.reference}"`] : [],
  )
  const beside = volumes.length ? ` with image volume ${volumes.join(' and ')}` : ''
  return next && `container "${next.name}" is being created from image "${next.image}"${beside}`
}

/** A Secret that is mounted and missing is in no status: the kubelet waits, and says it in events. */
function needs(pod: ObservedPod): string {
  const secrets = (pod.spec?.volumes ?? []).flatMap(({ secret }) =>
    secret?.secretName ? [`"${secret.secretName}"`] : [],
  )
  return secrets.length ? `; it needs Secret ${secrets.join(' and ')}` : ''
}

const isEnd = ({ reason }: Verdict): boolean => reason === 'Failed' || reason === 'OOMKilled'

const isStarted = (pod: ObservedPod): boolean =>
  pod.status?.phase === 'Running' ||
  pod.status?.phase === 'Succeeded' ||
  containersOf(pod).some(({ state }) => state?.running || state?.terminated)

/** Why a Job failed: its Pods know better than itself. */
export function jobFailure(job: Job, pods: readonly ObservedPod[]): Verdict {
  const { reason, message } = conditionOf(job, 'Failed') ?? {}
  if (reason === 'DeadlineExceeded')
    return no(
      'DeadlineExceeded',
      `Job "${job.metadata.name}" took longer than ${job.spec?.activeDeadlineSeconds} s`,
    )
  const fault = podsOf(job, pods)
    .map(faultOf)
    .find((found) => found && isEnd(found))
  return fault ?? no('Failed', `Job "${job.metadata.name}": ${message ?? reason ?? 'failed'}`)
}

export const podsOf = (job: Job, pods: readonly ObservedPod[]): readonly ObservedPod[] =>
  pods.filter(
    ({ metadata }) => metadata.labels?.['batch.kubernetes.io/job-name'] === job.metadata.name,
  )

/** Whether a Pod is being deleted; its state is no longer of interest. */
export const isLeaving = ({ metadata }: Child): boolean => 'deletionTimestamp' in metadata

const isReady = (pod: ObservedPod): boolean => {
  if (pod.silence) return false
  const containers = pod.status?.containerStatuses ?? []
  return containers.length > 0 && containers.every(({ ready }) => ready)
}

const templateOf = ({ metadata: { labels } }: Child): string | undefined =>
  labels?.['pod-template-hash'] ?? labels?.['controller-revision-hash']

/**
 * The Pods that are to serve and do not, the newest first: of the newest template, as those of older
 * ones go, and none that failed and has a successor.
 */
function unready(pods: readonly ObservedPod[]): readonly ObservedPod[] {
  const living = pods.filter((pod) => !isLeaving(pod))
  const own = living.filter((pod, _, [newest]) => newest && templateOf(pod) === templateOf(newest))
  const successor = own.findIndex(({ status }) => status?.phase !== 'Failed')
  return own.filter(
    (pod, index) =>
      !isReady(pod) && !(successor >= 0 && index > successor && pod.status?.phase === 'Failed'),
  )
}

/** What keeps those Pods of a server from serving that do not. */
export const unreadyFault = (pods: readonly ObservedPod[]): Verdict | undefined =>
  unready(pods).map(faultOf).find(Boolean)

/** The Pods of a server or a notebook that does not answer. */
export function servingFault(pods: readonly ObservedPod[], none: string): Verdict {
  const fault = unreadyFault(pods)
  if (fault) return fault
  const pod = unready(pods)[0]
  const answering = pods.find((one) => !isLeaving(one) && isReady(one))
  if (!pod && answering)
    return no('Starting', `Pod "${answering.metadata.name}" answers, and is counted in a moment`)
  // A Pod of a silent node does not go, and keeps the next of a notebook from coming.
  const stuck = pods.find((one) => isLeaving(one) && one.silence)
  if (!pod) return (stuck && faultOf(stuck)) ?? no('Pending', none)
  return isStarted(pod)
    ? no('Starting', `Pod "${pod.metadata.name}" runs and does not answer yet`)
    : starting(pod)
}
