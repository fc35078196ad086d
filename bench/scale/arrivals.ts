import type { KubeConfig } from '@kubernetes/client-node'
import { watchObjects } from '../../cluster/watch.ts'
import { apiVersion } from '../../crds/kind.ts'
import type { Condition } from '../../crds/status.ts'

interface Seen {
  readonly metadata: { readonly namespace?: string; readonly name: string }
  readonly status?: { readonly conditions?: readonly Condition[] }
}

/** When things were first seen, by name, in milliseconds of `performance.now`. */
export interface Arrivals {
  readonly ready: ReadonlyMap<string, number>
  readonly jobs: ReadonlyMap<string, number>
  readonly stop: () => void
}

/** Watches the Models and Jobs of a namespace. Resolves after the first lists. */
export async function watchArrivals(kubeConfig: KubeConfig, namespace: string): Promise<Arrivals> {
  const abort = new AbortController()
  const first = (collection: string, hasArrived: (object: Seen) => boolean) => {
    const times = new Map<string, number>()
    const { synced } = watchObjects<Seen, never>({
      kubeConfig,
      path: `${collection.replace('*', `namespaces/${namespace}`)}`,
      keep: (object) => {
        const { name } = object.metadata
        if (!times.has(name) && hasArrived(object)) times.set(name, performance.now())
        return undefined
      },
      changed: () => {},
      failed: (error) => {
        if (!abort.signal.aborted) console.error(error)
      },
      signal: abort.signal,
    })
    return { times, synced }
  }
  const models = first(`/apis/${apiVersion}/*/models`, isReady)
  const jobs = first('/apis/batch/v1/*/jobs', () => true)
  await Promise.all([models.synced, jobs.synced])
  return { ready: models.times, jobs: jobs.times, stop: () => abort.abort() }
}

const isReady = ({ status }: Seen): boolean =>
  status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
