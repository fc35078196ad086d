import {
  CustomObjectsApi,
  type KubeConfig,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node'
import type { Cluster } from '../cluster/kubeconfig.ts'
import { refusalOf } from '../cluster/refusal.ts'
import { watchObjects } from '../cluster/watch.ts'
import { annotations, group, labels, version } from '../crds/kind.ts'
import { notFound } from './lines.ts'
import type { Opened, Pod } from './next.ts'
import { ownership } from './owner.ts'
import type { Target } from './target.ts'

/** A change of an object: suspend, resume or wake it. */
export interface Change {
  readonly suspend?: boolean
  /** The new value of the annotation that wakes what is idle. */
  readonly opened?: string
}

/** The object to open, and its Pods, as the API server has them. */
export type Objects = ReturnType<typeof objectsOf>

export function objectsOf({ kubeConfig, namespace }: Cluster, { kind, name }: Target) {
  const custom = kubeConfig.makeApiClient(CustomObjectsApi)
  const { plural } = kind
  const objects = { group, version, namespace, plural }
  const fieldSelector = `metadata.name=${name}`
  const labelSelector = [
    `${labels.kind}=${kind.singular}`,
    `${labels.name}=${name}`,
    `${labels.stage}=serve`,
  ].join(',')

  const others = async (): Promise<readonly string[] | undefined> => {
    try {
      const { items } = await custom.listNamespacedCustomObject(objects)
      return items.map((item: Opened) => item.metadata.name)
    } catch {
      // A user who may read only this object gets a message about this object only.
      return undefined
    }
  }

  return {
    /** Whether the object owns the Pod, which may only have its labels. */
    isOwn: ownership(kubeConfig, namespace),

    /** The object, or an error that says what exists instead. */
    get: async (): Promise<Opened> => {
      try {
        return await custom.getNamespacedCustomObject({ ...objects, name })
      } catch (error) {
        const refusal = refusalOf(error)
        if (refusal.code !== 404) throw error
        if (refusal.name !== name)
          throw new Error(
            `this cluster has no ${plural}.${group}: Substratus is not installed there`,
          )
        throw new Error(notFound({ kind, name }, namespace, await others()))
      }
    },

    patch: async ({ suspend, opened }: Change): Promise<Opened> =>
      custom.patchNamespacedCustomObject(
        {
          ...objects,
          name,
          fieldManager: 'kubectl-open',
          body: {
            ...(suspend !== undefined && { spec: { suspend } }),
            ...(opened && { metadata: { annotations: { [annotations.opened]: opened } } }),
          },
        },
        setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
      ),

    /** Reports the object now and after every change, until the signal. */
    follow: (
      seen: (object: Opened | undefined) => void,
      troubled: (error: unknown) => void,
      signal: AbortSignal,
    ) => {
      const path = `/apis/${group}/${version}/namespaces/${namespace}/${plural}`
      const query = { fieldSelector }
      follow<Opened>(kubeConfig, path, query, ([object]) => seen(object), troubled, signal)
    },

    followPods: (
      seen: (pods: readonly Pod[]) => void,
      troubled: (error: unknown) => void,
      signal: AbortSignal,
    ) => {
      const path = `/api/v1/namespaces/${namespace}/pods`
      follow<Pod>(kubeConfig, path, { labelSelector }, seen, troubled, signal)
    },
  }
}

/** Watches may fail: a user who may only list gets the changes with each list. */
function follow<T extends Opened | Pod>(
  kubeConfig: KubeConfig,
  path: string,
  query: Readonly<Record<string, string>>,
  seen: (objects: readonly T[]) => void,
  troubled: (error: unknown) => void,
  signal: AbortSignal,
): void {
  const { all } = watchObjects<T, T>({
    kubeConfig,
    path,
    query,
    keep: (object) => object,
    changed: () => seen(all()),
    failed: (error, what) => what === 'list' && troubled(error),
    signal,
  })
}
