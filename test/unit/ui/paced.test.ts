import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { paced } from '../../../ui/paced.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('what comes after a pause is not delayed; what follows waits once', () => {
  let runs = 0
  const { wake, stop } = paced(() => runs++, 50)
  for (let at = 0; at < 3; at++) wake()
  vi.advanceTimersByTime(1)
  expect(runs).toBe(1)
  for (let at = 0; at < 3; at++) wake()
  vi.advanceTimersByTime(48)
  expect(runs).toBe(1)
  vi.advanceTimersByTime(2)
  expect(runs).toBe(2)
  vi.advanceTimersByTime(200)
  expect(runs).toBe(2)
  wake()
  vi.advanceTimersByTime(1)
  expect(runs).toBe(3)
  wake()
  stop()
  vi.advanceTimersByTime(200)
  expect(runs).toBe(3)
})
