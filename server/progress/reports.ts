import type { Reported, ReportsByJob } from '../../hooks/progress/progress.ts'
import { maxAttempts } from './attempts.ts'
import type { Received } from './messages.ts'

/** The last report of each attempt, in memory, where the hooks read them. */
export interface Reports {
  /** Those of the attempts of an object, by the names of their Jobs. */
  readonly of: (uid: string | undefined) => ReportsByJob | undefined
  readonly put: (received: Received) => void
}

/** Of more attempts than `max`, the one that was silent longest goes. */
export function reportsInMemory(max = maxAttempts): Reports {
  /** In the order in which they last reported. */
  const attempts = new Map<string, Omit<Received, 'reported'>>()
  const byUid = new Map<string, Map<string, Reported>>()

  const remove = (key: string): void => {
    const { uid = '', job = '' } = attempts.get(key) ?? {}
    attempts.delete(key)
    const own = byUid.get(uid)
    own?.delete(job)
    if (own?.size === 0) byUid.delete(uid)
  }
  return {
    of: (uid) => byUid.get(uid ?? ''),
    put: ({ uid, job, reported }) => {
      const key = `${uid}/${job}`
      attempts.delete(key)
      attempts.set(key, { uid, job })
      const own = byUid.get(uid)
      if (own) own.set(job, reported)
      else byUid.set(uid, new Map([[job, reported]]))
      const [oldest] = attempts.keys()
      if (attempts.size > max && oldest !== undefined) remove(oldest)
    },
  }
}
