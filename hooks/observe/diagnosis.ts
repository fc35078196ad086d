import { quoted } from '../../crds/quoted.ts'
import type { Reason } from '../../crds/reasons.ts'
import { printable } from '../../crds/text.ts'
import type {
  ContainerStatus,
  Job,
  Pod,
  Termination,
  WithConditions,
} from '../children/manifesttypes.ts'
import { containersIn, type ObservedPod } from './observed.ts'
import { queuedPod } from './queue.ts'
import { no, type Verdict } from './verdict.ts'

/** Explains the state of Jobs and Pods in one sentence, in Kubernetes' own words. */

const conditionNamed = (object: WithConditions | undefined, type: string) =>
  object?.status?.conditions?.find((condition) => condition.type === type)

/** A condition that is True. */
export function conditionOf(object: WithConditions | undefined, type: string) {
  const condition = conditionNamed(object, type)
  return condition?.status === 'True' ? condition : undefined
}

export const containersOf = (pod: ObservedPod): readonly ContainerStatus[] => [
  ...(pod.status?.initContainerStatuses ?? []),
  ...(pod.status?.containerStatuses ?? []),
]

/** The last lines of a container's termination message, on one line. */
const lastOutput = (message: string | undefined): string => {
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
  `container "${name}" exited with ${exitCode}${lastOutput(message)}`

/** The kubelet alternates between two reasons for the same fault: both get the same sentence. */
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
  // A container that runs between two crashes is still crash-looping: the state must not flap.
  if ((status.restartCount ?? 0) > 0 && !status.ready) {
    const end = terminated(status)
    if (end?.reason === 'OOMKilled') return end
    if (end) return no('CrashLooping', end.message)
  }
  return undefined
}

/**
 * A server that exits with 0 and is restarted again and again counts as crash-looping, too. The idle
 * watch reports by ending.
 */
function exitingWithZero({ name, ready, restartCount = 0, state, lastState }: ContainerStatus) {
  if (name === 'idle') return undefined
  const end = state?.terminated ?? lastState?.terminated
  return end?.exitCode === 0 && restartCount > 0 && !ready
    ? no('CrashLooping', exited(name, end))
    : undefined
}

/**
 * While a claim is being bound, or an earlier claim of its name is being deleted, no node can take the
 * Pod. That is a normal start and not a lack of nodes. If a claim is never bound, its own events say why.
 */
function unscheduled(pod: Pod, said: string): Verdict {
  const message = withoutPreemption(said)
  if (/persistentvolumeclaim "[^"]+" is being deleted/.test(message))
    return no('Pending', `${message}: it goes once no Pod uses it`)
  // Since Kubernetes 1.35 the scheduler does not name the taints, of which disk pressure is one.
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
  const words = claims.length
    ? `waiting for claim${claims.length > 1 ? 's' : ''} ${quoted(claims)} to be bound: kubectl describe pvc ${claims.join(' ')} says why`
    : message
  return { ...no('Pending', words), awaitsClaims: true }
}

/** Without what the scheduler adds about a preemption that would not help, which repeats the message. */
const withoutPreemption = (message: string): string =>
  message.replace(
    /\. (not found|no new claims to deallocate\.?|(no new claims to deallocate, )?preemption: \d+\/\d+ nodes are available: .*)$/s,
    '',
  )

/** What keeps a Pod from working, or undefined when nothing does. */
export function faultOf(pod: ObservedPod): Verdict | undefined {
  if (pod.nodeFault) return no('NodeNotReady', `Pod "${pod.metadata.name}": ${pod.nodeFault}`)
  const held = queuedPod(pod, pod.admission)
  if (held) return held
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
  // Init containers are supposed to exit with 0, so only the others are checked.
  return (pod.status?.containerStatuses ?? []).map(exitingWithZero).find(Boolean) ?? unmounted(pod)
}

/** Once the sandbox is ready or a container has started, all volumes are mounted, and Events are outdated. */
function unmounted(pod: ObservedPod): Verdict | undefined {
  const isMounted =
    isStarted(pod) || conditionNamed(pod, 'PodReadyToStartContainers')?.status === 'True'
  if (!pod.volumeFault || isMounted) return undefined
  return no('VolumeUnavailable', `Pod "${pod.metadata.name}": ${pod.volumeFault}`)
}

/** There is no Pod: the API server's refusal says why, otherwise `none` says where to look. */
export const missing = (none: string, refusal: string | undefined): Verdict =>
  refusal === undefined ? no('Pending', none) : no('PodRefused', refusal)

const terminatedNow = (status: ContainerStatus): Verdict | undefined =>
  status.state?.terminated ? terminated(status) : undefined

/**
 * What the newest Pod of an unfinished Job does. If the Job gets no Pod, `refusal` is why, and
 * `suspicion` the most likely reason.
 */
export function jobProgress(
  job: Job,
  pods: readonly ObservedPod[],
  active: Reason,
  { suspicion, refusal }: { readonly suspicion?: string; readonly refusal?: string } = {},
): Verdict {
  const own = podsOf(job, pods)
  const pod = own.find(({ status }) => status?.phase !== 'Failed') ?? own[0]
  if (!pod)
    return missing(
      `no Pod yet: kubectl describe job ${job.metadata.name} says why${suspicion ? `; ${suspicion}` : ''}`,
      refusal,
    )
  const fault = faultOf(pod)
  if (fault?.reason === 'Unschedulable') return afterEviction(fault, own)
  if (fault && !isEnd(fault)) return fault
  if (isStarted(pod) && !fault) return no(active, `Pod "${pod.metadata.name}" is running`)
  // The start of the next Pod is part of the retry: the reason must not flap between retries.
  const end = own.map(faultOf).find((found) => found && isEnd(found))
  return end ? no(active, `trying again after: ${end.message}`) : starting(pod)
}

/** Whether the newest Pod of a Job waits for its turn with the scheduler, which has not looked at it yet. */
export function isUnseen(job: Job, pods: readonly ObservedPod[]): boolean {
  const [pod] = podsOf(job, pods)
  return pod !== undefined && !pod.spec?.nodeName && !conditionNamed(pod, 'PodScheduled')
}

/** Whether a Pod of a Job has failed: what ended it is told, and so is each step of the next one. */
export const isRetried = (job: Job, pods: readonly ObservedPod[]): boolean =>
  podsOf(job, pods).some(({ status }) => status?.phase === 'Failed')

/** When the program of a Job began to run, if its newest Pod runs; in RFC 3339. */
export function runningSince(job: Job, pods: readonly ObservedPod[]): string | undefined {
  const [pod] = podsOf(job, pods)
  return (pod?.status?.containerStatuses ?? [])
    .flatMap(({ state }) => state?.running?.startedAt ?? [])
    .sort()
    .at(-1)
}

/** Adds why an earlier Pod was evicted: the node's own words, without its figures. */
function afterEviction({ reason, message }: Verdict, own: readonly ObservedPod[]): Verdict {
  const evicted = own.find(({ status }) => status?.reason === 'Evicted')
  const [why = ''] = (evicted?.status?.message ?? '').split('. ')
  return no(
    reason,
    evicted ? `${message}; Pod "${evicted.metadata.name}" was evicted: ${why}` : message,
  )
}

/**
 * The step that a starting Pod has reached. Its sandbox, which is created when all volumes are mounted,
 * has a condition of its own. Before Kubernetes 1.36 the kubelet sets that condition late, possibly after
 * it has pulled the first image, so the message names both steps.
 */
export function starting(pod: ObservedPod): Verdict {
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

/** The container that is created next. The order is that of the spec; a status is sorted by name. */
function creationOf(pod: ObservedPod): string | undefined {
  const waits = containersOf(pod).filter(({ state }) => state?.waiting)
  const next = containersIn(pod).find(({ name }) =>
    waits.some((container) => container.name === name),
  )
  // Image volumes are pulled first, and may take longest: a packaged model is one.
  const volumes = (pod.spec?.volumes ?? []).flatMap(({ image }) =>
    image ? [`"${image.reference}"`] : [],
  )
  const beside = volumes.length ? ` with image volume ${volumes.join(' and ')}` : ''
  return next && `container "${next.name}" is being created from image "${next.image}"${beside}`
}

/**
 * No status reports a missing Secret that is mounted: the kubelet waits, and reports it only in Events,
 * which the server may lack the right to read.
 */
function needs(pod: ObservedPod): string {
  const secrets = (pod.spec?.volumes ?? []).flatMap(({ secret }) =>
    secret?.secretName ? [`"${secret.secretName}"`] : [],
  )
  return secrets.length ? `; it needs Secret ${secrets.join(' and ')}` : ''
}

const isEnd = ({ reason }: Verdict): boolean => reason === 'Failed' || reason === 'OOMKilled'

export const isStarted = (pod: ObservedPod): boolean =>
  pod.status?.phase === 'Running' ||
  pod.status?.phase === 'Succeeded' ||
  // The relay starts before the server's image is pulled.
  containersOf(pod).some(
    ({ name, state }) => name !== 'relay' && (state?.running || state?.terminated),
  )

/** Whether the named container of a Pod has ever run. An evicted Pod may no longer report its state. */
export const hasStarted = (pod: ObservedPod, container: string): boolean =>
  (pod.status?.phase ?? 'Pending') !== 'Pending' ||
  containersOf(pod).some(
    ({ name, restartCount = 0, state, lastState }) =>
      name === container &&
      Boolean(restartCount || state?.running || state?.terminated || lastState?.terminated),
  )

/** Why a Job failed: its Pods have more detail than the Job itself. */
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
