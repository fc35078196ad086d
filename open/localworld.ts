import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from '../cluster/kubeconfig.ts'
import { type Watched, watchObjects } from '../cluster/watch.ts'
import { group, labels, version } from '../crds/kind.ts'
import { wakerIn } from '../gateway/clusterworld.ts'
import { type Names, namesOf } from '../gateway/core/names.ts'
import {
  type ReadyPod,
  type Server,
  type ServerObject,
  serverFrom,
  withPods,
} from '../gateway/core/servers.ts'
import type { World } from '../gateway/world.ts'
import { destinationIn } from './destination.ts'
import { isReady, type Opened, type Pod } from './next.ts'
import { ownership } from './owner.ts'

/** What a person's gateway knows: the ModelServers and Pods of one namespace, with that person's rights. */

export interface LocalWorld extends World {
  /** Resolves when the models and their Pods are known; rejects if they cannot be read. */
  readonly known: Promise<void>
}

interface News {
  /** A Pod has the labels of a server but another owner. */
  readonly foreign: (server: string, pod: string) => void
  /** The cluster cannot be read; once for each failure. */
  readonly troubled: (error: unknown) => void
  readonly recovered: () => void
}

interface Known {
  readonly server: Server
  readonly object: Opened
}

/** How long to wait before looking up an owner again. */
const pause = 1000

export function localWorld(
  { kubeConfig, namespace }: Cluster,
  { foreign, troubled, recovered }: News,
  signal: AbortSignal,
): LocalWorld {
  const isOwn = ownership(kubeConfig, namespace)
  const owned = new Map<string, boolean | Promise<void>>()
  const listeners = new Set<() => void>()
  let names: Names | undefined
  let isTroubled = false
  let fail = (_error: unknown) => {}
  const failure = new Promise<never>((_, reject) => {
    fail = reject
  })

  const notify = (): void => {
    names = undefined
    for (const listener of [...listeners]) listener()
  }
  const changed = (): void => {
    if (isTroubled) recovered()
    isTroubled = false
    void lookUp()
    notify()
  }
  const failed =
    (watched: () => Watched<unknown>) =>
    (error: unknown, what: 'list' | 'watch'): void => {
      // A user who may only list gets the changes with each list.
      if (what === 'watch') return
      if (!watched().isSynced()) fail(error)
      else {
        if (!isTroubled) troubled(error)
        isTroubled = true
      }
    }

  const servers: Watched<Known> = watchObjects<ServerObject & Opened, Known>({
    kubeConfig,
    path: `/apis/${group}/${version}/namespaces/${namespace}/modelservers`,
    keep: (object) => {
      const server = serverFrom(object)
      return server && { server, object }
    },
    changed,
    failed: failed(() => servers),
    signal,
  })
  const pods: Watched<LabelledPod> = watchObjects<LabelledPod, LabelledPod>({
    kubeConfig,
    path: `/api/v1/namespaces/${namespace}/pods`,
    query: { labelSelector: `${labels.kind}=modelserver,${labels.stage}=serve` },
    keep: (pod) => pod,
    changed,
    failed: failed(() => pods),
    signal,
  })

  const readyPodsOf = ({ server }: Known): readonly Pod[] =>
    pods.all().filter((pod) => pod.metadata.labels?.[labels.name] === server.name && isReady(pod))

  /** Anyone who may create Pods can give them a server's labels: only the server's own get requests. */
  async function lookUpOne(pod: Pod, { server, object }: Known): Promise<void> {
    while (!signal.aborted) {
      try {
        const isItsOwn = await isOwn(pod, object)
        owned.set(keyOf(pod, object), isItsOwn)
        if (!isItsOwn) foreign(server.name, pod.metadata.name)
        return notify()
      } catch {
        await sleep(pause, undefined, { signal }).catch(() => {})
      }
    }
  }

  /** Looks up the owners of Pods that are new; forgets those that are gone. */
  async function lookUp(): Promise<void> {
    const wanted = new Set<string>()
    for (const known of servers.all())
      for (const pod of readyPodsOf(known)) {
        const key = keyOf(pod, known.object)
        wanted.add(key)
        if (!owned.has(key)) owned.set(key, lookUpOne(pod, known))
      }
    for (const [key, value] of owned)
      if (!wanted.has(key) && typeof value === 'boolean') owned.delete(key)
    await Promise.all([...owned.values()].filter((value) => typeof value !== 'boolean'))
  }

  const derived = (): Names =>
    namesOf(
      servers.all().map((known) =>
        withPods(
          known.server,
          readyPodsOf(known)
            .filter((pod) => owned.get(keyOf(pod, known.object)) === true)
            .map(readyPod),
        ),
      ),
    )

  return {
    known: Promise.race([failure, Promise.all([servers.synced, pods.synced]).then(() => lookUp())]),
    namesIn: () => {
      if (!servers.isSynced() || !pods.isSynced()) return undefined
      names ??= derived()
      return names
    },
    onChange: (_, listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    wake: wakerIn(kubeConfig, 'kubectl-open'),
  }
}

interface LabelledPod extends Pod {
  readonly metadata: Pod['metadata'] & { readonly labels?: Readonly<Record<string, string>> }
}

const keyOf = ({ metadata }: Pod, object: Opened): string =>
  `${metadata.uid} ${object.metadata.uid}`

/** A Pod's address is its name and port: it is reached by these. */
function readyPod(pod: Pod): ReadyPod {
  const { name } = pod.metadata
  const { port } = destinationIn(pod, 'ModelServer')
  return { name, address: `${name}:${port}` }
}

/** The Pod and port of such an address. */
export function podAt(address: string): { readonly pod: string; readonly port: number } {
  const at = address.lastIndexOf(':')
  return { pod: address.slice(0, at), port: Number(address.slice(at + 1)) }
}
