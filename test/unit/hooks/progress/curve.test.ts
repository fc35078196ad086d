import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Curve } from '../../../../crds/progress.ts'
import { curvesAfter } from '../../../../hooks/progress/curve.ts'
import type { Report } from '../../../../hooks/progress/report.ts'

const reported = (reports: readonly Report[]): readonly Curve[] =>
  reports.reduce<readonly Curve[]>((curves, report, at) => curvesAfter(curves, report, at), [])

const loss = (step: number, value: number): Report => ({ step, metrics: [['loss', value]] })

describe('a curve', () => {
  test('has each point while there are few', () => {
    expect(reported([loss(1, 3), loss(2, 2), loss(3, 1.5)])).toEqual([
      { metric: 'loss', over: 'step', at: [1, 2, 3], values: [3, 2, 1.5] },
    ])
  })

  test('stays evenly spread as it grows', () => {
    const [curve] = reported(Array.from({ length: 5000 }, (_, step) => loss(step, 1 / (step + 1))))
    const { at = [] } = curve ?? {}
    expect(at).toHaveLength(50)
    expect([at[0], at.at(-1)]).toEqual([0, 4999])
    const gaps = at.slice(1).map((x, place) => x - (at[place] ?? 0))
    expect(Math.max(...gaps)).toBeLessThan(300)
  })

  test('is of the first three metrics', () => {
    const metrics = ['a', 'b', 'c', 'd'].map((name, at): [string, number] => [name, at])
    expect(reported([{ percent: 1, metrics }]).map(({ metric }) => metric)).toEqual(['a', 'b', 'c'])
  })

  test('leaves out what is no number', () => {
    expect(reported([loss(1, 3), loss(2, Number.NaN), loss(3, Number.POSITIVE_INFINITY)])).toEqual([
      { metric: 'loss', over: 'step', at: [1], values: [3] },
    ])
  })

  test('continues where a program was restarted', () => {
    const [curve] = reported([loss(1, 3), loss(2, 2), loss(3, 1), loss(2, 2.5)])
    expect(curve).toMatchObject({ at: [1, 2], values: [3, 2.5] })
  })

  test('is over seconds if there are no steps, and stays so', () => {
    const metrics = [['loss', 2]] as const
    const [curve] = reported([{ metrics }, { metrics }, { step: 7, metrics }])
    expect(curve).toEqual({ metric: 'loss', over: 'second', at: [0, 1], values: [2, 2] })
  })
})

test('no sequence of reports makes a curve that its schema refuses', () => {
  const report = fc.record({
    step: fc.nat(1000),
    metrics: fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', '__proto__'), fc.double())),
  })
  fc.assert(
    fc.property(fc.array(report, { maxLength: 200, size: 'max' }), (reports) => {
      const curves = reported(reports)
      expect(curves.length).toBeLessThanOrEqual(3)
      for (const { at, values } of curves) {
        expect(at.length).toBeLessThanOrEqual(50)
        expect(values).toHaveLength(at.length)
        expect(values.every(Number.isFinite)).toBe(true)
        expect(at.every((x, place) => place === 0 || x > (at[place - 1] ?? 0))).toBe(true)
      }
    }),
  )
})
