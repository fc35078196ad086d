import { describe, expect, test } from 'vitest'
import { aligned, progressOf } from '../../../page/core/progress.ts'
import { aThing } from './shown.ts'

const progressIn = (progress: unknown) => progressOf(aThing('Model', 'm', { status: { progress } }))

test('an object without reports has no progress', () => {
  expect(progressOf(aThing('Model', 'm'))).toBeUndefined()
  expect(progressIn('half')).toBeUndefined()
})

test('a report in words, with the time that is left and its curves', () => {
  expect(
    progressIn({
      percent: 45,
      step: 450,
      of: 1000,
      message: 'epoch 2',
      metrics: { loss: '0.51' },
      eta: '2026-11-27T12:00:00Z',
      curve: [{ metric: 'loss', over: 'step', at: [1, 450], values: [2.5, 0.51] }],
    }),
  ).toEqual({
    percent: 45,
    words: ['450 of 1000', 'loss 0.51', 'epoch 2'],
    until: Date.parse('2026-11-27T12:00:00Z'),
    curves: [
      {
        metric: 'loss',
        over: 'step',
        points: [
          { x: 1, y: 2.5 },
          { x: 450, y: 0.51 },
        ],
      },
    ],
  })
})

test('reports that have stopped say so, and promise no end', () => {
  const progress = progressIn({
    eta: '2026-11-27T12:00:00Z',
    silentSince: '2026-11-27T11:00:00Z',
  })
  expect(progress).toEqual({ words: ['no report since 2026-11-27T11:00:00Z'], curves: [] })
})

describe('values that are none are left out', () => {
  test.each([
    { what: 'a percentage above all', given: { percent: 1e300 }, is: { percent: 100 } },
    { what: 'a negative percentage', given: { percent: -1 }, is: { percent: 0 } },
    { what: 'text for numbers', given: { percent: 'NaN', step: '7' }, is: {} },
    { what: 'an end that is no time', given: { eta: 'soon' }, is: {} },
    { what: 'a curve that is no list', given: { curve: 'loss' }, is: {} },
    { what: 'a curve of nothing', given: { curve: [null, 1, { metric: 'a' }] }, is: {} },
  ])('$what', ({ given, is }) => {
    expect(progressIn(given)).toEqual({ words: [], curves: [], ...is })
  })

  test('points without a value, and points out of order', () => {
    const curve = [{ metric: 'loss', over: 'step', at: [3, 1, 2, 4], values: [3, 1, 'NaN'] }]
    expect(progressIn({ curve })?.curves[0]?.points).toEqual([
      { x: 1, y: 1 },
      { x: 3, y: 3 },
    ])
  })
})

test('a plot can count from each point of a curve to the next', () => {
  const most = Number.MAX_SAFE_INTEGER
  const at = [most - 10 ** 5, most - 10, most - 1, most, 1e300, 1.0000000000000002e300]
  const curve = [{ metric: 'loss', over: 'step', at, values: at }]
  const points = progressIn({ curve })?.curves[0]?.points ?? []
  expect(points).toHaveLength(at.length)
  for (const axis of ['x', 'y'] as const) {
    const marks = [...new Set(points.map((point) => point[axis]))]
    for (const [place, mark] of marks.slice(0, -1).entries()) {
      const step = ((marks[place + 1] ?? 0) - mark) / 100
      expect(mark + step).toBeGreaterThan(mark)
    }
  }
})

test('curves of two objects share one axis, with gaps', () => {
  const curve = (...xs: readonly number[]) => ({
    metric: 'loss',
    over: 'step',
    points: xs.map((x) => ({ x, y: x * 10 })),
  })
  expect(aligned([curve(1, 2), curve(2, 3)])).toEqual([
    [1, 2, 3],
    [10, 20, null],
    [null, 20, 30],
  ])
})
