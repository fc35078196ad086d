import { CoreV1Api, type KubeConfig, makeInformer, type V1Node } from '@kubernetes/client-node'
import type { Pod } from '../hooks/children/manifesttypes.ts'
import type { Child, Group } from '../hooks/observe/protocol.ts'
import { keepWatching, type Watching } from './informer.ts'
import type { Log } from './log.ts'

/** The nodes of the cluster, from memory; undefined before the first list. */
export interface Nodes extends Watching {
  readonly byName: () => ReadonlyMap<string, Child> | undefined
}

/** Nodes tell whether what their kubelets said last of Pods is still so. */
export function watchNodes(kubeConfig: KubeConfig, log: Log): Nodes {
  const api = kubeConfig.makeApiClient(CoreV1Api)
  const known = new Map<string, Child>()
  let synced = false
  const informer = makeInformer<V1Node>(kubeConfig, '/api/v1/nodes', async () => {
    const found = await api.listNode()
    synced = true
    return found
  })
  const put = (node: V1Node) => {
    const readiness = readinessOf(node)
    known.set(readiness.metadata.name, readiness)
    // The client keeps each object as it is now: of the rest nothing is needed, and it is large.
    node.metadata = {
      name: readiness.metadata.name,
      resourceVersion: node.metadata?.resourceVersion ?? '',
    }
    node.status = {}
  }
  informer.on('add', put)
  informer.on('update', put)
  informer.on('delete', (node) => {
    const gone = deleted(nameOf(node))
    known.set(gone.metadata.name, gone)
    setTimeout(() => {
      if (known.get(gone.metadata.name) === gone) known.delete(gone.metadata.name)
    }, rememberedMilliseconds).unref()
  })
  return {
    byName: () => (synced ? known : undefined),
    ...keepWatching(informer, 'nodes', log),
  }
}

/** Longer than Kubernetes takes to delete the Pods of a node that was deleted. */
const rememberedMilliseconds = 600_000

/** A deleted node. Only one that was there: of a new one, its Pod may be seen before itself. */
const deleted = (name: string): Child => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  status: { conditions: [{ type: 'Ready', status: 'Unknown', message: 'it was deleted' }] },
})

const nameOf = ({ metadata }: V1Node): string => metadata?.name ?? ''

/** Of a node nothing else matters here. */
const readinessOf = (node: V1Node): Child => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: nameOf(node) },
  status: {
    conditions: (node.status?.conditions ?? [])
      .filter(({ type }) => type === 'Ready')
      .map(({ type, status, reason, message }) => ({ type, status, reason, message })),
  },
})

/**
 * The related objects and the nodes of their Pods; a request that brings nodes, as curl's may, keeps
 * them.
 */
export function withNodes(related: Group, nodes: ReadonlyMap<string, Child> | undefined): Group {
  if (!nodes || related['Node.v1']) return related
  const found = Object.values(related['Pod.v1'] ?? {}).flatMap((pod) => {
    const node = nodes.get((pod as Pod).spec?.nodeName ?? '')
    return node ? [[node.metadata.name, node] as const] : []
  })
  return { ...related, 'Node.v1': Object.fromEntries(found) }
}
