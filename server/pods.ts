import type { KubeConfig } from '@kubernetes/client-node'
import { isStale } from '../cluster/staleness.ts'
import { keyOf, watchObjects } from '../cluster/watch.ts'
import { labels, type Parent } from '../crds/kind.ts'
import type { Pod } from '../hooks/children/manifesttypes.ts'
import type { Child, Group } from '../hooks/observe/protocol.ts'
import { keptPod } from './keptpod.ts'
import type { Log } from './log.ts'
import { silentSince, type WatchedKind } from './watches.ts'

/** A parent, or what is known of it. */
type WithUid = { readonly metadata: Pick<Parent['metadata'], 'uid'> }

/** The Pods of a parent, from memory. */
export interface Pods {
  readonly of: (parent: WithUid) => readonly Child[]
  /** Whether the watch is running; while it is not, a Pod that is missing here may exist. */
  readonly isCurrent: () => boolean
  /** Since when the watch of Pods has been silent, in RFC 3339, if that is too long ago. */
  readonly silentSince: () => string | undefined
  /** Calls back with the uid of each parent that has Pods, and again when they change. */
  readonly follow: (changed: (uid: string) => void) => void
  readonly watch: WatchedKind
}

/**
 * One watch for the whole server, which the API server filters by our label. If Metacontroller provided
 * the Pods, it would process every Pod event of the cluster for every parent.
 */
export function watchPods(kubeConfig: KubeConfig, log: Log, signal: AbortSignal): Pods {
  const start = new Date()
  const { put, remove, of, follow } = podsByParent()
  const { isCurrent, state } = watchObjects<Pod, Child>({
    kubeConfig,
    path: '/api/v1/pods',
    query: { labelSelector: labels.parentUid },
    keep: keptPod,
    changed: (there, gone) => {
      there.forEach(put)
      gone.forEach(remove)
    },
    failed: (error) => log.warn({ err: error }, 'watching Pods ended, trying again'),
    signal,
  })
  return {
    of,
    follow,
    isCurrent: () => isCurrent() && !isStale(state()),
    silentSince: () => silentSince(state(), start),
    watch: { name: 'Pods', isRequired: true, state },
  }
}

/** The Pods that were put here, by the uids of their parents. */
export function podsByParent() {
  const byParent = new Map<string, Map<string, Child>>()
  const followers: ((uid: string) => void)[] = []
  const tell = (uid: string): void => {
    for (const changed of followers) changed(uid)
  }
  const put = (pod: Child): void => {
    const uid = parentOf(pod)
    if (!uid) return
    const own = byParent.get(uid) ?? new Map<string, Child>()
    byParent.set(uid, own.set(keyOf(pod), pod))
    tell(uid)
  }
  const remove = (pod: Child): void => {
    const uid = parentOf(pod) ?? ''
    const own = byParent.get(uid)
    own?.delete(keyOf(pod))
    if (own?.size === 0) byParent.delete(uid)
    tell(uid)
  }
  const of: Pods['of'] = ({ metadata: { uid = '' } }) => [...(byParent.get(uid)?.values() ?? [])]
  const follow: Pods['follow'] = (changed) => {
    followers.push(changed)
    for (const uid of byParent.keys()) changed(uid)
  }
  return { put, remove, of, follow }
}

const parentOf = ({ metadata }: Child): string | undefined => metadata.labels?.[labels.parentUid]

/** Adds Pods to the related objects, unless the request itself contains Pods, as one by curl may. */
export function withPods(related: Group, pods: readonly Child[]): Group {
  if (related['Pod.v1']) return related
  return {
    ...related,
    'Pod.v1': Object.fromEntries(
      pods.map((pod) => [`${pod.metadata.namespace}/${pod.metadata.name}`, pod]),
    ),
  }
}
