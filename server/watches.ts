import { hearing, isStale } from '../cluster/staleness.ts'
import type { WatchState } from '../cluster/watch.ts'

/** The watches of the server: which it waits for, and which have been silent for too long. */

export interface WatchedKind {
  readonly name: 'Pods' | 'nodes' | 'Events'
  /** Without it, conditions would be wrong, so the server is not ready; other kinds only add to them. */
  readonly isRequired: boolean
  readonly state: () => WatchState
}

/** How long the first list of a kind that is not required is awaited: it may never come. */
const longestWait = 30

/**
 * Since when a watch has been silent, if that is too long ago, in RFC 3339; before the first list, since the
 * start. It stays the same until something is heard again.
 */
export function silentSince(state: WatchState, start: Date): string | undefined {
  const { time } = state.heard ?? { time: start }
  const isSilent = !state.heard || isStale(state)
  return isSilent ? time.toISOString().replace(/\.[0-9]+Z$/, 'Z') : undefined
}

/** One state for several watches of a kind. */
export function leastInformed(states: readonly WatchState[]): WatchState {
  const isRefused = states.some((state) => state.isRefused)
  const oldest = states.toSorted((a, b) => ageOf(b) - ageOf(a))[0]?.heard
  return { isRefused, ...(oldest && { heard: oldest }) }
}

const ageOf = ({ heard }: WatchState): number => heard?.secondsAgo ?? Number.POSITIVE_INFINITY

/**
 * What keeps the server from being ready, `upSeconds` after its start; undefined if nothing does. A watch that
 * falls silent later does not: all replicas may share the cause, and without any, every apply would fail,
 * although admission needs no watch.
 */
export function obstacleIn(kinds: readonly WatchedKind[], upSeconds: number): string | undefined {
  const awaited = kinds.filter(({ isRequired, state }) => {
    const { heard, isRefused } = state()
    return !heard && (isRequired || (!isRefused && upSeconds < longestWait))
  })
  return awaited.length
    ? `waiting for the first list of ${awaited.map(inWords).join(' and ')}`
    : undefined
}

const inWords = ({ name, state }: WatchedKind): string =>
  state().isRefused ? `${name}, which the server may not list` : name

/** What is known of each kind, for the body of /readyz. */
export const watchesInWords = (kinds: readonly WatchedKind[]): Readonly<Record<string, string>> =>
  Object.fromEntries(kinds.map(({ name, state }) => [name, hearing(state())]))
