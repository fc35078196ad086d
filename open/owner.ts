import { AppsV1Api, type KubeConfig } from '@kubernetes/client-node'
import { refusalOf } from '../cluster/refusal.ts'
import { notebookName, serverName } from '../hooks/children/metadata.ts'
import type { Opened, Owned, Owner, Pod } from './next.ts'

/**
 * Checks which Pods an object owns. Anyone who may create Pods can give one the labels of another user's
 * notebook, so that this user's browser opens it. So labels are not enough: the chain of owner references
 * must lead from the Pod to the object itself.
 *
 *     Notebook    ◀── StatefulSet ◀── Pod
 *     ModelServer ◀── Deployment  ◀── ReplicaSet ◀── Pod
 */
export type IsOwn = (pod: Pod, object: Opened) => Promise<boolean>

export function ownership(kubeConfig: KubeConfig, namespace: string): IsOwn {
  const api = kubeConfig.makeApiClient(AppsV1Api)
  const readers = {
    StatefulSet: (name: string) => api.readNamespacedStatefulSet({ namespace, name }),
    Deployment: (name: string) => api.readNamespacedDeployment({ namespace, name }),
    ReplicaSet: (name: string) => api.readNamespacedReplicaSet({ namespace, name }),
  }

  /** Whether the chain of controllers of `child` has the given `links` and ends at the object. */
  async function leadsTo(object: Opened, child: Owned, links: readonly Link[]): Promise<boolean> {
    const owner = controllerOf(child)
    const [link, ...above] = links
    if (!link) return owner?.uid === object.metadata.uid
    const { kind, named } = link
    if (owner?.apiVersion !== 'apps/v1' || owner.kind !== kind || !named(owner.name)) return false
    try {
      const found = (await readers[kind](owner.name)) as Owned
      return found.metadata.uid === owner.uid && (await leadsTo(object, found, above))
    } catch (error) {
      const { code } = refusalOf(error)
      if (code === 404) return false
      // A user who may open the object may lack permission to read this: then only names are compared.
      if (code === 403) return true
      throw error
    }
  }

  return async (pod, object) => {
    if (object.kind !== 'Notebook') {
      const name = serverName(object)
      return leadsTo(object, pod, [
        { kind: 'ReplicaSet', named: (found) => found.startsWith(`${name}-`) },
        { kind: 'Deployment', named: (found) => found === name },
      ])
    }
    const name = notebookName(object)
    if (pod.metadata.name !== `${name}-0`) return false
    return leadsTo(object, pod, [{ kind: 'StatefulSet', named: (found) => found === name }])
  }
}

interface Link {
  readonly kind: 'StatefulSet' | 'Deployment' | 'ReplicaSet'
  readonly named: (name: string) => boolean
}

const controllerOf = ({ metadata }: Owned): Owner | undefined =>
  metadata.ownerReferences?.find(({ controller }) => controller)
