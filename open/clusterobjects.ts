import {
  CoreV1Api,
  CustomObjectsApi,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node'
import type { Cluster } from '../cluster/kubeconfig.ts'
import { refusalOf } from '../cluster/refusal.ts'
import { follow } from '../cluster/watch.ts'
import { annotations, group, labels, version } from '../crds/kind.ts'
import { notFound } from './lines.ts'
import type { Opened, Pod } from './next.ts'
import { ownership } from './owner.ts'
import type { Target } from './target.ts'

/** What is done to an object: suspend or resume it, wake it, or both. */
export interface Change {
  readonly suspend?: boolean
  /** The new value of the annotation that wakes an idle Notebook. */
  readonly opened?: string
}

/** The object to open, and its Pods, as the API server has them. */
export type Objects = ReturnType<typeof objectsOf>

export function objectsOf({ kubeConfig, namespace }: Cluster, { kind, name }: Target) {
  const custom = kubeConfig.makeApiClient(CustomObjectsApi)
  const core = kubeConfig.makeApiClient(CoreV1Api)
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
      // Who may read one object only is told of that one.
      return undefined
    }
  }

  return {
    /** Whether a Pod is the object's own, rather than only having its labels. */
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

    follow: (
      seen: (object: Opened | undefined) => void,
      troubled: (error: unknown) => void,
      signal: AbortSignal,
    ) =>
      follow<Opened & Versioned>({
        kubeConfig,
        path: `/apis/${group}/${version}/namespaces/${namespace}/${plural}`,
        query: { fieldSelector },
        list: async () => {
          const { items, metadata } = await custom.listNamespacedCustomObject({
            ...objects,
            fieldSelector,
          })
          return { items, resourceVersion: metadata?.resourceVersion }
        },
        seen: ([object]) => seen(object),
        troubled,
        signal,
      }),

    followPods: (
      seen: (pods: readonly Pod[]) => void,
      troubled: (error: unknown) => void,
      signal: AbortSignal,
    ) =>
      follow<Pod & Versioned>({
        kubeConfig,
        path: `/api/v1/namespaces/${namespace}/pods`,
        query: { labelSelector },
        list: async () => {
          const list = await core.listNamespacedPod({ namespace, labelSelector })
          // The client turns times into Dates; a watch brings JSON.
          const { items, metadata } = JSON.parse(JSON.stringify(list))
          return { items, resourceVersion: metadata?.resourceVersion }
        },
        seen,
        troubled,
        signal,
      }),
  }
}

interface Versioned {
  readonly metadata: { readonly name: string; readonly resourceVersion?: string }
}
