import { expect, test } from 'vitest'
import type { Parent } from '../../../crds/kind.ts'
import { screenOf } from '../../../terminal/screen.ts'
import { type Row, rowOf, tableLines } from '../../../terminal/table.ts'
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

const object = (namespace: string, conditions?: readonly object[]) =>
  mistyped<Parent>({
    apiVersion: 'substratus.ai/v1',
    kind: 'Model',
    metadata: { name: 'm', namespace },
    spec: {},
    ...(conditions && { status: { conditions } }),
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
  const progress = { percent: 45, words: 'loss 0.51, 2h left' }
  expect(tableLines([row('falcon', { progress })])[1]).toBe(
    'Model        falcon    False  Running           ████░░░░░░ 45% loss 0.51, 2h left  Pod "x" is running',
  )
})

test('without a terminal, the time that is left makes no line, and a new percent does', () => {
  const written: string[] = []
  const show = screenOf({ write: (text) => written.push(text) })
  for (const [percent, words] of [
    [1, '2h left'],
    [1, '1h left'],
    [2, '1h left'],
  ] as const)
    show([row('a', { progress: { percent, words } })])
  expect(written).toHaveLength(3)
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
