import type { WatchState } from './watch.ts'

/** Whether what a watch has last said may be out of date. */

/** More than twice as long as a watch that works is ever silent. */
const longestSilence = 60

export const isStale = ({ heard }: WatchState): boolean =>
  heard !== undefined && heard.secondsAgo > longestSilence

/** For the body of /readyz. */
export function hearing(state: WatchState): string {
  if (state.heard && !isStale(state)) return 'current'
  if (state.isRefused) return 'not watched: no permission'
  return state.heard
    ? `stale: silent for ${Math.floor(state.heard.secondsAgo)} s`
    : 'waiting for the first list'
}
