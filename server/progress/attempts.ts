import type { Attempt } from '../../hooks/progress/address.ts'
import { type Pace, paceAfter, patience, secondsLeft } from '../../hooks/progress/pace.ts'
import type { Report } from '../../hooks/progress/report.ts'
import type { Received } from './messages.ts'

/** How often each attempt reports, and its last report, until the main thread takes it. */
export interface Attempts {
  /** Whether the attempt may report now; asking counts as a report, even if no valid one follows. */
  readonly admit: (attempt: Attempt) => boolean
  readonly put: (attempt: Attempt, report: Report) => void
  /** The last report of each attempt that has reported since they were last taken. */
  readonly taken: () => readonly Received[]
}

/** More attempts than a cluster runs at once: about a kilobyte each. The one that was silent longest goes. */
export const maxAttempts = 10_000

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

export function attemptsInMemory({ steady, now }: Clocks, max = maxAttempts): Attempts {
  const entries = new Map<string, Entry>()
  const news = new Map<string, Received>()

  /** The entries are in the order in which they last asked to report. */
  const entryOf = (key: string): Entry => {
    const entry = entries.get(key) ?? { allowed: burst, checked: steady() }
    entries.delete(key)
    entries.set(key, entry)
    const [oldest] = entries.keys()
    if (entries.size > max && oldest !== undefined) entries.delete(oldest)
    return entry
  }

  return {
    admit: (attempt) => {
      const entry = entryOf(keyOf(attempt))
      const at = steady()
      const earned = ((at - entry.checked) / 1000) * perSecond
      entry.allowed = Math.min(burst, entry.allowed + earned)
      entry.checked = at
      if (entry.allowed < 1) return false
      entry.allowed -= 1
      return true
    },
    put: ({ uid, job }, report) => {
      const key = keyOf({ uid, job })
      const entry = entries.get(key) ?? entryOf(key)
      entry.pace = paceAfter(entry.pace, report, steady())
      const left = secondsLeft(entry.pace, report)
      const long = patience(entry.pace)
      const reported = {
        report,
        at: now(),
        ...(left !== undefined && { secondsLeft: left }),
        ...(long !== undefined && { patience: long }),
      }
      news.set(key, { uid, job, reported })
    },
    taken: () => {
      const all = [...news.values()]
      news.clear()
      return all
    },
  }
}

const keyOf = ({ uid, job }: Attempt): string => `${uid}/${job}`
