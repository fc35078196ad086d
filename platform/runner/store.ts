import { setTimeout as sleep } from 'node:timers/promises'
import {
  type KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  makeInformer,
} from '@kubernetes/client-node'
import { type Obj, pathOf, type Resource, type Rest } from './rest.ts'

/** The objects of one resource, kept up to date by a watch. */
export type Store = Awaited<ReturnType<typeof watch>>

export const keyOf = ({ metadata: { namespace, name } }: Obj): string =>
  namespace ? `${namespace}/${name}` : name

/** Resolves after the first list; what fails or ends is begun anew. */
export async function watch(
  kubeConfig: KubeConfig,
  rest: Rest,
  resource: Resource,
  changed: (object: Obj) => void,
) {
  const objects = new Map<string, Obj>()
  const path = pathOf(resource)
  const { apiVersion, kind } = resource
  const informer = makeInformer<KubernetesObject>(kubeConfig, path, async () => {
    const found = await rest.call<KubernetesListObject<KubernetesObject>>('GET', path)
    // Items of a list carry no kind of their own.
    return { ...found, items: found.items.map((item) => ({ apiVersion, kind, ...item })) }
  })
  const put = (given: KubernetesObject) => {
    const object = given as Obj
    const before = objects.get(keyOf(object))
    objects.set(keyOf(object), object)
    if (before?.metadata.resourceVersion !== object.metadata.resourceVersion) changed(object)
  }
  for (const event of ['add', 'update'] as const) informer.on(event, put)
  informer.on('delete', (given) => {
    objects.delete(keyOf(given as Obj))
    changed(given as Obj)
  })
  const begin = (): Promise<void> => informer.start().catch(later)
  const later = () => sleep(1000).then(begin)
  informer.on('error', later)
  await begin()
  return {
    resource,
    get: (key: string) => objects.get(key),
    all: (): readonly Obj[] => [...objects.values()],
  }
}
