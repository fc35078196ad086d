import { labels, type Parent } from '../../crds/kind.ts'
import type { Condition } from '../../crds/status.ts'
import { namespaceOf } from '../children/metadata.ts'
import { limitReading } from './applied.ts'
import type { Child, SyncRequest } from './protocol.ts'

/** What the request shows of the cluster. */
export interface Observed {
  readonly children: readonly Child[]
  /** A child by kind and name. */
  readonly child: (kind: string, name: string) => Child | undefined
  readonly jobs: (stage: string) => readonly Child[]
  readonly claims: readonly Child[]
  /** What answers requests: workloads and what belongs to them. */
  readonly serving: readonly Child[]
  /** Whether a Pod that is not observed is gone: a server without a cluster observes no Pods at all. */
  readonly knowsPods: boolean
  /** The parent's Pods of a stage, the newest first. */
  readonly pods: (stage: string) => readonly Child[]
}

const newestFirst = (a: Child, b: Child): number =>
  (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? '') ||
  a.metadata.name.localeCompare(b.metadata.name)

export function observedIn(request: SyncRequest): Observed {
  const children = Object.values(request.children).flatMap((group) => Object.values(group))
  limitReading(children)
  const nodes = request.related['Node.v1']
  const pods = Object.values(request.related['Pod.v1'] ?? {})
    .filter((pod) => belongs(pod, request.parent))
    .map((pod) => withSilence(pod, nodes))
    .sort(newestFirst)
  const byName = new Map(children.map((child) => [`${child.kind}/${child.metadata.name}`, child]))
  const isOf = (object: Child, stage: string) => object.metadata.labels?.[labels.stage] === stage
  return {
    children,
    child: (kind, name) => byName.get(`${kind}/${name}`),
    claims: children.filter(({ kind }) => kind === 'PersistentVolumeClaim'),
    serving: children.filter(({ kind }) => !isWorkOrStorage(kind)),
    jobs: (stage) => children.filter((child) => child.kind === 'Job' && isOf(child, stage)),
    knowsPods: request.related['Pod.v1'] !== undefined && !request.podsMayBeMissing,
    pods: (stage) => pods.filter((pod) => isOf(pod, stage)),
  }
}

const isWorkOrStorage = (kind: string): boolean =>
  ['Job', 'PersistentVolumeClaim', 'ResourceClaimTemplate'].includes(kind)

/** The containers of a Pod or of a template of Pods, in the order in which they are created. */
export const containersIn = (pod: Child | undefined): readonly Child[] => [
  ...(pod?.spec?.initContainers ?? []),
  ...(pod?.spec?.containers ?? []),
]

/** A label is anybody's to write: a Pod of another namespace is never believed. */
const belongs = ({ metadata }: Child, parent: Parent): boolean =>
  metadata.labels?.[labels.parentUid] === parent.metadata.uid &&
  (metadata.namespace ?? 'default') === namespaceOf(parent)

/** A Pod whose node does not answer is as it was, for all that is known: `silence` says why. */
function withSilence(pod: Child, nodes: SyncRequest['related'][string] | undefined): Child {
  const name: string | undefined = pod.spec?.nodeName
  if (!nodes || !name || ['Succeeded', 'Failed'].includes(pod.status?.phase)) return pod
  const ready = (
    nodes[name]?.status?.conditions as readonly Partial<Condition>[] | undefined
  )?.find(({ type }) => type === 'Ready')
  if (!ready || ready.status === 'True') return pod
  const why = ready.message || ready.reason || 'it does not say why'
  return { ...pod, silence: `node "${name}" is not ready: ${why.replace(/\.$/, '')}` }
}
