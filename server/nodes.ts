import type { KubeConfig, V1NodeCondition } from '@kubernetes/client-node'
import { watchObjects } from '../cluster/watch.ts'
import type { Pod } from '../hooks/children/manifesttypes.ts'
import type { Child, Group } from '../hooks/observe/protocol.ts'
import type { Log } from './log.ts'

/** The nodes of the cluster, from memory; undefined before the first list. */
export interface Nodes {
  readonly byName: () => ReadonlyMap<string, Child> | undefined
}

/** Watches nodes: the status of a Pod is outdated if the kubelet of its node no longer reports. */
export function watchNodes(kubeConfig: KubeConfig, log: Log, signal: AbortSignal): Nodes {
  const known = new Map<string, Child>()
  const remove = ({ metadata: { name } }: Child) => {
    const gone = deleted(name)
    known.set(name, gone)
    setTimeout(() => {
      if (known.get(name) === gone) known.delete(name)
    }, rememberedMilliseconds).unref()
  }
  const nodes = watchObjects<WatchedNode, Child>({
    kubeConfig,
    path: '/api/v1/nodes',
    keep: readinessOf,
    changed: (put, gone) => {
      for (const node of put) known.set(node.metadata.name, node)
      gone.forEach(remove)
    },
    failed: (error) => log.warn({ err: error }, 'watching nodes ended, trying again'),
    signal,
  })
  return { byName: () => (nodes.isSynced() ? known : undefined) }
}

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
  readonly status?: { readonly conditions?: readonly V1NodeCondition[] }
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
