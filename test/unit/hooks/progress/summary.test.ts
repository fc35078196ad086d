import { expect, test } from 'vitest'
import { summaryOf, withoutTimeLeft } from '../../../../hooks/progress/summary.ts'

test.each([
  {
    shown: { percent: 45, step: 450, metrics: { loss: '0.5123' } },
    left: 7300,
    text: '45% loss 0.512, 2h left',
  },
  { shown: { percent: 45 }, left: undefined, text: '45%' },
  { shown: { step: 450, metrics: { loss: 'NaN' } }, left: undefined, text: 'step 450 loss NaN' },
  { shown: { message: 'reading the archive' }, left: undefined, text: 'reading the archive' },
  { shown: { percent: 100, metrics: { loss: '1e-7' } }, left: 0, text: '100% loss 1e-7, 0s left' },
  {
    shown: { step: 9007199254740991, metrics: { ['m'.repeat(64)]: '-1.23456e+300' } },
    left: 8e12,
    text: `step 9007199254740991 ${'m'.repeat(24)}… -1.23e+300, 92592593d left`,
  },
])('the summary reads "$text"', ({ shown, left, text }) => {
  const summary = summaryOf(shown as Parameters<typeof summaryOf>[0], left)
  expect(summary).toBe(text)
  expect(summary.length).toBeLessThanOrEqual(80)
})

test.each([
  ['45% loss 0.5, 1h30m left', '45% loss 0.5'],
  ['2h left', ''],
  ['45% loss 0.5', '45% loss 0.5'],
])('"%s" without the time that is left is "%s"', (before, after) => {
  expect(withoutTimeLeft(before)).toBe(after)
})
