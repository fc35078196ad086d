import type { Curve, ProgressStatus } from '../../crds/progress.ts'
import { curvesAfter, rounded } from './curve.ts'
import { leastSilence } from './pace.ts'
import type { Report } from './report.ts'
import { summaryOf, withoutTimeLeft } from './summary.ts'

/**
 * What status.progress becomes. Several replicas of the server may each have some of the reports, and write
 * in turn, so the status is what they agree on: a replica shows a report only if it is newer than the one
 * shown, and one that knows nothing newer changes nothing.
 */

/** The last report of an attempt that a server has received. */
export interface Reported {
  readonly report: Report
  /** When it came, in RFC 3339. */
  readonly at: string
  readonly secondsLeft?: number
  /** After how many seconds without another report the silence is worth telling. */
  readonly patience?: number
}

/** The Job that is under way. */
export interface Working {
  readonly job: string
  readonly stage: ProgressStatus['stage']
  /** Whether its program runs, so that reports can be expected. */
  readonly isRunning: boolean
}

/** The shortest time between two writes, in seconds. */
const pause = 15
/** A time that is further ahead was written by a clock that was wrong. */
const mostSkew = 60

/** The last report that this server has of each attempt of an object, by the name of its Job. */
export type ReportsByJob = ReadonlyMap<string, Reported>

export function progressAfter(
  before: ProgressStatus | undefined,
  working: Working,
  reports: ReportsByJob | undefined,
  now: string | undefined,
): ProgressStatus | undefined {
  const own = before?.job === working.job ? before : undefined
  // The former attempt may have reported once more before it ended.
  const last = own ?? progressAtEnd(before, reports, now)
  const reported = reports?.get(working.job)
  if (!reported || !now) return last
  if (before && isJustWritten(before, now)) return last
  if (!own) return shown(last, working, reported, now)
  if (isNewer(reported, own, now)) {
    const next = shown(own, working, reported, now)
    if (isAsked(own) || !isSame(own, next)) return next
  }
  if (!isSilent(own, working, reported, now)) return own
  if (!isAskedAbout(own, reported)) return shown(own, working, reported, now)
  return secondsBetween(own.updated, now) < answer ? own : silent(own, reported, now)
}

function isJustWritten({ updated }: ProgressStatus, now: string): boolean {
  const age = secondsBetween(updated, now)
  return age >= 0 ? age < pause : age > -mostSkew
}

/** Once nothing is under way: with the last report, which may have come shortly before the end. */
export function progressAtEnd(
  before: ProgressStatus | undefined,
  reports: ReportsByJob | undefined,
  now: string | undefined,
): ProgressStatus | undefined {
  const reported = before && reports?.get(before.job)
  if (!before || !reported || !now || isEnded(before)) return ended(before)
  // Times are seconds: the last report may have come in the same one as that which is shown.
  if (secondsBetween(before.reported, reported.at) < 0) return ended(before)
  return ended(shown(before, before, reported, now))
}

const isEnded = ({ summary }: ProgressStatus): boolean => summary === undefined

function ended(before: ProgressStatus | undefined): ProgressStatus | undefined {
  if (!before) return undefined
  const { summary: _, eta: __, silentSince: ___, ...rest } = before
  return rest
}

const secondsBetween = (from: string, to: string): number =>
  (Date.parse(to) - Date.parse(from)) / 1000

/** A report that seems older than what is shown counts if the clock was wrong when that was written. */
const isNewer = ({ at }: Reported, { reported }: ProgressStatus, now: string): boolean =>
  secondsBetween(reported, at) > 0 || secondsBetween(now, reported) > mostSkew

/** Curves are of loads and runs; what seals or packages their result adds none. */
const startsCurves: readonly ProgressStatus['stage'][] = ['build', 'load', 'run']

function shown(
  before: ProgressStatus | undefined,
  { job, stage }: Pick<Working, 'job' | 'stage'>,
  { report, at, secondsLeft }: Reported,
  now: string,
): ProgressStatus {
  const own = before?.job === job ? before : undefined
  const since = own?.since ?? at
  const { step, of, message } = report
  const percent = wholePercentOf(report)
  const metrics = report.metrics.map(([name, value]) => [name, String(rounded(value))] as const)
  const curve = curveAfter(before, stage, report, { job, seconds: secondsBetween(since, at) })
  const fields = {
    ...(percent !== undefined && { percent }),
    ...(step !== undefined && { step }),
    ...(of !== undefined && { of }),
    ...(message !== undefined && { message }),
    ...(metrics.length && { metrics: Object.fromEntries(metrics) }),
  }
  const eta = secondsLeft === undefined ? undefined : timeAfter(at, secondsLeft)
  return {
    job,
    stage,
    ...fields,
    summary: summaryOf(fields, eta === undefined ? undefined : secondsLeft),
    since,
    reported: at,
    updated: now,
    ...(eta && { eta }),
    ...(curve.length && { curve }),
  }
}

/** Of 29, 29: 100 * 0.29 is less in floating point. */
function wholePercentOf({ percent, step, of }: Report): number | undefined {
  if (step !== undefined && of) return Math.min(100, Math.floor((100 * step) / of))
  return percent === undefined ? undefined : Math.floor(percent)
}

function curveAfter(
  before: ProgressStatus | undefined,
  stage: ProgressStatus['stage'],
  report: Report,
  { job, seconds }: { readonly job: string; readonly seconds: number },
): readonly Curve[] {
  const known = before?.curve ?? []
  if (!startsCurves.includes(stage)) return known
  return curvesAfter(before?.job === job ? known : [], report, seconds)
}

/** RFC 3339 has four digits for the year. */
function timeAfter(start: string, seconds: number): string | undefined {
  const end = Date.parse(start) + 1000 * seconds
  return end < Date.UTC(9999, 0) ? `${new Date(end).toISOString().slice(0, 19)}Z` : undefined
}

/** Whether nothing has changed that is worth a write: the percentage, or everything if there is none. */
function isSame(before: ProgressStatus, next: ProgressStatus): boolean {
  if (before.silentSince !== undefined || isEnded(before)) return false
  return keyOf(before) === keyOf(next)
}

const keyOf = ({ percent, step, message, metrics }: ProgressStatus): string =>
  percent === undefined
    ? JSON.stringify([step, message, Object.entries(metrics ?? {}).sort()])
    : String(percent)

/**
 * Reports of the same percentage are not written, so another replica may have some that this one does not
 * know. Before a replica reports a silence, it therefore writes the last report that it has, long after that
 * report came. A replica with a newer one then writes that instead, and no silence is reported.
 *
 *     last report ── patience ──▶ asked ── answer ──▶ silentSince
 *                                   └── a newer report: shown
 */
const answer = 60

/** Whether a report was written so long after it came that a newer one must be written, too. */
const isAsked = ({ reported, updated }: ProgressStatus): boolean =>
  secondsBetween(reported, updated) > leastSilence

const isAskedAbout = (own: ProgressStatus, { at, patience = leastSilence }: Reported): boolean =>
  own.reported === at && secondsBetween(at, own.updated) > patience

/** A server that has an older report than the one that is shown does not know whether any has come since. */
const isSilent = (
  own: ProgressStatus,
  { isRunning }: Working,
  { at, patience }: Reported,
  now: string,
): boolean =>
  isRunning &&
  patience !== undefined &&
  own.silentSince === undefined &&
  secondsBetween(own.reported, at) >= 0 &&
  secondsBetween(at, now) > patience

/** The pace so far says nothing about the rest any more. */
function silent(own: ProgressStatus, { at }: Reported, now: string): ProgressStatus {
  const { eta: _, summary = '', ...rest } = own
  return { ...rest, summary: withoutTimeLeft(summary), updated: now, silentSince: at }
}

/** What Ready adds. */
export const silenceNote = (progress: ProgressStatus | undefined): string =>
  progress?.silentSince ? `; no report of its progress since ${progress.silentSince}` : ''
