import type { KubeConfig, V1NodeCondition } from '@kubernetes/client-node'
import { watchObjects } from '../cluster/watch.ts'
import type { NodeFacts } from '../crds/imagevolumes.ts'
import type { Pod } from '../hooks/children/manifesttypes.ts'
import type { Child, Group } from '../hooks/observe/protocol.ts'
import type { Log } from './log.ts'
import type { WatchedKind } from './watches.ts'

/** The nodes of the cluster, from memory; undefined before the first list. */
export interface Nodes {
  readonly byName: () => ReadonlyMap<string, Child> | undefined
  /** What decides where a Pod can run and mount images, of all nodes. */
  readonly facts: () => readonly NodeFacts[] | undefined
  readonly watch: WatchedKind
}

/**
 * Watches nodes: the status of a Pod is outdated if the kubelet of its node no longer reports, and only
 * some runtimes can mount images.
 */
export function watchNodes(
  kubeConfig: KubeConfig,
  log: Log,
  signal: AbortSignal,
  firstKubelet = standardKubelet,
): Nodes {
  const known = new Map<string, Child>()
  const present = new Map<string, NodeFacts>()
  // Nodes report every few minutes, and most reports change none of these facts.
  let facts: readonly NodeFacts[] | undefined
  const remove = ({ metadata: { name } }: Child) => {
    present.delete(name)
    const gone = deleted(name)
    known.set(name, gone)
    setTimeout(() => {
      if (known.get(name) === gone) known.delete(name)
    }, rememberedMilliseconds).unref()
  }
  const nodes = watchObjects<WatchedNode, Kept>({
    kubeConfig,
    path: '/api/v1/nodes',
    keep: (node) => ({ ...readinessOf(node), facts: factsOf(node, firstKubelet) }),
    changed: (put, gone) => {
      for (const { facts: own, ...node } of put) {
        known.set(node.metadata.name, node)
        present.set(node.metadata.name, own)
      }
      gone.forEach(remove)
      facts = undefined
    },
    failed: (error) => log.warn({ err: error }, 'watching nodes ended, trying again'),
    signal,
  })
  return {
    byName: () => (nodes.isSynced() ? known : undefined),
    facts: () => {
      if (!nodes.isSynced()) return undefined
      facts ??= [...present.values()]
      return facts
    },
    watch: { name: 'nodes', isRequired: false, state: nodes.state },
  }
}

type Kept = Child & { readonly facts: NodeFacts }

/** Longer than Kubernetes takes to delete the Pods of a node that was deleted. */
const rememberedMilliseconds = 600_000

/** A deleted node. A node that was never listed is not deleted: its Pod may be seen before it. */
const deleted = (name: string): Child => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  status: { conditions: [{ type: 'Ready', status: 'Unknown', message: 'it was deleted' }] },
})

interface WatchedNode extends Child {
  readonly spec?: { readonly taints?: NodeFacts['taints'] }
  readonly status?: {
    readonly conditions?: readonly V1NodeCondition[]
    readonly nodeInfo?: NodeInfo
  }
}

interface NodeInfo {
  readonly containerRuntimeVersion?: string
  readonly kubeletVersion?: string
}

const factsOf = (
  { metadata: { labels = {} }, spec, status }: WatchedNode,
  firstKubelet: Minor,
): NodeFacts => ({
  labels,
  taints: (spec?.taints ?? []).map(({ key, value, effect }) => ({
    key,
    ...(value && { value }),
    effect,
  })),
  mountsImages: mountsImages(status?.nodeInfo ?? {}, firstKubelet),
})

type Minor = readonly [major: number, minor: number]

/** The first minor versions that mount images, by the runtime's own name. */
const firstVersions: Readonly<Record<string, Minor>> = {
  containerd: [2, 1],
  'cri-o': [1, 31],
}

/** The first kubelet that mounts images by default. */
const standardKubelet: Minor = [1, 35]

/** The first kubelet that can if the administrator enables it, which it does not report. */
export const enabledKubelet: Minor = [1, 31]

/** Whether a node can mount images, by `containerd://2.1.4` and `v1.35.0`; undefined if that is not known. */
function mountsImages(
  { containerRuntimeVersion = '', kubeletVersion = '' }: NodeInfo,
  firstKubelet: Minor,
): boolean | undefined {
  const [, runtime = '', version = ''] =
    /^([a-z-]+):\/\/v?(.*)$/.exec(containerRuntimeVersion) ?? []
  const first = Object.hasOwn(firstVersions, runtime) ? firstVersions[runtime] : undefined
  const has = first && isAtLeast(version, first)
  return has && isAtLeast(kubeletVersion.replace(/^v/, ''), firstKubelet) === false ? false : has
}

function isAtLeast(version: string, [major, minor]: Minor): boolean | undefined {
  const [, ownMajor, ownMinor] = /^(\d{1,9})\.(\d{1,9})/.exec(version) ?? []
  if (ownMajor === undefined) return undefined
  return Number(ownMajor) > major || (Number(ownMajor) === major && Number(ownMinor) >= minor)
}

/** Only the Ready condition is used, and the rest of a node is large. */
const readinessOf = ({ metadata: { name }, status }: WatchedNode): Child => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  status: {
    conditions: (status?.conditions ?? [])
      .filter(({ type }) => type === 'Ready')
      .map(({ type, status, reason, message }) => ({ type, status, reason, message })),
  },
})

/**
 * Adds the nodes of Pods to the related objects, unless the request itself contains nodes, as one by
 * curl may.
 */
export function withNodes(related: Group, nodes: ReadonlyMap<string, Child> | undefined): Group {
  if (!nodes || related['Node.v1']) return related
  const found = Object.values(related['Pod.v1'] ?? {}).flatMap((pod) => {
    const node = nodes.get((pod as Pod).spec?.nodeName ?? '')
    return node ? [[node.metadata.name, node] as const] : []
  })
  return { ...related, 'Node.v1': Object.fromEntries(found) }
}
