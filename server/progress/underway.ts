import type { Child } from '../../hooks/observe/protocol.ts'
import type { Attempt } from '../../hooks/progress/address.ts'
import type { Pods } from '../pods.ts'
import type { UnderWayChange } from './messages.ts'

/** Which attempts are under way: the main thread sees it in the Pods, and the receiver asks. */

type PodsToFollow = Pick<Pods, 'of' | 'isCurrent' | 'follow'>

/** What to tell the receiver: all, when it starts, and then what has changed. */
export function underWayIn(pods: PodsToFollow) {
  const jobsByUid = new Map<string, readonly string[]>()
  const touched = new Set<string>()
  let isKnown = false
  pods.follow((uid) => touched.add(uid))

  /** Most changes of a Pod concern its containers and change nothing here. */
  const isChanged = (uid: string): boolean => {
    const before = jobsByUid.get(uid) ?? []
    const jobs = jobsAtWork(pods.of({ metadata: { uid } }))
    if (jobs.length) jobsByUid.set(uid, jobs)
    else jobsByUid.delete(uid)
    return jobs.join() !== before.join()
  }
  const changed = (): UnderWayChange | undefined => {
    const wasKnown = isKnown
    isKnown = pods.isCurrent()
    const jobs = [...touched]
      .filter(isChanged)
      .map((uid) => [uid, jobsByUid.get(uid) ?? []] as const)
    touched.clear()
    return jobs.length || isKnown !== wasKnown ? { isKnown, jobs } : undefined
  }
  return {
    changed,
    all: (): UnderWayChange => {
      changed()
      return { isKnown, jobs: [...jobsByUid] }
    },
  }
}

/** The Jobs that have a Pod which has not ended. */
const jobsAtWork = (pods: readonly Child[]): readonly string[] => {
  const jobs = pods.filter(isAtWork).map(({ metadata }) => metadata.labels?.[jobLabel])
  return [...new Set(jobs)].filter((job) => job !== undefined).sort()
}

const jobLabel = 'batch.kubernetes.io/job-name'

const isAtWork = ({ status }: Child): boolean => {
  const { phase } = (status ?? {}) as { readonly phase?: string }
  return phase !== 'Succeeded' && phase !== 'Failed'
}

/** What the receiver was told. Before it knows the Pods, it cannot tell, and accepts every attempt. */
export function underWayAsTold() {
  const jobsByUid = new Map<string, readonly string[]>()
  let isKnown = false
  return {
    told: (change: UnderWayChange): void => {
      isKnown = change.isKnown
      for (const [uid, jobs] of change.jobs)
        if (jobs.length) jobsByUid.set(uid, jobs)
        else jobsByUid.delete(uid)
    },
    includes: ({ uid, job }: Attempt): boolean =>
      !isKnown || (jobsByUid.get(uid)?.includes(job) ?? false),
  }
}
