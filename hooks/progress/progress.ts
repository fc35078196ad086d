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
  /** Since when: a Pod that waited, or that follows another one, could not report before. */
  readonly since?: string | undefined
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
  const since = silenceOf(reported, working)
  if (!isAskedAbout(own, reported, since)) return shown(own, working, reported, now)
  return secondsBetween(own.updated, now) < answer ? own : silent(own, since, now)
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
  if (!before || !reported || !now) return ended(before)
  const newer = secondsBetween(before.reported, reported.at)
  // Another replica may have ended it with an older report. Until then a report counts that came in the same
  // second as the one that is shown, because times are whole seconds.
  const isNews = isEnded(before) ? newer > 0 : newer >= 0
  return ended(isNews ? shown(before, before, reported, now) : before)
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
  const end = secondsLeft === undefined ? undefined : timeAfter(at, secondsLeft)
  // A report that is told late may have expected an end that is past.
  const eta = end !== undefined && secondsBetween(now, end) >= 0 ? end : undefined
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

const isAskedAbout = (
  own: ProgressStatus,
  { at, patience = leastSilence }: Reported,
  since: string,
): boolean => own.reported === at && secondsBetween(since, own.updated) > patience

/** When a silence began: with the last report, or with the program. */
const silenceOf = ({ at }: Reported, { since = at }: Working): string =>
  secondsBetween(at, since) > 0 ? since : at

/** A server that has an older report than the one that is shown does not know whether any has come since. */
const isSilent = (
  own: ProgressStatus,
  working: Working,
  reported: Reported,
  now: string,
): boolean =>
  working.isRunning &&
  reported.patience !== undefined &&
  own.silentSince === undefined &&
  secondsBetween(own.reported, reported.at) >= 0 &&
  secondsBetween(silenceOf(reported, working), now) > reported.patience

/** The pace so far says nothing about the rest any more. */
function silent(own: ProgressStatus, silentSince: string, now: string): ProgressStatus {
  const { eta: _, summary = '', ...rest } = own
  return { ...rest, summary: withoutTimeLeft(summary), updated: now, silentSince }
}

/** What Ready adds. */
export const silenceNote = (progress: ProgressStatus | undefined): string =>
  progress?.silentSince ? `; no report of its progress since ${progress.silentSince}` : ''
