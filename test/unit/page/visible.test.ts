import { beforeEach, expect, test } from 'vitest'
import { shown, whileShown } from '../../../page/visible.ts'

/** A tab, which `show` shows or hides. */
let tab: EventTarget & { hidden: boolean }
const show = (isShown: boolean): void => {
  tab.hidden = !isShown
  tab.dispatchEvent(new Event('visibilitychange'))
}
beforeEach(() => {
  tab = Object.assign(new EventTarget(), { hidden: false })
})

/** Ends as a request does whose signal aborts. */
const following = (signal: AbortSignal): Promise<void> =>
  new Promise((_, reject) => {
    const cut = () => reject(new Error('cut'))
    if (signal.aborted) cut()
    signal.addEventListener('abort', cut)
  })

const never = new AbortController().signal

test('what is done while a tab is shown ends when it is hidden, also if it is soon shown again', async () => {
  const done = whileShown(tab, never, following)
  show(false)
  show(true)
  expect(await done).toBe(true)
})

test('it ends at once in a tab that was hidden before', async () => {
  show(false)
  expect(await whileShown(tab, never, following)).toBe(true)
})

test('other errors, and the other signal, are told', async () => {
  await expect(whileShown(tab, never, () => Promise.reject(new Error('ended')))).rejects.toThrow(
    'ended',
  )
  const ending = new AbortController()
  const done = whileShown(tab, ending.signal, following)
  ending.abort()
  await expect(done).rejects.toThrow('cut')
  expect(await whileShown(tab, never, async () => {})).toBe(false)
})

test('a hidden tab waits until it is shown', async () => {
  show(false)
  let isShown = false
  const waiting = shown(tab).then(() => {
    isShown = true
  })
  await Promise.resolve()
  expect(isShown).toBe(false)
  show(true)
  await waiting
})
