import { expect, test } from 'vitest'
import type { Event } from '../../../hooks/children/manifesttypes.ts'
import { notices } from '../../../server/notices.ts'

/** The Events in memory: as many as a namespace may have, and no effect on other namespaces. */

const event = (namespace: string, name: string, uid: string, minute = 0): Event => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { namespace, name },
  involvedObject: { kind: 'Pod', uid },
  message: `${name} at ${minute}`,
  lastTimestamp: `2026-01-01T00:${String(minute).padStart(2, '0')}:00Z`,
})

function keeping(limits?: Parameters<typeof notices>[1]) {
  const dropped: string[] = []
  const known = notices(({ metadata }) => dropped.push(metadata.name), limits)
  const about = (namespace: string, uid: string) =>
    known.about(namespace, uid).map(({ message }) => message)
  return { ...known, about, dropped }
}

test('Events are found by their object, and replaced by their name', () => {
  const { put, remove, about } = keeping()
  put(event('a', 'one', 'u1', 1))
  put(event('a', 'two', 'u1', 1))
  put(event('a', 'one', 'u1', 2))
  expect(about('a', 'u1')).toEqual(['two at 1', 'one at 2'])
  remove(event('a', 'two', 'u1'))
  remove(event('a', 'two', 'u1'))
  expect(about('a', 'u1')).toEqual(['one at 2'])
})

test('an Event with the uid of an object in another namespace does not reach it', () => {
  const { put, settle, about } = keeping()
  put(event('a', 'own', 'u1'))
  put(event('b', 'forged', 'u1'))
  settle('b', 'u1')
  expect(about('a', 'u1')).toEqual(['own at 0'])
  expect(about('b', 'u1')).toEqual([])
})

test('a namespace with too many Events loses its own oldest', () => {
  const { put, about, dropped } = keeping({ each: 2, all: 10 })
  put(event('b', 'quiet', 'u9', 0))
  put(event('a', 'one', 'u1', 2))
  put(event('a', 'two', 'u2', 1))
  put(event('a', 'three', 'u3', 3))
  expect(dropped).toEqual(['two'])
  expect(about('a', 'u2')).toEqual([])
  expect(about('b', 'u9')).toEqual(['quiet at 0'])
})

test('with too many in all namespaces, the one with the most loses its oldest', () => {
  const { put, dropped } = keeping({ each: 10, all: 3 })
  put(event('b', 'quiet', 'u9', 0))
  put(event('a', 'one', 'u1', 1))
  put(event('a', 'two', 'u2', 2))
  put(event('c', 'other', 'u3', 3))
  expect(dropped).toEqual(['one'])
})
