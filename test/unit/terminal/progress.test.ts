import { expect, test } from 'vitest'
import { barOf, progressOf } from '../../../terminal/progress.ts'

const now = Date.parse('2026-01-01T00:00:00Z')

test.each([
  {
    when: 'it has metrics and an end',
    progress: { percent: 45, metrics: { loss: '0.51' }, eta: '2026-01-01T02:00:00Z', message: 'x' },
    is: { percent: 45, words: 'loss 0.51, 2h left' },
  },
  {
    when: 'it has only words',
    progress: { percent: 99.9, message: 'epoch 2' },
    is: { percent: 99, words: 'epoch 2' },
  },
  {
    when: 'the end is near',
    progress: { percent: 0, eta: '2026-01-01T00:00:30Z' },
    is: { percent: 0, words: '1m left' },
  },
  {
    when: 'the end has passed, or is no time',
    progress: { percent: 1, eta: '2025-01-01T00:00:00Z' },
    is: { percent: 1, words: '' },
  },
  {
    when: 'its words have escape sequences',
    progress: { percent: 1, message: '\x1b[31mred\nline' },
    is: { percent: 1, words: 'red line' },
  },
  {
    when: 'it is under way, as its summary says',
    progress: { job: 'j', summary: '45%', percent: 45 },
    is: { percent: 45, words: '' },
  },
  { when: 'it has ended', progress: { job: 'j', percent: 45 }, is: undefined },
  { when: 'it is out of range', progress: { percent: 101 }, is: undefined },
  { when: 'it is no number', progress: { percent: '45' }, is: undefined },
  { when: 'there is none', progress: undefined, is: undefined },
])('progress, when $when', ({ progress, is }) => {
  expect(progressOf({ progress }, now)).toEqual(is)
})

test('an object without a status has none', () => {
  expect(progressOf(undefined, now)).toBeUndefined()
})

test.each([
  { percent: 0, bar: '░░░░░░░░░░' },
  { percent: 45, bar: '████░░░░░░' },
  { percent: 100, bar: '██████████' },
])('the bar of $percent', ({ percent, bar }) => {
  expect(barOf(percent)).toBe(bar)
})
