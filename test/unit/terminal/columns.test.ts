import { expect, test } from 'vitest'
import { columnLines } from '../../../terminal/columns.ts'

test('columns are aligned, and the last is not padded', () => {
  expect(
    columnLines([
      ['NAME', 'READY', 'REASON'],
      ['└─Model/falcon', 'True', 'Done'],
      ['a source, which has no columns'],
    ]),
  ).toEqual([
    'NAME            READY  REASON',
    '└─Model/falcon  True   Done',
    'a source, which has no columns',
  ])
})

test('a line is cut at the width of the terminal', () => {
  expect(columnLines([['falcon', 'False', 'a long message']], 16)).toEqual(['falcon  False  …'])
})

test('no cell reaches the terminal with what it would interpret', () => {
  const [line = ''] = columnLines([['│ └─\x1b[2Jm\x1b]0;x\x07', 'a\r\nb\u202ec']])
  expect(line).toBe('│ └─m]0;x  a bc')
})
