import { conditionOf, stageConditions, type Tone, toneOf } from './state.ts'
import { type Job, stageOf, type Thing } from './things.ts'

/** The stages of an object in their order, with the Jobs that did them and how long each took. */

export interface Stage {
  readonly condition: string
  readonly tone: Tone
  readonly word: string
  readonly message: string
  readonly jobs: readonly JobSpan[]
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
    return [
      {
        condition: type,
        tone: condition ? toneOf(condition, isStalled) : 'waiting',
        word: condition?.reason ?? '',
        message: condition?.message ?? '',
        jobs: own,
      },
    ]
  })
}

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
