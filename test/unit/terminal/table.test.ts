import { describe, expect, test } from 'vitest'
import type { Parent } from '../../../crds/kind.ts'
import { screenOf } from '../../../terminal/screen.ts'
import { type Row, rowOf, tableLines } from '../../../terminal/table.ts'
import { widthOf } from '../../../terminal/width.ts'
import { mistyped } from '../../objects.ts'

const row = (name: string, more: Partial<Row> = {}): Row => ({
  kind: 'Model',
  name,
  ready: 'False',
  reason: 'Running',
  message: 'Pod "x" is running',
  ...more,
})

test('a table has columns, and is cut at the width of the terminal', () => {
  const rows = [
    row('falcon'),
    row('team/a-long-name', { ready: 'True', reason: 'Done', message: 'a\nb' }),
  ]
  expect(tableLines(rows, 64)).toEqual([
    'KIND         NAME              READY  REASON            MESSAGE',
    'Model        falcon            False  Running           Pod "x"…',
    'Model        team/a-long-name  True   Done              a b',
  ])
})

const object = (namespace: string, conditions?: readonly object[], progress?: object) =>
  mistyped<Parent>({
    apiVersion: 'substratus.ai/v1',
    kind: 'Model',
    metadata: { name: 'm', namespace },
    spec: {},
    ...(conditions && { status: { conditions, progress } }),
  })

test('a row is the Ready condition of an object, or says that there is none yet', () => {
  const ready = { type: 'Ready', status: 'True', reason: 'Done', message: 'here' }
  expect(rowOf(object('default', [{ type: 'Built' }, ready]))).toEqual(
    row('m', { ready: 'True', reason: 'Done', message: 'here' }),
  )
  expect(rowOf(object('team'))).toEqual(
    row('team/m', { ready: '-', reason: '-', message: 'not seen by the controller yet' }),
  )
})

const drawing = (isTTY: boolean) => {
  const written: string[] = []
  const show = screenOf({ isTTY, columns: 80, write: (text) => written.push(text) })
  show([row('a'), row('b')])
  show([row('a'), row('b')])
  show([row('a'), row('b', { ready: 'True' })])
  return written
}

test('a terminal is redrawn in place, and only when something has changed', () => {
  const written = drawing(true)
  expect(written).toHaveLength(2)
  expect(written[1]?.startsWith('\x1b[3A\x1b[J')).toBe(true)
})

test('without a terminal only the changed rows are printed, under one heading', () => {
  expect(drawing(false).map((line) => line.split(/\s+/).slice(0, 3).join(' '))).toEqual([
    'KIND NAME READY',
    'Model a False',
    'Model b False',
    'Model b True',
  ])
})

test('work under way has a bar before its message', () => {
  const progress = { percent: 45, words: '45% loss 0.51, 2h left', landmark: '45' }
  expect(tableLines([row('falcon', { progress })])[1]).toBe(
    'Model        falcon    False  Running           ████░░░░░░ 45% loss 0.51, 2h left  Pod "x" is running',
  )
})

test('work without a percentage has its words before its message, within the width and on one line', () => {
  const progress = { words: 'step 450 loss 0.5', landmark: '' }
  expect(tableLines([row('falcon', { progress })])[1]).toBe(
    'Model        falcon    False  Running           step 450 loss 0.5  Pod "x" is running',
  )
  const hostile = { words: `\x1b[2J${'训'.repeat(50)}\n`, landmark: '' }
  const [, line = ''] = tableLines([row('falcon', { progress: hostile })], 60)
  expect(line).toMatch(/ {2}\S*训…$/)
  expect(line).not.toMatch(/\p{Cc}/u)
  expect(widthOf(line)).toBeLessThanOrEqual(60)
})

describe('without a terminal', () => {
  const linesOf = (...reports: readonly (object | undefined)[]) => {
    const written: string[] = []
    const show = screenOf({ write: (text) => written.push(text) })
    const ready = { type: 'Ready', status: 'False', reason: 'Running', message: 'here' }
    for (const progress of reports) show([rowOf(object('default', [ready], progress))])
    return written.slice(1).map((line) => line.trim().replace(/^.* Running +/, ''))
  }

  test.each([
    {
      what: 'a new percentage, and not the time that is left',
      reports: [
        { percent: 1, summary: '1%, 2h left' },
        { percent: 1, summary: '1%, 1h left' },
        { percent: 2, summary: '2%, 1h left' },
      ],
      lines: ['░░░░░░░░░░ 1%, 2h left  here', '░░░░░░░░░░ 2%, 1h left  here'],
    },
    {
      what: 'that steps begin, and not each step and metric',
      reports: [
        undefined,
        { step: 1, summary: 'step 1 loss 2' },
        { step: 2, summary: 'step 2 loss 1.5' },
      ],
      lines: ['here', 'step 1 loss 2  here'],
    },
    {
      what: 'another message, and not the numbers in it',
      reports: [
        { summary: 'file 9 of 500', message: 'file 9 of 500' },
        { summary: 'file 10 of 500', message: 'file 10 of 500' },
        { summary: 'merging', message: 'merging' },
      ],
      lines: ['file 9 of 500  here', 'merging  here'],
    },
    {
      what: 'that the work has ended',
      reports: [{ step: 1, summary: 'step 1' }, { step: 1 }],
      lines: ['step 1  here', 'here'],
    },
  ])('a line says $what', ({ reports, lines }) => {
    expect(linesOf(...reports)).toEqual(lines)
  })
})

test('without a terminal, an object that is gone is told once, and again if it returns', () => {
  const written: string[] = []
  const show = screenOf({ write: (text) => written.push(text) })
  for (const rows of [[row('a')], [], [], [row('a')]]) show(rows)
  expect(written.map((line) => line.trim().split(/\s+/).slice(1, 4).join(' '))).toEqual([
    'NAME READY REASON',
    'a False Running',
    'a - Deleted',
    'NAME READY REASON',
    'a False Running',
  ])
})

test('a terminal that is too low shows what is not Ready, and counts the rest', () => {
  const written: string[] = []
  const show = screenOf({ isTTY: true, columns: 80, rows: 6, write: (text) => written.push(text) })
  const rows = ['a', 'b', 'c', 'd'].map((name) => row(name, { ready: 'True' }))
  show([...rows, row('e')])
  const lines = written.join('').trim().split('\n')
  expect(lines.map((line) => line.split(/\s+/)[1])).toEqual(['NAME', 'a', 'e', 'and'])
  expect(lines.at(-1)).toBe('… and 3 more, 3 of them Ready')
})

test('a note stands below the table until it is gone', () => {
  const written: string[] = []
  const show = screenOf({ isTTY: true, columns: 20, write: (text) => written.push(text) })
  show([row('a')], 'the API server \x1b[2J does not answer')
  show([row('a')])
  expect(written[0]?.trim().split('\n').at(-1)).toBe('the API server does…')
  expect(written[1]).not.toContain('the API server')
})
