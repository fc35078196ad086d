import { describe, expect, test } from 'vitest'
import type { WatchState } from '../../../cluster/watch.ts'
import {
  leastInformed,
  obstacleIn,
  silentSince,
  type WatchedKind,
  watchesInWords,
} from '../../../server/watches.ts'

/** What the server waits for before it is ready, and which watches have been silent for too long. */

const time = new Date('2026-01-01T00:00:00.9Z')
const heard = (secondsAgo: number, isRefused = false): WatchState => ({
  isRefused,
  heard: { secondsAgo, time },
})
const never: WatchState = { isRefused: false }
const refused: WatchState = { isRefused: true }

const kindsOf = (pods: WatchState, nodes = heard(1), events = heard(1)): readonly WatchedKind[] => [
  { name: 'Pods', isRequired: true, state: () => pods },
  { name: 'nodes', isRequired: false, state: () => nodes },
  { name: 'Events', isRequired: false, state: () => events },
]

describe('the server is ready', () => {
  test.each<{
    when: string
    kinds: readonly WatchedKind[]
    upSeconds?: number
    waits?: string
  }>([
    { when: 'without a cluster', kinds: [] },
    { when: 'once all are listed', kinds: kindsOf(heard(26)) },
    {
      when: 'not before all are listed',
      kinds: kindsOf(never, never, never),
      waits: 'waiting for the first list of Pods and nodes and Events',
    },
    {
      when: 'not before nodes are listed',
      kinds: kindsOf(heard(1), never),
      waits: 'waiting for the first list of nodes',
    },
    {
      when: 'without nodes and Events if it may not list them',
      kinds: kindsOf(heard(1), refused, refused),
    },
    {
      when: 'without nodes and Events if there is no answer for half a minute',
      kinds: kindsOf(heard(1), never, never),
      upSeconds: 30,
    },
    {
      when: 'never without Pods',
      kinds: kindsOf(never),
      upSeconds: 3600,
      waits: 'waiting for the first list of Pods',
    },
    {
      when: 'never without the permission for Pods',
      kinds: kindsOf(refused),
      waits: 'waiting for the first list of Pods, which the server may not list',
    },
    {
      when: 'although all watches are silent: admission needs none',
      kinds: kindsOf(heard(99), heard(99), heard(99)),
    },
  ])('$when', ({ kinds, upSeconds = 1, waits }) => {
    expect(obstacleIn(kinds, upSeconds)).toBe(waits)
  })
})

test('each watch is described', () => {
  expect(watchesInWords(kindsOf(heard(1), heard(75), refused))).toEqual({
    Pods: 'current',
    nodes: 'stale: silent for 75 s',
    Events: 'not watched: no permission',
  })
  expect(watchesInWords(kindsOf(never, heard(75, true), heard(5, true)))).toEqual({
    Pods: 'waiting for the first list',
    nodes: 'not watched: no permission',
    Events: 'current',
  })
})

test('of several watches of a kind, the least informed one counts', () => {
  expect(leastInformed([heard(1), heard(50), heard(2)])).toEqual(heard(50))
  expect(leastInformed([heard(1), never])).toEqual(never)
  expect(leastInformed([heard(1), refused])).toEqual(refused)
})

test('the silence begins with what was heard last, or with the start', () => {
  const start = new Date('2025-12-31T12:00:00Z')
  expect(silentSince(heard(60), start)).toBeUndefined()
  expect(silentSince(heard(61), start)).toBe('2026-01-01T00:00:00Z')
  expect(silentSince(never, start)).toBe('2025-12-31T12:00:00Z')
})
