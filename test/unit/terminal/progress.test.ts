import { describe, expect, test } from 'vitest'
import { summaryOf } from '../../../hooks/progress/summary.ts'
import { barOf, progressOf } from '../../../terminal/progress.ts'

test.each([
  {
    when: 'it has a percentage',
    progress: { percent: 45, summary: '45% loss 0.51, 2h left', message: 'x' },
    is: { percent: 45, words: '45% loss 0.51, 2h left', landmark: '45' },
  },
  {
    when: 'it has only a step and metrics',
    progress: { step: 450, metrics: { loss: '0.5' }, summary: 'step 450 loss 0.5' },
    is: { words: 'step 450 loss 0.5', landmark: '' },
  },
  {
    when: 'it has only a message',
    progress: { summary: 'epoch 2', message: 'epoch 2' },
    is: { words: 'epoch 2', landmark: 'epoch #' },
  },
  {
    when: 'its words have escape sequences',
    progress: { percent: 1, summary: '\x1b[31mred\nline' },
    is: { percent: 1, words: 'red line', landmark: '1' },
  },
  {
    when: 'its percentage is out of range',
    progress: { percent: 101, summary: '101%' },
    is: { words: '101%', landmark: '' },
  },
  {
    when: 'its percentage is no number',
    progress: { percent: '45', summary: '45%' },
    is: { words: '45%', landmark: '' },
  },
  { when: 'it has ended', progress: { job: 'j', percent: 45 }, is: undefined },
  { when: 'it says nothing', progress: { job: 'j', summary: '' }, is: undefined },
  { when: 'its summary is no text', progress: { percent: 4, summary: {} }, is: undefined },
  { when: 'there is none', progress: undefined, is: undefined },
])('progress, when $when', ({ progress, is }) => {
  expect(progressOf({ progress })).toEqual(is)
})

test('an object without a status has none', () => {
  expect(progressOf(undefined)).toBeUndefined()
})

describe('what the hooks write for the column of kubectl is shown as it is', () => {
  test.each([
    { of: 'a percentage', report: { percent: 45, metrics: { loss: '0.51' } } },
    { of: 'a step and metrics', report: { step: 450, metrics: { loss: '0.5' } } },
    { of: 'a message', report: { message: 'tokenizing' } },
  ])('$of', ({ report }) => {
    const summary = summaryOf(report, undefined)
    expect(progressOf({ progress: { ...report, summary } })?.words).toBe(summary)
  })
})

test('a message that counts has one landmark, however it writes its numbers', () => {
  const counting = ['loss 1.5e-05, 3/500', 'loss 0.25, 12/500', 'loss 2, 1,000/500']
  const landmarks = counting.map(
    (message) => progressOf({ progress: { message, summary: 'x' } })?.landmark,
  )
  expect(new Set(landmarks).size).toBe(1)
})

test.each([
  { percent: 0, bar: '░░░░░░░░░░' },
  { percent: 45, bar: '████░░░░░░' },
  { percent: 100, bar: '██████████' },
])('the bar of $percent', ({ percent, bar }) => {
  expect(barOf(percent)).toBe(bar)
})
