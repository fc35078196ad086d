import { describe, expect, test } from 'vitest'
import { isStillIdle, timeOf } from '../../../crds/idleness.ts'

test.each([
  ['2026-01-01T00:00:00Z', 1_767_225_600_000],
  ['2026-01-01T00:00:00.5Z', 1_767_225_600_500],
])('%s is %d ms', (text, time) => {
  expect(timeOf(text)).toBe(time)
})

test.each([
  ['what date prints by itself', 'Thu Jan  1 00:00:00 UTC 2026'],
  ['another time zone', '2026-01-01T00:00:00+01:00'],
  ['a thirteenth month', '2026-13-01T00:00:00Z'],
  ['seconds since 1970', '1767225600'],
  ['an empty value', ''],
  ['no value', undefined],
])('%s is no time', (_, text) => {
  expect(timeOf(text)).toBeUndefined()
})

describe('what was found idle at 12:00', () => {
  const since = '2026-01-01T12:00:00Z'
  const at = (time: string) => `2026-01-01T${time}Z`
  test.each([
    { when: 'it was never opened', before: undefined, opened: undefined, sleeps: true },
    { when: 'it was opened for the first time', before: undefined, opened: 'now', sleeps: false },
    { when: 'it is opened again', before: 'monday', opened: 'tuesday', sleeps: false },
    { when: 'nothing has changed', before: 'monday', opened: 'monday', sleeps: true },
    { when: 'it was opened before', before: at('11:59:59'), opened: at('11:59:59'), sleeps: true },
    {
      when: 'it was opened in the same second, before a sync saw the end',
      before: at('12:00:00'),
      opened: at('12:00:00'),
      sleeps: false,
    },
    {
      when: 'it was opened later, before a sync saw the end',
      before: at('12:00:01.234'),
      opened: at('12:00:01.234'),
      sleeps: false,
    },
    {
      when: 'it is opened by somebody whose clock is behind',
      before: undefined,
      opened: at('11:00:00'),
      sleeps: false,
    },
    { when: 'the annotation is removed', before: 'monday', opened: undefined, sleeps: true },
  ])('sleeps: $sleeps, when $when', ({ before, opened, sleeps }) => {
    const idle = { container: 'c', since, ...(before !== undefined && { opened: before }) }
    expect(isStillIdle(idle, opened)).toBe(sleeps)
  })

  test.each([
    { what: 'its former value', opened: 'monday' },
    { what: 'no value', opened: undefined },
    { what: 'another value', opened: 'tuesday' },
  ])('stays awake with $what, once a waking is recorded', ({ opened }) => {
    const woken = { container: 'c', since, opened: 'monday', woken: at('13:00:00') }
    expect(isStillIdle(woken, opened)).toBe(false)
  })

  test('an older release recorded no time: another value wakes it, as it did', () => {
    expect(isStillIdle({ container: 'c', opened: at('13:00:00') }, at('13:00:00'))).toBe(true)
    expect(isStillIdle({ container: 'c', opened: at('13:00:00') }, at('13:00:01'))).toBe(false)
  })
})
