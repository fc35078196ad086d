import { CoreV1Api, type KubeConfig, makeInformer, type V1Pod } from '@kubernetes/client-node'
import { labels, type Parent } from '../crds/kind.ts'
import type { Child, Group } from '../hooks/observe/protocol.ts'
import { keepWatching, type Watching } from './informer.ts'
import type { Log } from './log.ts'

/** The Pods of a parent, from memory. */
export interface Pods extends Watching {
  readonly of: (parent: Parent) => readonly Child[]
  readonly isSynced: () => boolean
  /** Whether the watch is running: while it is not, a Pod that is missing here may exist. */
  readonly isCurrent: () => boolean
}

/**
 * One informer for the whole server, filtered at the API server by our own label. Asked of
 * Metacontroller instead, Pods would cost it every Pod event of the cluster for every parent.
 */
export function watchPods(kubeConfig: KubeConfig, log: Log): Pods {
  const api = kubeConfig.makeApiClient(CoreV1Api)
  const labelSelector = labels.parentUid
  const byParent = new Map<string, Map<string, Child>>()
  let synced = false
  let current = false

  const informer = makeInformer<V1Pod>(
    kubeConfig,
    '/api/v1/pods',
    async () => {
      const found = await api.listPodForAllNamespaces({ labelSelector })
      synced = true
      current = true
      return found
    },
    labelSelector,
  )
  const put = (pod: V1Pod) => {
    const uid = pod.metadata?.labels?.[labels.parentUid]
    if (!uid) return
    const own = byParent.get(uid) ?? new Map<string, Child>()
    byParent.set(uid, own.set(keyOf(pod), asJson(pod)))
  }
  const remove = (pod: V1Pod) => {
    const uid = pod.metadata?.labels?.[labels.parentUid] ?? ''
    const own = byParent.get(uid)
    own?.delete(keyOf(pod))
    if (own?.size === 0) byParent.delete(uid)
  }
  informer.on('add', put)
  informer.on('update', put)
  informer.on('delete', remove)
  informer.on('error', () => {
    current = false
  })
  return {
    of: (parent) => [...(byParent.get(parent.metadata.uid ?? '')?.values() ?? [])],
    isSynced: () => synced,
    isCurrent: () => current,
    ...keepWatching(informer, 'Pods', log),
  }
}

/** With the namespace: in another one, anybody may label a Pod of the same name. */
const keyOf = ({ metadata }: V1Pod): string => `${metadata?.namespace}/${metadata?.name}`

/** The client turns times into Dates; hooks read JSON. */
const asJson = (pod: V1Pod): Child => JSON.parse(JSON.stringify(pod))

/** The request's related objects and the Pods; a request that brings Pods, as curl's may, keeps them. */
export function withPods(related: Group, pods: readonly Child[]): Group {
  if (related['Pod.v1']) return related
  return {
    ...related,
    'Pod.v1': Object.fromEntries(
      pods.map((pod) => [`${pod.metadata.namespace}/${pod.metadata.name}`, pod]),
    ),
  }
}
