import { labels, type Parent } from '../crds/kind.ts'
import type { Condition } from '../crds/status.ts'
import { namespaceOf } from './names.ts'
import type { Child, SyncRequest } from './protocol.ts'

/** What the request shows of the cluster. */
export interface Observed {
  readonly children: readonly Child[]
  /** A child by kind and name. */
  readonly child: (kind: string, name: string) => Child | undefined
  readonly jobs: (stage: string) => readonly Child[]
  /** The parent's Pods of a stage, the newest first. */
  readonly pods: (stage: string) => readonly Child[]
}

const newestFirst = (a: Child, b: Child): number =>
  (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? '') ||
  a.metadata.name.localeCompare(b.metadata.name)

export function observedIn(request: SyncRequest): Observed {
  const children = Object.values(request.children).flatMap((group) => Object.values(group))
  const nodes = request.related['Node.v1']
  const pods = Object.values(request.related['Pod.v1'] ?? {})
    .filter((pod) => belongs(pod, request.parent))
    .map((pod) => withSilence(pod, nodes))
    .sort(newestFirst)
  const isOf = (object: Child, stage: string) => object.metadata.labels?.[labels.stage] === stage
  return {
    children,
    child: (kind, name) =>
      children.find((child) => child.kind === kind && child.metadata.name === name),
    jobs: (stage) => children.filter((child) => child.kind === 'Job' && isOf(child, stage)),
    pods: (stage) => pods.filter((pod) => isOf(pod, stage)),
  }
}

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

const lastApplied = 'metacontroller.k8s.io/last-applied-configuration'

/**
 * An existing child as it was applied last, with only `fields` of its spec laid over: a new version
 * of this software, or a changed configuration, touches no running work. `undefined` takes a field
 * away. A child that was applied in another way is emitted with its fields alone.
 */
export function kept(child: Child, fields: Readonly<Record<string, unknown>> = {}): Child {
  const { apiVersion, kind, metadata } = child
  const applied = appliedLast(child) ?? { apiVersion, kind, metadata: { name: metadata.name } }
  if (!Object.keys(fields).length) return applied
  return { ...applied, spec: withoutUndefined({ ...applied.spec, ...fields }) }
}

/** Read once for each child that is seen, though an answer compares with it more than once. */
const read = new WeakMap<Child, Child | undefined>()

function appliedLast(child: Child): Child | undefined {
  if (!read.has(child)) read.set(child, jsonIn(child, lastApplied) as Child | undefined)
  return read.get(child)
}

/** The JSON object in an annotation; undefined where there is none, or somebody spoiled it. */
export function jsonIn(child: Child, annotation: string): object | undefined {
  try {
    const value: unknown = JSON.parse(child.metadata.annotations?.[annotation] ?? 'null')
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

const withoutUndefined = (object: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))
