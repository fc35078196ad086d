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
