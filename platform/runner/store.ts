import type { KubeConfig } from '@kubernetes/client-node'
import { watchObjects } from '../../cluster/watch.ts'
import type { Log } from './controller.ts'
import { type Obj, pathOf, type Resource } from './rest.ts'

/** The objects of one resource, kept up to date by a watch. */
export type Store = Awaited<ReturnType<typeof watch>>

/** Resolves after the first list. */
export async function watch(
  kubeConfig: KubeConfig,
  resource: Resource,
  changed: (object: Obj) => void,
  log: Log,
) {
  const path = pathOf(resource)
  const { get, all, synced } = watchObjects<Obj, Obj>({
    kubeConfig,
    path,
    keep: (object) => object,
    changed: (put, gone) => [...put, ...gone].forEach(changed),
    failed: (error, what) => log({ path, error: String(error) }, `a ${what} failed: tried again`),
  })
  await synced
  return { resource, get, all }
}
