import type { Parent } from '../crds/kind.ts'

/** The objects whose Ready says UpdatePending. */
export interface PendingUpdates {
  /** Records a response: whether an update is pending, and when Metacontroller asks again. */
  readonly answered: (parent: Parent, isPending: boolean, resyncSeconds: number) => void
  readonly counts: () => ReadonlyMap<string, number>
}

/** The next response may come this much later than it was requested. */
const slackSeconds = 10

/**
 * The next response may come from another replica, and a deleted object is not reported. So a response
 * counts only until the next one is due; the sum over all replicas is the number of objects.
 */
export function pendingUpdates(now: () => number = Date.now): PendingUpdates {
  const until = new Map<string, { readonly kind: string; readonly time: number }>()
  const dropExpired = () => {
    for (const [key, { time }] of until) if (time <= now()) until.delete(key)
  }
  return {
    answered: ({ kind, metadata: { namespace, name } }, isPending, resyncSeconds) => {
      const key = `${kind}/${namespace}/${name}`
      until.delete(key)
      dropExpired()
      if (isPending) until.set(key, { kind, time: now() + (resyncSeconds + slackSeconds) * 1000 })
    },
    counts: () => {
      dropExpired()
      const counts = new Map<string, number>()
      for (const { kind } of until.values()) counts.set(kind, (counts.get(kind) ?? 0) + 1)
      return counts
    },
  }
}
