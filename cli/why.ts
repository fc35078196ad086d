import { eventsPath, jobsPath, listAll, listOurs, podsPath } from '../cluster/collections.ts'
import { type ClusterOptions, clusterOf } from '../cluster/kubeconfig.ts'
import { isForbidden, refusalOf } from '../cluster/refusal.ts'
import type { Job, Pod } from '../hooks/children/manifesttypes.ts'
import { type Told, whyOf } from '../view/causes.ts'
import type { Shown } from '../view/object.ts'
import { whyLines } from '../view/whylines.ts'
import { explaining, objectAt, usageError } from './failures.ts'
import { targetOf } from './target.ts'

/** The chain of causes of an object's state, and the command that helps. */
export async function whyCommand(
  words: readonly string[],
  options: ClusterOptions,
): Promise<number> {
  const target = targetOf(words, 'why')
  if ('wrong' in target) return usageError(target.wrong, 'why')
  const cluster = clusterOf(options)
  const { kubeConfig, namespace } = cluster
  return explaining(namespace, async () => {
    const object = await objectAt(cluster, target)
    const [objects, jobs, pods, events] = await Promise.all([
      listOurs(kubeConfig, namespace),
      ifAllowed(listAll<Job>(kubeConfig, jobsPath(namespace)), 'Jobs'),
      ifAllowed(listAll<Pod>(kubeConfig, podsPath(namespace)), 'Pods'),
      ifAllowed(listAll<Told>(kubeConfig, eventsPath(namespace)), 'Events'),
    ])
    const why = whyOf(object, { objects: objects as readonly Shown[], jobs, pods, events })
    for (const line of whyLines(why, Date.now())) console.log(line)
    return 0
  })
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
