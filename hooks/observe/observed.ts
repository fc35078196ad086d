import { timeOf } from '../../crds/idleness.ts'
import { labels, type Parent } from '../../crds/kind.ts'
import type {
  Admission,
  Claim,
  Container,
  Event,
  Job,
  Node,
  Pod,
  PodSpec,
  Workload,
} from '../children/manifesttypes.ts'
import { namespaceOf } from '../children/metadata.ts'
import { limitReading } from './applied.ts'
import { refusalIn, volumeFaultIn } from './eventwords.ts'
import type { Child, SyncRequest } from './protocol.ts'
import { admissionGroup, isAdmissionOf, isHeld } from './queue.ts'

/** The observed part of a request. */
export interface Observed {
  readonly children: readonly Child[]
  /** A child by kind and name. */
  readonly child: <K extends string>(kind: K, name: string) => OfKind<K> | undefined
  readonly jobs: (stage: string) => readonly Job[]
  readonly claims: readonly Claim[]
  /** The serving workloads, with their Services and NetworkPolicies. */
  readonly serving: readonly Child[]
  /** Whether a Pod that is not observed is gone: a server without access to a cluster observes no Pods. */
  readonly knowsPods: boolean
  /** Since when the watch of Pods has been silent, so that their state is not known. */
  readonly podsSilentSince: string | undefined
  /** The parent's Pods of a stage, the newest first. */
  readonly pods: (stage: string) => readonly ObservedPod[]
  /** What Kueue reports about the admission of a Job. */
  readonly admission: (job: Job) => Admission | undefined
  /** Why the API server refuses the Pod of a Job or StatefulSet that has none. */
  readonly refusal: (workload: Job | Workload) => string | undefined
}

/** The API server has validated an observed object, so its kind determines its type. */
type OfKind<K extends string> = K extends keyof Kinds ? Kinds[K] : Child

interface Kinds {
  readonly Job: Job
  readonly Deployment: Workload
  readonly StatefulSet: Workload
  readonly PersistentVolumeClaim: Claim
}

export interface ObservedPod extends Pod {
  /** The Pod's node is not ready, so that the Pod's status may be out of date. */
  readonly nodeFault?: string
  /** A volume cannot be attached or mounted, which the Pod's status does not report. */
  readonly volumeFault?: string
  /** When it should have ended, if that time has passed and it still exists. */
  readonly overdueSince?: string
  /** What Kueue reports about the admission of a Pod that it holds. */
  readonly admission?: Admission
}

const newestFirst = (a: Child, b: Child): number =>
  (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? '') ||
  a.metadata.name.localeCompare(b.metadata.name)

export function observedIn(request: SyncRequest): Observed {
  const children = Object.values(request.children).flatMap((group) => Object.values(group))
  limitReading(children)
  const nodes: Readonly<Record<string, Node>> | undefined = request.related['Node.v1']
  const events = eventsOf(request)
  const admissions = admissionsOf(request)
  const pods = Object.values(request.related['Pod.v1'] ?? {})
    .filter((pod) => belongs(pod, request.parent))
    .map((pod) => withVolumeFault(withNodeFault(pod as Pod, nodes), events))
    .map((pod) => withAdmission(pod, admissions))
    .map((pod) => withOverdue(pod, request.now))
    .sort(newestFirst)
  const byName = new Map(children.map((child) => [`${child.kind}/${child.metadata.name}`, child]))
  const isOf = (object: Child, stage: string) => object.metadata.labels?.[labels.stage] === stage
  return {
    children,
    child: <K extends string>(kind: K, name: string) =>
      byName.get(`${kind}/${name}`) as OfKind<K> | undefined,
    claims: children.filter(isKind('PersistentVolumeClaim')),
    serving: children.filter(({ kind }) => !isWorkOrStorage(kind)),
    jobs: (stage) => children.filter(isKind('Job')).filter((job) => isOf(job, stage)),
    knowsPods: request.related['Pod.v1'] !== undefined && !request.podsMayBeMissing,
    podsSilentSince: request.podsSilentSince,
    pods: (stage) => pods.filter((pod) => isOf(pod, stage)),
    admission: (job) => admissions.find((one) => isAdmissionOf(one, job)),
    refusal: (workload) => refusalIn(events, workload),
  }
}

const isKind =
  <K extends string>(kind: K) =>
  (child: Child): child is OfKind<K> =>
    child.kind === kind

const isWorkOrStorage = (kind: string): boolean =>
  ['Job', 'PersistentVolumeClaim', 'ResourceClaimTemplate'].includes(kind)

/** The containers of a Pod or of a template of Pods, in the order in which they are created. */
export const containersIn = (
  pod: { readonly spec?: Partial<PodSpec> } | undefined,
): readonly Container[] => [...(pod?.spec?.initContainers ?? []), ...(pod?.spec?.containers ?? [])]

export const hasEnded = ({ status }: Pod): boolean =>
  status?.phase === 'Succeeded' || status?.phase === 'Failed'

/** Anyone can set labels in their own namespace, so a Pod of another namespace never belongs to the parent. */
const belongs = ({ metadata }: Child, parent: Parent): boolean =>
  metadata.labels?.[labels.parentUid] === parent.metadata.uid &&
  (metadata.namespace ?? 'default') === namespaceOf(parent)

/** Anyone can create Events in their own namespace, so those of other namespaces are ignored. */
const eventsOf = ({ parent, related }: SyncRequest): readonly Event[] =>
  Object.values(related['Event.v1'] ?? {}).filter(
    ({ metadata }) => metadata?.namespace === namespaceOf(parent),
  )

/** Only those of the parent's namespace, where Kueue creates them. */
const admissionsOf = ({ parent, related }: SyncRequest): readonly Admission[] =>
  Object.values(related[admissionGroup] ?? {}).filter(
    ({ metadata }) => metadata?.namespace === namespaceOf(parent),
  )

function withVolumeFault(pod: ObservedPod, events: readonly Event[]): ObservedPod {
  const volumeFault = volumeFaultIn(events, pod)
  return volumeFault === undefined ? pod : { ...pod, volumeFault }
}

function withAdmission(pod: ObservedPod, admissions: readonly Admission[]): ObservedPod {
  const admission = isHeld(pod) && admissions.find((one) => isAdmissionOf(one, pod))
  return admission ? { ...pod, admission } : pod
}

/** After its grace period, a Pod is killed and removed within a few seconds. */
const removalMilliseconds = 10_000

/** Kubernetes sets `deletionTimestamp` to the end of the grace period. */
function withOverdue(pod: ObservedPod, now: string | undefined): ObservedPod {
  const { deletionTimestamp } = pod.metadata
  const overdue = (timeOf(now) ?? 0) - (timeOf(deletionTimestamp) ?? Infinity)
  return deletionTimestamp && overdue > removalMilliseconds
    ? { ...pod, overdueSince: deletionTimestamp }
    : pod
}

function withNodeFault(pod: Pod, nodes: Readonly<Record<string, Node>> | undefined): ObservedPod {
  const name = pod.spec?.nodeName
  if (!nodes || !name || hasEnded(pod)) return pod
  const ready = nodes[name]?.status?.conditions?.find(({ type }) => type === 'Ready')
  if (!ready || ready.status === 'True') return pod
  const why = ready.message || ready.reason || 'it does not say why'
  return { ...pod, nodeFault: `node "${name}" is not ready: ${why.replace(/\.$/, '')}` }
}
