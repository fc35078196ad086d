import { duration } from '../../crds/duration.ts'
import { conditionOf, stageConditions, type Tone, toneOf } from './state.ts'
import { type Condition, type Job, stageOf, type Thing } from './things.ts'

/** The stages of an object in their order, with the Jobs that did them and how long each took. */

export interface Stage {
  readonly condition: string
  readonly tone: Tone
  readonly word: string
  readonly message: string
  readonly jobs: readonly JobSpan[]
  /** The status of its condition, and since when, in milliseconds; undefined if its Jobs say more, or nothing does. */
  readonly held?: { readonly status: string; readonly since: number }
}

export interface JobSpan {
  readonly name: string
  readonly stage: string
  readonly state: 'done' | 'failed' | 'suspended' | 'running' | 'waiting'
  /** Milliseconds; undefined before it starts. */
  readonly began?: number
  /** Undefined while it is under way. */
  readonly ended?: number
}

const conditionBy: Readonly<Record<string, string>> = {
  build: 'Built',
  load: 'Complete',
  run: 'Complete',
  seal: 'Complete',
  package: 'Packaged',
}

export function timelineOf(thing: Thing, jobs: readonly Job[]): readonly Stage[] {
  const isStalled = conditionOf(thing, 'Stalled')?.status === 'True'
  return stageConditions.flatMap((type) => {
    const condition = conditionOf(thing, type)
    const own = jobs.filter((job) => conditionBy[stageOf(job)] === type).map(spanOf)
    if (!condition && !own.length) return []
    const held = heldOf(condition, own)
    return [
      {
        condition: type,
        tone: condition ? toneOf(condition, isStalled) : 'waiting',
        word: condition?.reason ?? '',
        message: condition?.message ?? '',
        jobs: own,
        ...(held && { held }),
      },
    ]
  })
}

/** Jobs are deleted after a while, and no Job serves: then the condition is all that knows a time. */
function heldOf(condition: Condition | undefined, own: readonly JobSpan[]): Stage['held'] {
  if (!condition || condition.reason === 'Skipped') return undefined
  const { status, lastTransitionTime } = condition
  // A Job that failed before says nothing about the one that finished the stage.
  if (own.some(({ state }) => status !== 'True' || state === 'done')) return undefined
  const since = millisecondsOf(lastTransitionTime)
  return since === undefined ? undefined : { status, since }
}

/** `True for 5h`: it tells of the status alone, because the reason may have changed since. */
export const heldFor = ({ held }: Stage, now: number): string | undefined =>
  held && `${held.status} for ${duration((now - held.since) / 1000)}`

function spanOf(job: Job): JobSpan {
  const { status = {} } = job
  const ends = (type: string) =>
    status.conditions?.find((one) => one.type === type && one.status === 'True')
  const [complete, failed] = [ends('Complete'), ends('Failed')]
  const began = millisecondsOf(status.startTime)
  const ended = millisecondsOf(
    status.completionTime ?? (complete ?? failed)?.lastTransitionTime ?? undefined,
  )
  const state = complete
    ? 'done'
    : failed
      ? 'failed'
      : job.spec?.suspend
        ? 'suspended'
        : began === undefined
          ? 'waiting'
          : 'running'
  return {
    name: job.metadata.name,
    stage: stageOf(job),
    state,
    ...(began !== undefined && { began }),
    ...(ended !== undefined && { ended }),
  }
}

/** Undefined for what is no time. */
function millisecondsOf(time: string | undefined): number | undefined {
  const milliseconds = Date.parse(time ?? '')
  return Number.isNaN(milliseconds) ? undefined : milliseconds
}

/** How long a Job took, or has taken until now. A clock that jumps gives no time below zero. */
export const lasted = ({ began, ended }: JobSpan, now: number): number | undefined =>
  began === undefined ? undefined : Math.max(0, (ended ?? now) - began)

/** Where each Job is between the begin of the first and the end of the last, as fractions. */
export function barsOf(
  stages: readonly Stage[],
  now: number,
): ReadonlyMap<string, { readonly from: number; readonly width: number }> {
  const spans = stages.flatMap(({ jobs }) => jobs).filter(({ began }) => began !== undefined)
  const first = Math.min(...spans.map(({ began = now }) => began))
  const last = Math.max(...spans.map(({ began = now, ended = now }) => Math.max(began, ended)))
  const whole = Math.max(1, last - first)
  return new Map(
    spans.map((span) => [
      span.name,
      { from: ((span.began ?? first) - first) / whole, width: (lasted(span, now) ?? 0) / whole },
    ]),
  )
}
