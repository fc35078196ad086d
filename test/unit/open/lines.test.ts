import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Notebook } from '../../../crds/notebook.ts'
import {
  leftRunning,
  notFound,
  question,
  suspended,
  waitLine,
  wantsSuspend,
} from '../../../open/lines.ts'
import { liveLine } from '../../../open/liveline.ts'
import type { Target } from '../../../open/target.ts'

const target: Target = { kind: Notebook, name: 'explore' }

test.each([
  [
    notFound(target, 'team', ['b', 'a']),
    'Notebook "explore" does not exist in namespace "team"; notebooks in namespace "team": a, b',
  ],
  [
    notFound(target, 'team', []),
    'Notebook "explore" does not exist in namespace "team", and no other notebook does',
  ],
  [notFound(target, 'team'), 'Notebook "explore" does not exist in namespace "team"'],
  [
    suspended(target),
    'Notebook "explore" is suspended; its home is kept: kubectl open notebook explore resumes it',
  ],
  [
    leftRunning(target),
    'Notebook "explore" is left running: kubectl open notebook explore --suspend stops it',
  ],
  [question(target), 'Suspend Notebook "explore" (its home is kept), or leave it running? [s/L] '],
  [waitLine(target, 'Pending: a\n b'), 'waiting for Notebook "explore": Pending: a b'],
  [waitLine(target, 'Pending: x', 12), 'waiting for Notebook "explore" (12s): Pending: x'],
  [waitLine(target, 'Pending: x', 12, 30), 'waiting for Notebook "explor…'],
])('%s', (line, is) => {
  expect(line).toBe(is)
})

test.each([
  ['s', true],
  ['S', true],
  [' suspend ', true],
  ['', false],
  ['l', false],
  ['no', false],
  ['stay', false],
])('the answer "%s" suspends: %s', (answer, is) => {
  expect(wantsSuspend(answer)).toBe(is)
})

describe('a live line', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())
  const drawing = (isTTY: boolean) => {
    const written: string[] = []
    const line = liveLine({ isTTY, columns: 80, write: (text) => written.push(text) })
    const show = (why: string) =>
      line.show((seconds, width) => waitLine(target, why, seconds, width))
    return { line, show, written }
  }
  const begin = 'waiting for Notebook "explore"'

  test('on a terminal is drawn in place, and counts the seconds', () => {
    const { line, show, written } = drawing(true)
    show('a')
    show('a')
    vi.advanceTimersByTime(2000)
    show('b')
    line.say('open')
    vi.advanceTimersByTime(5000)
    expect(written).toEqual([
      `\r\x1b[K${begin} (0s): a`,
      `\r\x1b[K${begin} (1s): a`,
      `\r\x1b[K${begin} (2s): a`,
      `\r\x1b[K${begin} (2s): b`,
      '\r\x1b[K',
      'open\n',
    ])
  })

  test('elsewhere is a line for each change', () => {
    const { line, show, written } = drawing(false)
    show('a')
    show('a')
    vi.advanceTimersByTime(2000)
    show('b')
    line.say('open')
    show('b')
    expect(written).toEqual([`${begin}: a\n`, `${begin}: b\n`, 'open\n', `${begin}: b\n`])
  })

  test.each([true, false])('is not drawn over a question (terminal: %s)', (isTTY) => {
    const { line, show, written } = drawing(isTTY)
    show('a')
    line.pause()
    const before = written.length
    show('b')
    vi.advanceTimersByTime(5000)
    expect(written).toHaveLength(before)
    line.say('left')
    expect(written.at(-1)).toBe('left\n')
  })
})
