import { codeOf, type HttpError, read } from '../../cluster/exchange.ts'
import { kubeConfigOf } from '../../cluster/kubeconfig.ts'
import type { Shown } from './cluster.ts'

/**
 * Reads what `kubectl get -o json` prints, without a process for it: tests ask four times a second, and
 * kubectl takes half of that time on one core.
 */

interface Resource {
  /** The path of its group and version: /api/v1, /apis/batch/v1. */
  readonly base: string
  readonly apiVersion: string
  readonly resource: string
  readonly kind: string
  readonly isNamespaced: boolean
  /** What kubectl calls it, in lower case. */
  readonly names: readonly string[]
  readonly categories: readonly string[]
}

const discovery = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

async function resourcesOf(kubeconfig: string): Promise<readonly Resource[]> {
  const config = kubeConfigOf(kubeconfig)
  const lists = await Promise.all(
    ['/api', '/apis'].map((path) => read<Shown>(config, path, {}, { accept: discovery })),
  )
  return lists.flatMap(({ items }: Shown) =>
    items.flatMap(({ metadata: { name: group }, versions }: Shown) =>
      versions.flatMap(({ version, resources }: Shown) =>
        resources.map((one: Shown) => resourceOf(group ?? '', version, one)),
      ),
    ),
  )
}

const resourceOf = (group: string, version: string, one: Shown): Resource => {
  const { resource, singularResource: singular, shortNames = [], categories = [] } = one
  const apiVersion = group ? `${group}/${version}` : version
  const names = [resource, singular, ...shortNames]
  return {
    base: group ? `/apis/${apiVersion}` : `/api/${version}`,
    apiVersion,
    resource,
    kind: one.responseKind.kind,
    isNamespaced: one.scope === 'Namespaced',
    names: [...names, `${resource}.${group}`],
    categories,
  }
}

/** By the path of the kubeconfig. What a cluster serves changes when a test brings definitions. */
const known = new Map<string, Promise<readonly Resource[]>>()

async function resourcesNamed(kubeconfig: string, name: string): Promise<readonly Resource[]> {
  const find = (all: readonly Resource[]) => {
    const one = all.find(({ names }) => names.includes(name))
    return one ? [one] : all.filter(({ categories }) => categories.includes(name))
  }
  const found = find((await known.get(kubeconfig)?.catch(() => [])) ?? [])
  if (found.length) return found
  const fresh = resourcesOf(kubeconfig)
  known.set(kubeconfig, fresh)
  return find(await fresh)
}

const withoutManagedFields = ({ metadata: { managedFields: _, ...metadata }, ...rest }: Shown) => ({
  ...rest,
  metadata,
})

const listOf = (items: readonly Shown[]) => ({ apiVersion: 'v1', kind: 'List', items })

async function readOne(kubeconfig: string, namespace: string, what: string): Promise<Shown> {
  const [type = '', name] = what.split('/')
  const resources = await resourcesNamed(kubeconfig, type.toLowerCase())
  if (!resources.length) throw new Error(`no resource is named "${type}"`)
  const answers = await Promise.all(
    resources.map(async ({ base, apiVersion, resource, kind, isNamespaced }) => {
      const place = isNamespaced ? `${base}/namespaces/${namespace}` : base
      const path = `${place}/${resource}${name ? `/${name}` : ''}`
      const answer = await read<Shown>(kubeConfigOf(kubeconfig), path, {})
      return name ? [answer] : answer.items.map((item: Shown) => ({ apiVersion, kind, ...item }))
    }),
  )
  const items = answers.flat().map(withoutManagedFields)
  return name ? items[0] : listOf(items)
}

/** One object by KIND/NAME, or the items of a list by KIND, of several kinds with commas, or of a category. */
export async function readShown(kubeconfig: string, namespace: string, what: string) {
  if (what.includes('/')) return readOne(kubeconfig, namespace, what)
  const lists = await Promise.all(
    what.split(',').map((type) => readOne(kubeconfig, namespace, type)),
  )
  return listOf(lists.flatMap(({ items }) => items))
}

/** kubectl's words for an object that is not there. */
export function notFound(error: unknown): string | undefined {
  if (codeOf(error) !== 404) return undefined
  try {
    const { message } = JSON.parse((error as HttpError).body)
    return `Error from server (NotFound): ${message}`
  } catch {
    return undefined
  }
}
