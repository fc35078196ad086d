import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { feedOf } from '../../../ui/feed.ts'
import type { Line, Sent } from '../../../ui/wire.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A page; while it is slow, it takes nothing. */
function pageOf() {
  const lines: Line[] = []
  let drained = () => {}
  let isSlow = false
  return {
    lines,
    slow: () => {
      isSlow = true
    },
    drain: () => {
      isSlow = false
      drained()
    },
    write: (text: string) => {
      for (const line of text.trim().split('\n')) lines.push(JSON.parse(line))
      return !isSlow
    },
    once: (_event: 'drain', listener: () => void) => {
      drained = listener
    },
  }
}

const named = (name: string, spec?: object): Sent & { readonly spec?: object } => ({
  metadata: { name },
  ...(spec && { spec }),
})
const settle = () => vi.advanceTimersByTime(100)

test('a page gets everything that is known, then changes', () => {
  const feed = feedOf(['models', 'pods'])
  feed.push('models', [named('a'), named('b')], [])
  const page = pageOf()
  feed.read(page)
  expect(page.lines).toEqual([
    { is: 'start', resources: ['models', 'pods'] },
    { is: 'objects', resource: 'models', put: [named('a'), named('b')], gone: [] },
  ])
  feed.push('models', [named('a', { suspend: true })], [named('b')])
  settle()
  expect(page.lines.slice(2)).toEqual([
    { is: 'objects', resource: 'models', put: [named('a', { suspend: true })], gone: ['b'] },
  ])
})

test('an empty list is told once', () => {
  const feed = feedOf(['pods'])
  const page = pageOf()
  feed.read(page)
  for (let at = 0; at < 3; at++) {
    feed.push('pods', [], [])
    settle()
  }
  expect(page.lines.slice(1)).toEqual([{ is: 'objects', resource: 'pods', put: [], gone: [] }])
})

test('trouble is told, and its end', () => {
  const feed = feedOf(['pods'])
  feed.trouble('pods', 'pods is forbidden')
  const page = pageOf()
  feed.read(page)
  feed.trouble('pods', 'pods is forbidden')
  settle()
  feed.trouble('pods', undefined)
  settle()
  expect(page.lines.slice(1)).toEqual([
    { is: 'trouble', resource: 'pods', message: 'pods is forbidden' },
    { is: 'trouble', resource: 'pods' },
  ])
})

test('a slow page gets the newest state of each object, once', () => {
  const feed = feedOf(['models'])
  const page = pageOf()
  feed.read(page)
  page.slow()
  feed.push('models', [named('a', { at: 0 })], [])
  settle()
  for (let at = 1; at <= 1000; at++) {
    feed.push('models', [named('a', { at }), named(`b${at}`)], [])
    feed.push('models', [], [named(`b${at}`)])
    settle()
  }
  expect(page.lines).toHaveLength(2)
  page.drain()
  const put = page.lines.slice(2).flatMap((line) => (line.is === 'objects' ? line.put : []))
  expect(put).toEqual([named('a', { at: 1000 })])
})

test('many objects are several lines', () => {
  const feed = feedOf(['models'])
  feed.push(
    'models',
    Array.from({ length: 450 }, (_, at) => named(`m${at}`)),
    [],
  )
  const page = pageOf()
  feed.read(page)
  expect(page.lines.slice(1).map((line) => line.is === 'objects' && line.put.length)).toEqual([
    200, 200, 50,
  ])
})

test('a page that has gone gets nothing more', () => {
  const feed = feedOf(['models'])
  const page = pageOf()
  const stop = feed.read(page)
  feed.push('models', [named('a')], [])
  stop()
  settle()
  expect(page.lines).toHaveLength(1)
})
