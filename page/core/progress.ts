import type { Thing } from './things.ts'

/** status.progress, as far as it is there: not every object has any, and a report may leave out anything. */

export interface Progress {
  /** 0 to 100. */
  readonly percent?: number
  /** `450 of 1000`, the metrics, the message. */
  readonly words: readonly string[]
  /** When it will be done, in milliseconds. */
  readonly until?: number
  readonly curves: readonly Curve[]
}

export interface Curve {
  readonly metric: string
  /** What x counts: `step`, `percent` or `second`. */
  readonly over: string
  readonly points: readonly { readonly x: number; readonly y: number }[]
}

type Fields = Readonly<Record<string, unknown>>

const fieldsIn = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {}

const listIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value)

export function progressOf({ status }: Thing): Progress | undefined {
  const given = status?.progress
  if (typeof given !== 'object' || given === null) return undefined
  const { percent, step, of, message, metrics, eta, silentSince, curve } = given as Fields
  const until = Date.parse(String(eta))
  const isSilent = typeof silentSince === 'string'
  return {
    ...(isNumber(percent) && { percent: Math.min(100, Math.max(0, percent)) }),
    words: [
      ...(isNumber(step) ? [isNumber(of) ? `${step} of ${of}` : `step ${step}`] : []),
      ...Object.entries(fieldsIn(metrics)).map(([name, value]) => `${name} ${value}`),
      ...(typeof message === 'string' && message ? [message] : []),
      ...(isSilent ? [`no report since ${silentSince}`] : []),
    ],
    ...(!Number.isNaN(until) && !isSilent && { until }),
    curves: listIn(curve).flatMap(curveIn),
  }
}

function curveIn(value: unknown): readonly Curve[] {
  const { metric, over, at, values } = fieldsIn(value)
  if (typeof metric !== 'string' || typeof over !== 'string') return []
  const ys = listIn(values)
  const points = listIn(at).flatMap((x, index) => {
    const y = ys[index]
    return isNumber(x) && isNumber(y) ? [{ x: distinct(x), y: distinct(y) }] : []
  })
  return points.length ? [{ metric, over, points: points.toSorted((a, b) => a.x - b.x) }] : []
}

/**
 * In so few digits that a tenth of the difference of two numbers can be added to each: the plot counts its
 * marks from the one to the other, and would never arrive from 2 ** 53 - 2 at 2 ** 53 - 1.
 */
const distinct = (value: number): number => Number(value.toPrecision(12))

export type Columns = [xs: number[], ...columns: (number | null)[][]]

/** Curves on one axis: all x, then a column for each curve, with gaps. */
export function aligned(curves: readonly Curve[]): Columns {
  const xs = [...new Set(curves.flatMap(({ points }) => points.map(({ x }) => x)))].toSorted(
    (a, b) => a - b,
  )
  const columns = curves.map(({ points }) => {
    const at = new Map(points.map(({ x, y }) => [x, y]))
    return xs.map((x) => at.get(x) ?? null)
  })
  return [xs, ...columns]
}
