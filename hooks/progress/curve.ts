import { type Curve, progressLimits } from '../../crds/progress.ts'
import type { Report } from './report.ts'

/**
 * Curves of metrics with few points: whenever one is too many, the point goes whose neighbours are closest
 * to each other, so that the rest stays evenly spread.
 */

type Where = readonly [over: Curve['over'], at: number]

/** The curves with the values of a report. */
export function curvesAfter(
  before: readonly Curve[],
  report: Report,
  seconds: number,
): readonly Curve[] {
  const where = whereOf(report, seconds)
  const values = new Map(report.metrics.filter(([, value]) => Number.isFinite(value)))
  const grown = before.map((curve) => {
    const value = values.get(curve.metric)
    values.delete(curve.metric)
    return value === undefined ? curve : grownBy(curve, where, value)
  })
  const [over, at] = where
  const begun = [...values].map(
    ([metric, value]): Curve => ({ metric, over, at: [at], values: [rounded(value)] }),
  )
  return [...grown, ...begun].slice(0, progressLimits.curves)
}

const whereOf = ({ step, percent }: Report, seconds: number): Where => {
  if (step !== undefined) return ['step', step]
  return percent === undefined ? ['second', Math.max(0, seconds)] : ['percent', rounded(percent)]
}

/** A program that was restarted repeats steps: the new values replace the old ones. */
function grownBy(curve: Curve, [over, at]: Where, value: number): Curve {
  if (over !== curve.over) return curve
  const points = pointsOf(curve).filter(([earlier]) => earlier < at)
  const kept = thinned([...points, [at, rounded(value)]])
  return { ...curve, at: kept.map(([x]) => x), values: kept.map(([, y]) => y) }
}

type Point = readonly [at: number, value: number]

/** A forged status may have lists of different lengths. */
const pointsOf = ({ at, values }: Curve): readonly Point[] =>
  at.flatMap((x, place): Point[] => {
    const y = values[place]
    return y === undefined ? [] : [[x, y]]
  })

/** The first and the last point always stay. */
function thinned(points: readonly Point[]): readonly Point[] {
  if (points.length <= progressLimits.points) return points
  const span = (place: number) => (points[place + 1]?.[0] ?? 0) - (points[place - 1]?.[0] ?? 0)
  const inner = Array.from({ length: points.length - 2 }, (_, place) => place + 1)
  const least = inner.reduce((best, place) => (span(place) < span(best) ? place : best), 1)
  return thinned(points.filter((_, place) => place !== least))
}

/** Six digits are more than a curve shows. */
export const rounded = (value: number): number => Number(value.toPrecision(6))
