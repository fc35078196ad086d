import type { Report } from './report.ts'

/** How fast reports come, and how fast the work advances, from the times at which they came. */

export interface Pace {
  /** When the first report came since which the work has only advanced. */
  readonly start: number
  /** The pace is that since this report, which came in the last three quarters of the time since the start. */
  readonly from: Moment
  /** The report that takes its place when as much time has passed as before it. */
  readonly next: Moment
  readonly last: Moment
  /** The usual time between two reports, in milliseconds; undefined before the second. */
  readonly gap?: number
  readonly reports: number
}

interface Moment {
  /** Milliseconds of a steady clock. */
  readonly at: number
  readonly share: number | undefined
}

/** How much is done, from 0 to 1. */
export function shareOf({ percent, step, of }: Report): number | undefined {
  if (step !== undefined && of) return Math.min(1, step / of)
  return percent === undefined ? undefined : percent / 100
}

/** How much the newest gap counts. */
const weight = 0.2

/** For a shorter time the pace is not known. */
const shortest = 10_000

export function paceAfter(before: Pace | undefined, report: Report, at: number): Pace {
  const now = { at, share: shareOf(report) }
  const begun = { start: at, from: now, next: now, last: now }
  if (!before) return { ...begun, reports: 1 }
  const { start, from, next, last, gap: usual } = before
  const newest = Math.max(0, at - last.at)
  const gap = usual === undefined ? newest : usual + weight * (newest - usual)
  const counted = { gap, reports: before.reports + 1 }
  if (isBehind(now, last)) return { ...begun, ...counted }
  const isDue = at - next.at >= Math.max(next.at - start, shortest)
  return {
    start,
    ...(isDue ? { from: next, next: now } : { from, next }),
    last: now,
    ...counted,
  }
}

/** A program that was restarted continues at an earlier step. */
const isBehind = (now: Moment, last: Moment): boolean =>
  now.share === undefined || last.share === undefined || now.share < last.share

/** How many seconds are left: what the sender says, else at the pace so far. */
export function secondsLeft({ from, last }: Pace, report: Report): number | undefined {
  if (report.secondsLeft !== undefined) return report.secondsLeft
  const { share } = last
  const passed = last.at - from.at
  if (share === undefined || from.share === undefined) return undefined
  if (share <= from.share || passed < shortest) return undefined
  return (((1 - share) / (share - from.share)) * passed) / 1000
}

/** After so many usual gaps without a report, something may be wrong. */
const longSilence = 10
/** But no silence shorter than this, in seconds. */
export const leastSilence = 60
/** With fewer reports, no gap is usual. */
const fewest = 5

/** After how many seconds without a report the silence is worth reporting. */
export function patience({ gap, reports }: Pace): number | undefined {
  if (gap === undefined || reports < fewest) return undefined
  return Math.max((longSilence * gap) / 1000, leastSilence)
}
