import { eventsPath, jobsPath, listAll, listOurs, podsPath } from '../cluster/collections.ts'
import { type Cluster, type ClusterOptions, clusterOf } from '../cluster/kubeconfig.ts'
import { isForbidden, refusalOf } from '../cluster/refusal.ts'
import type { Job, Pod } from '../hooks/children/manifesttypes.ts'
import { usageError } from '../terminal/usage.ts'
import { type Seen, type Told, whyOf } from '../view/causes.ts'
import type { Shown } from '../view/object.ts'
import { whyLines } from '../view/whylines.ts'
import { explaining, objectAt } from './failures.ts'
import { targetsOf } from './target.ts'

/** The chain of causes of an object's state, and the command that helps; of several objects, one by one. */
export async function whyCommand(
  words: readonly string[],
  options: ClusterOptions,
): Promise<number> {
  const targets = targetsOf(words, 'why')
  if ('wrong' in targets) return usageError(targets.wrong)
  const cluster = clusterOf(options)
  let around: Seen | undefined
  let isFirst = true
  let code = 0
  for (const target of targets) {
    const failed = await explaining(cluster.namespace, async () => {
      const object = await objectAt(cluster, target)
      // Only a successful read is reused: after a failure, the next object reads again.
      around ??= await aroundIn(cluster)
      const why = whyOf(object, around)
      if (!isFirst) console.log()
      isFirst = false
      for (const line of whyLines(why, Date.now())) console.log(line)
      return 0
    })
    code = failed || code
  }
  return code
}

/** Everything in the namespace that may be a cause. */
async function aroundIn({ kubeConfig, namespace }: Cluster): Promise<Seen> {
  const [objects, jobs, pods, events] = await Promise.all([
    listOurs(kubeConfig, namespace),
    ifAllowed(listAll<Job>(kubeConfig, jobsPath(namespace)), 'Jobs'),
    ifAllowed(listAll<Pod>(kubeConfig, podsPath(namespace)), 'Pods'),
    ifAllowed(listAll<Told>(kubeConfig, eventsPath(namespace)), 'Events'),
  ])
  return { objects: objects as readonly Shown[], jobs, pods, events }
}

/** A person who may not read everything sees less, and is told so. */
async function ifAllowed<T>(list: Promise<readonly T[]>, what: string) {
  try {
    return await list
  } catch (error) {
    const refusal = refusalOf(error)
    if (!isForbidden(refusal)) throw error
    console.error(`note: ${what} are left out: ${refusal.message}`)
    return undefined
  }
}
