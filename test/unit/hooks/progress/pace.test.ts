import { describe, expect, test } from 'vitest'
import { type Pace, paceAfter, patience, secondsLeft } from '../../../../hooks/progress/pace.ts'
import type { Report } from '../../../../hooks/progress/report.ts'

type Timed = readonly [second: number, step: number]

const of = (step: number, of = 1000): Report => ({ step, of, metrics: [] })

/** The pace after reports at these seconds. */
const paceOf = (reports: readonly Timed[]): Pace =>
  reports.reduce<Pace | undefined>(
    (pace, [second, step]) => paceAfter(pace, of(step), 1000 * second),
    undefined,
  ) as Pace

describe('the time that is left', () => {
  test.each<{ when: string; reports: readonly Timed[]; left: number | undefined }>([
    {
      when: 'half is done in a minute',
      reports: [
        [0, 0],
        [60, 500],
      ],
      left: 60,
    },
    {
      when: 'it began at a checkpoint',
      reports: [
        [0, 800],
        [60, 900],
      ],
      left: 60,
    },
    {
      when: 'it was slow at first',
      reports: [
        [0, 0],
        [100, 10],
        [200, 20],
        [300, 120],
        [400, 220],
      ],
      left: 780,
    },
    { when: 'there is one report', reports: [[0, 500]], left: undefined },
    {
      when: 'two came at once',
      reports: [
        [0, 0],
        [1, 500],
      ],
      left: undefined,
    },
    {
      when: 'nothing advances',
      reports: [
        [0, 500],
        [60, 500],
      ],
      left: undefined,
    },
    {
      when: 'it was restarted',
      reports: [
        [0, 0],
        [60, 900],
        [70, 100],
        [90, 300],
      ],
      left: 70,
    },
    {
      when: 'a clock has jumped back',
      reports: [
        [60, 0],
        [0, 500],
      ],
      left: undefined,
    },
    {
      when: 'more is done than there is',
      reports: [
        [0, 0],
        [60, 1200],
      ],
      left: 0,
    },
  ])('when $when', ({ reports, left }) => {
    expect(secondsLeft(paceOf(reports), of(reports.at(-1)?.[1] ?? 0))).toBe(left)
  })

  test('is what the sender says, if it says so', () => {
    const report = { ...of(1), secondsLeft: 7200 }
    expect(secondsLeft(paceAfter(undefined, report, 0), report)).toBe(7200)
  })
})

describe('a silence is worth telling', () => {
  const every = (seconds: number, reports: number) =>
    paceOf(Array.from({ length: reports }, (_, at): Timed => [at * seconds, at]))

  test.each([
    { when: 'after ten usual gaps', pace: every(30, 20), seconds: 300 },
    { when: 'not within a minute', pace: every(1, 20), seconds: 60 },
    { when: 'never, if few reports came', pace: every(30, 4), seconds: undefined },
  ])('$when', ({ pace, seconds }) => {
    expect(patience(pace)).toBe(seconds)
  })
})
