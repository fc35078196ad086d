import type { KubeConfig } from '@kubernetes/client-node'
import { group, type Kind, type Parent, version } from '../crds/kind.ts'
import { kinds } from '../crds/kinds.ts'
import { read } from './exchange.ts'

/** Collections of objects: their paths, and all that is in them. */

/** Without a namespace: those of all namespaces. */
export const pathOf = ({ plural }: Kind, namespace?: string): string =>
  namespaced(`/apis/${group}/${version}`, plural, namespace)

export const jobsPath = (namespace?: string): string =>
  namespaced('/apis/batch/v1', 'jobs', namespace)

export const podsPath = (namespace?: string): string => namespaced('/api/v1', 'pods', namespace)

export const eventsPath = (namespace?: string): string => namespaced('/api/v1', 'events', namespace)

const namespaced = (api: string, plural: string, namespace: string | undefined): string =>
  `${api}${namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`}/${plural}`

const pageSize = '500'

interface Page<T> {
  readonly items: readonly T[]
  readonly metadata?: { readonly continue?: string }
}

/** All objects of a collection, page by page. */
export async function listAll<T>(
  kubeConfig: KubeConfig,
  path: string,
  query: Readonly<Record<string, string>> = {},
): Promise<readonly T[]> {
  const all: T[] = []
  let next: string | undefined
  do {
    const search = { ...query, limit: pageSize, ...(next && { continue: next }) }
    const page: Page<T> = await read<Page<T>>(kubeConfig, path, search)
    all.push(...page.items)
    next = page.metadata?.continue
  } while (next)
  return all
}

/** All objects of the four kinds. */
export const listOurs = async (
  kubeConfig: KubeConfig,
  namespace?: string,
): Promise<readonly Parent[]> => {
  const lists = await Promise.all(
    kinds.map((kind) => listAll<Parent>(kubeConfig, pathOf(kind, namespace))),
  )
  return lists.flat()
}
