import type { Attempt } from '../hooks/progress/address.ts'
import { type Pace, paceAfter, patience, secondsLeft } from '../hooks/progress/pace.ts'
import type { Reported, ReportsByJob } from '../hooks/progress/progress.ts'
import type { Report } from '../hooks/progress/report.ts'

/** The last report of each attempt, in memory. */
export interface Reports {
  /** Those of the attempts of an object, by the names of their Jobs. */
  readonly of: (uid: string | undefined) => ReportsByJob | undefined
  /** Whether the attempt may report now; it counts as a report, even if that turns out to be none. */
  readonly admit: (attempt: Attempt) => boolean
  readonly put: (attempt: Attempt, report: Report) => void
}

/** More attempts than a cluster runs at once: about a kilobyte each. The one that was silent longest goes. */
const maxAttempts = 10_000

/**
 * Reports per second and attempt; two may come at once, because the last one of a program often follows
 * another one closely.
 */
const perSecond = 1
const burst = 2

interface Entry {
  allowed: number
  checked: number
  pace?: Pace
}

export interface Clocks {
  /** Milliseconds of a clock that never jumps. */
  readonly steady: () => number
  /** The time in RFC 3339. */
  readonly now: () => string
}

export function reportsInMemory({ steady, now }: Clocks, max = maxAttempts): Reports {
  const entries = new Map<string, Entry>()
  const byUid = new Map<string, Map<string, Reported>>()

  const remove = (key: string): void => {
    entries.delete(key)
    const [uid = '', job = ''] = key.split('/')
    const own = byUid.get(uid)
    own?.delete(job)
    if (own?.size === 0) byUid.delete(uid)
  }
  /** The entries are in the order in which they were last used. */
  const entryOf = ({ uid, job }: Attempt): Entry => {
    const key = `${uid}/${job}`
    const entry = entries.get(key) ?? { allowed: burst, checked: steady() }
    entries.delete(key)
    entries.set(key, entry)
    const [oldest] = entries.keys()
    if (entries.size > max && oldest !== undefined) remove(oldest)
    return entry
  }

  return {
    of: (uid) => byUid.get(uid ?? ''),
    admit: (attempt) => {
      const entry = entryOf(attempt)
      const at = steady()
      const earned = ((at - entry.checked) / 1000) * perSecond
      entry.allowed = Math.min(burst, entry.allowed + earned)
      entry.checked = at
      if (entry.allowed < 1) return false
      entry.allowed -= 1
      return true
    },
    put: (attempt, report) => {
      const entry = entryOf(attempt)
      entry.pace = paceAfter(entry.pace, report, steady())
      const left = secondsLeft(entry.pace, report)
      const long = patience(entry.pace)
      const own = byUid.get(attempt.uid) ?? new Map<string, Reported>()
      byUid.set(attempt.uid, own)
      own.set(attempt.job, {
        report,
        at: now(),
        ...(left !== undefined && { secondsLeft: left }),
        ...(long !== undefined && { patience: long }),
      })
    },
  }
}
