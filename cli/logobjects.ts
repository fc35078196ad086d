import { setTimeout as sleep } from 'node:timers/promises'
import { jobsPath, listAll, pathOf, podsPath } from '../cluster/collections.ts'
import type { Cluster } from '../cluster/kubeconfig.ts'
import { isForbidden, refusalOf } from '../cluster/refusal.ts'
import { watchObjects } from '../cluster/watch.ts'
import { labels } from '../crds/kind.ts'
import type { Job, Pod } from '../hooks/children/manifesttypes.ts'
import type { Shown } from '../view/object.ts'
import { podsOf } from '../view/own.ts'
import type { Target } from './target.ts'

/** What `logs` knows of an object and of its own Pods. */
export interface Known {
  readonly object: () => Shown | undefined
  readonly pods: () => readonly Pod[]
  /** Resolves at the next change, or after a moment. */
  readonly changed: () => Promise<void>
}

const pause = 1000

const selectorOf = ({ kind, name }: Target) => ({
  labelSelector: `${labels.kind}=${kind.singular},${labels.name}=${name}`,
})

/** As they are now. */
export async function listed(cluster: Cluster, target: Target, object: Shown): Promise<Known> {
  const { kubeConfig, namespace } = cluster
  const query = selectorOf(target)
  const [pods, jobs] = await Promise.all([
    listAll<Pod>(kubeConfig, podsPath(namespace), query),
    listAll<Job>(kubeConfig, jobsPath(namespace), query).catch(noneIfForbidden),
  ])
  const own = podsOf(object, pods, jobs)
  return { object: () => object, pods: () => own, changed: () => sleep(pause) }
}

/** Without the right to read Jobs, only the names of a Pod's owners are compared. */
function noneIfForbidden(error: unknown): undefined {
  if (!isForbidden(refusalOf(error))) throw error
}

/** As they change. */
export async function followed({ kubeConfig, namespace }: Cluster, target: Target): Promise<Known> {
  let notify = () => {}
  let fail = (_: unknown) => {}
  const failure = new Promise<never>((_, reject) => {
    fail = reject
  })
  const watch = <T extends Pod | Job | Shown>(
    path: string,
    query: Readonly<Record<string, string>>,
    refused: (error: unknown) => void = fail,
  ) =>
    watchObjects<T, T>({
      kubeConfig,
      path,
      query,
      keep: (one) => one,
      changed: () => notify(),
      failed: (error, what) => what === 'list' && isForbidden(refusalOf(error)) && refused(error),
    })
  let mayReadJobs = true
  let noJobs = () => {}
  const jobsAreKnown = new Promise<void>((resolve) => {
    noJobs = () => {
      mayReadJobs = false
      resolve()
    }
  })
  const query = selectorOf(target)
  const field = { fieldSelector: `metadata.name=${target.name}` }
  const objects = watch<Shown>(pathOf(target.kind, namespace), field)
  const pods = watch<Pod>(podsPath(namespace), query)
  const jobs = watch<Job>(jobsPath(namespace), query, noJobs)
  await Promise.race([
    failure,
    Promise.all([objects.synced, pods.synced, Promise.race([jobs.synced, jobsAreKnown])]),
  ])
  const object = () => objects.all()[0]
  return {
    object,
    pods: () => {
      const one = object()
      return one ? podsOf(one, pods.all(), mayReadJobs ? jobs.all() : undefined) : []
    },
    changed: () =>
      new Promise((resolve) => {
        notify = resolve
        setTimeout(resolve, 5 * pause).unref()
      }),
  }
}
