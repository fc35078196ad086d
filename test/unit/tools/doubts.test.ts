import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { doubtsIn, type Insight } from '../../../tools/doubts.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'substratus-doubts-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** A minute, and what is true in it: `t` can tell, `d` cannot, `-` no answer, `r` the container is restarted. */
const insights: Readonly<Record<string, Insight | undefined>> = { t: 'can tell', d: 'cannot tell' }

/** The minutes in which the watch ends with a report; each end restarts its container. */
function reportsIn(minutes: string): readonly number[] {
  let isNew = doubtsIn(folder)
  let start = 0
  return [...minutes].flatMap((letter, minute) => {
    const isReport = letter !== 'r' && isNew(insights[letter], (minute - start) * 60_000)
    if (letter === 'r' || isReport) {
      isNew = doubtsIn(folder)
      start = minute
    }
    return isReport ? [minute] : []
  })
}

const flapping = 'dt'.repeat(300)
const inTurns = (minutes: number) => ('d'.repeat(minutes) + 't'.repeat(minutes)).repeat(50)

describe('the watch reports', () => {
  test.each([
    { what: 'nothing while it can tell', minutes: 'ttttttttttttttt', reports: [] },
    { what: 'its first doubt at once, and once', minutes: 'tt-ddddddddddddddd', reports: [3] },
    {
      what: 'that it can tell again after ten minutes',
      minutes: 'dtttttttttttttttt',
      reports: [0, 11],
    },
    {
      what: 'a second doubt after twice as long',
      minutes: `dttttttttttt${'d'.repeat(30)}`,
      reports: [0, 11, 32],
    },
    {
      what: 'less and less of metrics that come and go every quarter of an hour',
      minutes: inTurns(15),
      reports: [0, 25],
    },
    {
      what: 'less and less of metrics that come and go every two hours',
      minutes: inTurns(120),
      reports: [0, 130, 260, 400, 560],
    },
    { what: 'nothing more of metrics that come and go', minutes: flapping, reports: [0] },
    {
      what: 'nothing before the ten minutes after the server was away',
      minutes: 'dttttttttt-tttttttttttttt',
      reports: [0, 21],
    },
    {
      what: 'nothing before the ten minutes after its container was restarted',
      minutes: 'dtttttttttrttttttttttttttt',
      reports: [0, 21],
    },
  ])('$what', ({ minutes, reports }) => {
    expect(reportsIn(minutes)).toEqual(reports)
  })
})
