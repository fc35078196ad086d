import { describe, expect, test } from 'vitest'
import { columnLines } from '../../../terminal/columns.ts'
import { canRedraw, screenOf } from '../../../terminal/screen.ts'
import { tableLines } from '../../../terminal/table.ts'
import { fitted, padded, widthOf } from '../../../terminal/width.ts'

describe('a text takes as many columns as a terminal needs for it', () => {
  test.each([
    { of: 'ASCII', text: 'loss 0.5', width: 8 },
    { of: 'Chinese', text: '训练中', width: 6 },
    { of: 'accents of their own', text: 'e\u0301te\u0301', width: 3 },
    { of: 'an emoji', text: '🦙', width: 2 },
    { of: 'a bar and an arrow', text: '██░░ →', width: 6 },
    { of: 'nothing', text: '', width: 0 },
  ])('$of', ({ text, width }) => {
    expect(widthOf(text)).toBe(width)
    expect(widthOf(padded(text, 10))).toBe(10)
  })
})

describe('a text is cut between characters', () => {
  test.each([
    { when: 'it fits', text: '训练中', width: 6, is: '训练中' },
    { when: 'it is too wide', text: '训练中ab', width: 6, is: '训练…' },
    { when: 'half a character would fit', text: '训练中', width: 4, is: '训…' },
    { when: 'an accent belongs to the last one', text: 'ae\u0301bc', width: 3, is: 'ae\u0301…' },
    { when: 'there is hardly room', text: 'abc', width: 1, is: '…' },
    { when: 'there is none', text: 'abc', width: 0, is: '…' },
  ])('when $when', ({ text, width, is }) => {
    expect(fitted(text, width)).toBe(is)
  })
})

const row = (message: string) => ({
  kind: 'Model',
  name: 'm',
  ready: 'False',
  reason: 'Running',
  message,
})

test('no line of a table is wider than the terminal', () => {
  for (const width of [20, 60, 80])
    for (const line of tableLines([row('训'.repeat(50)), row('x'.repeat(90))], width))
      expect(widthOf(line)).toBeLessThanOrEqual(width)
  expect(
    columnLines([
      ['训', 'a'],
      ['ab', 'b'],
    ]),
  ).toEqual(['训  a', 'ab  b'])
})

test('a terminal that cannot move its cursor gets a line for each change', () => {
  expect(canRedraw({ isTTY: true, write: () => {} }, 'xterm')).toBe(true)
  expect(canRedraw({ isTTY: true, write: () => {} }, 'dumb')).toBe(false)
  expect(canRedraw({ write: () => {} }, 'xterm')).toBe(false)
})

test('all lines on a narrow terminal fit, with those that were left out', () => {
  let drawn = ''
  const show = screenOf({ isTTY: true, columns: 20, rows: 6, write: (text) => (drawn += text) })
  show([row('a'), row('b'), row('c'), row('d')], 'cannot read from the API server')
  for (const line of drawn.split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(20)
})

test('a terminal that reports no size shows everything', () => {
  let drawn = ''
  const show = screenOf({ isTTY: true, columns: 0, rows: 0, write: (text) => (drawn += text) })
  show([row('x'.repeat(300)), row('b'), row('c')], 'cannot read from the API server')
  expect(drawn).not.toContain('…')
  expect(drawn.split('\n')).toHaveLength(6)
})
