import { expect, test } from 'vitest'
import { ageOf, duration, estimate } from '../../../crds/duration.ts'

const now = Date.parse('2026-01-01T00:00:00Z')
const before = (seconds: number) => new Date(now - seconds * 1000).toISOString()

test.each([
  { since: before(0), age: '0s' },
  { since: before(119), age: '119s' },
  { since: before(120), age: '2m' },
  { since: before(155), age: '2m35s' },
  { since: before(3600), age: '60m' },
  { since: before(4 * 3600 + 60), age: '4h1m' },
  { since: before(30 * 3600), age: '30h' },
  { since: before(3 * 86_400 + 3600), age: '3d1h' },
  { since: before(90 * 86_400), age: '90d' },
  { since: before(800 * 86_400), age: '2y' },
])('an age is shown as $age', ({ since, age }) => {
  expect(ageOf(since, now)).toBe(age)
})

test('a time to come has no age yet; what is no time has none', () => {
  expect([before(-60), 'yesterday', undefined].map((since) => ageOf(since, now))).toEqual([
    '0s',
    '-',
    '-',
  ])
})

test('a time below zero is none', () => {
  expect(duration(-5)).toBe('0s')
})

test.each([
  [0, '0s'],
  [59, '59s'],
  [90, '1m30s'],
  [125, '2m'],
  [5400, '1h30m'],
  [7300, '2h'],
  [90_000, '1d1h'],
  [864_000, '10d'],
])('about %d seconds are %s', (seconds, text) => {
  expect(estimate(seconds)).toBe(text)
})
