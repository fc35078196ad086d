import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { endingWith } from '../../../gateway/ending.ts'

test('an answer ends with its client, also with one that has gone before', () => {
  const going = new AbortController()
  const before = endingWith(going.signal, 60_000)
  expect(before.signal.aborted).toBe(false)
  going.abort()
  expect(before.signal.aborted).toBe(true)
  const after = endingWith(going.signal, 60_000)
  expect(after.signal.aborted).toBe(true)
  before.stop()
  after.stop()
})

test('an answer ends after its time, unless it is over before', async () => {
  const { signal } = new AbortController()
  const late = endingWith(signal, 20)
  const over = endingWith(signal, 20)
  over.stop()
  await sleep(100)
  expect(late.signal.aborted).toBe(true)
  expect(over.signal.aborted).toBe(false)
})
