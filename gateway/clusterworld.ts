import {
  CustomObjectsApi,
  type KubeConfig,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node'
import { watchObjects } from '../cluster/watch.ts'
import { annotations, group, labels, version } from '../crds/kind.ts'
import { type Names, namesOf } from './core/names.ts'
import {
  type EndpointSlice,
  podsIn,
  type Server,
  type ServerObject,
  serverFrom,
  withPods,
  workloadName,
} from './core/servers.ts'
import type { Watches } from './metrics.ts'
import type { GatewayLog, World } from './world.ts'

const serviceLabel = 'kubernetes.io/service-name'

/** An EndpointSlice with the service that it belongs to. */
interface Slice extends EndpointSlice, Namespaced {
  readonly service: string
}

interface Namespaced {
  readonly namespace: string
}

export interface ClusterWorld extends World {
  /** Whether both lists have been read. */
  readonly isSynced: () => boolean
  readonly watches: Watches
}

/** Knows the ModelServers of all namespaces by watches, and their ready Pods by EndpointSlices. */
export function clusterWorld(
  kubeConfig: KubeConfig,
  log: GatewayLog,
  signal: AbortSignal,
): ClusterWorld {
  const listeners = new Map<string, Set<() => void>>()
  const names = new Map<string, Names>()
  const none = namesOf([])

  /** What was derived of these namespaces is out of date. */
  const changed = (objects: readonly Namespaced[]): void => {
    for (const namespace of new Set(objects.map((it) => it.namespace))) {
      names.delete(namespace)
      for (const listener of [...(listeners.get(namespace) ?? [])]) listener()
    }
  }
  const failed = (what: string) => (error: unknown) =>
    log.warn({ err: error, watch: what }, 'a watch failed, and is tried again')

  const serversIn = byNamespace<Server>(({ name }) => name)
  const servers = watchObjects<ServerObject, Server>({
    kubeConfig,
    path: `/apis/${group}/${version}/modelservers`,
    pageSize: 500,
    keep: serverFrom,
    changed: (put, gone) => {
      serversIn.change(put, gone)
      changed([...put, ...gone])
    },
    failed: failed('ModelServers'),
    signal,
  })
  const slicesIn = byNamespace<Slice>(({ metadata }) => metadata.name)
  const slices = watchObjects<EndpointSlice, Slice>({
    kubeConfig,
    path: '/apis/discovery.k8s.io/v1/endpointslices',
    // Kubernetes copies a Service's labels to its slices.
    query: { labelSelector: `${labels.kind}=modelserver,${labels.stage}=serve` },
    pageSize: 500,
    keep: sliceFrom,
    changed: (put, gone) => {
      slicesIn.change(put, gone)
      changed([...put, ...gone])
    },
    failed: failed('EndpointSlices'),
    signal,
  })
  const isSynced = (): boolean => servers.isSynced() && slices.isSynced()
  void Promise.all([servers.synced, slices.synced]).then(() =>
    changed([...listeners.keys()].map((namespace) => ({ namespace }))),
  )

  function derived(namespace: string): Names {
    const here = serversIn.of(namespace)
    if (!here.length) return none
    const byService = Map.groupBy(slicesIn.of(namespace), ({ service }) => service)
    return namesOf(
      here.map((server) =>
        withPods(server, podsIn(byService.get(workloadName(server.name)) ?? [])),
      ),
    )
  }

  return {
    isSynced,
    watches: { ModelServers: servers.state, EndpointSlices: slices.state },
    namesIn: (namespace) => {
      if (!isSynced()) return undefined
      const known = names.get(namespace) ?? derived(namespace)
      // Anybody can ask about any namespace: only those with servers are remembered.
      if (known !== none) names.set(namespace, known)
      return known
    },
    onChange: (namespace, listener) => {
      const here = listeners.get(namespace) ?? new Set()
      listeners.set(namespace, here.add(listener))
      return () => {
        here.delete(listener)
        if (!here.size && listeners.get(namespace) === here) listeners.delete(namespace)
      }
    },
    wake: wakerIn(kubeConfig),
  }
}

/** Objects by their namespace: a question about a namespace that somebody makes up must cost nothing. */
function byNamespace<T extends Namespaced>(nameOf: (object: T) => string) {
  const all = new Map<string, Map<string, T>>()
  return {
    of: (namespace: string): readonly T[] => [...(all.get(namespace)?.values() ?? [])],
    change: (put: readonly T[], gone: readonly T[]): void => {
      for (const object of put) {
        const here = all.get(object.namespace) ?? new Map<string, T>()
        all.set(object.namespace, here.set(nameOf(object), object))
      }
      for (const object of gone) {
        const here = all.get(object.namespace)
        here?.delete(nameOf(object))
        if (!here?.size) all.delete(object.namespace)
      }
    },
  }
}

function sliceFrom(slice: EndpointSlice): Slice | undefined {
  const { namespace = '', name, labels: given } = slice.metadata
  const service = given?.[serviceLabel]
  if (!service) return undefined
  const { addressType, ports, endpoints } = slice
  return { metadata: { name }, addressType, ports, endpoints, namespace, service }
}

/** Wakes servers by the annotation alone, which is all that the chart lets the gateway change. */
export function wakerIn(
  kubeConfig: KubeConfig,
  fieldManager = 'substratus-gateway',
): World['wake'] {
  const custom = kubeConfig.makeApiClient(CustomObjectsApi)
  return async ({ namespace, name }) => {
    const opened = new Date().toISOString().replace(/\.[0-9]+Z$/, 'Z')
    await custom.patchNamespacedCustomObject(
      {
        group,
        version,
        plural: 'modelservers',
        namespace,
        name,
        fieldManager,
        body: { metadata: { annotations: { [annotations.opened]: opened } } },
      },
      setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
    )
  }
}
