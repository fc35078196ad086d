import { type Schema, string } from './schema/builders.ts'
import type { Idle } from './status.ts'

/** What Notebooks and ModelServers say about idleness, and what wakes them. */

/** spec.idleTimeout: hours, minutes and seconds. */
export const idleTimeoutOf = (kind: string, description: string): Schema<string> =>
  string(description, {
    pattern: '^([0-9]+h)?([0-9]+m)?([0-9]+s)?$',
    patternErrorMessage:
      'write hours, minutes and seconds in this order, such as "2h", "90m" or "1h30m"',
    maxLength: 32,
    'x-kubernetes-validations': [
      {
        rule: "self.matches('[1-9]')",
        message: `must be more than 0: leave it out for a ${kind} that never stops`,
      },
    ],
  })

/** A time in UTC, as `date -u +%FT%TZ` and JavaScript write it. */
const utc = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/

/** In milliseconds; undefined for anything but a time in UTC. */
export function timeOf(text: string | undefined): number | undefined {
  const time = text !== undefined && utc.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}

/**
 * Whether an object that was found idle still sleeps, with this value of substratus.ai/opened. Another
 * value than at that time wakes it. So does the same value if it is a time after the watch ended:
 * somebody opened the object between the end of the watch and the sync that saw it. Kubernetes writes
 * whole seconds, so an equal time may be later, too. No value asks for nothing, and a recorded waking is
 * final.
 */
export function isStillIdle(
  { opened: before, since, woken }: Idle,
  opened: string | undefined,
): boolean {
  if (woken !== undefined) return false
  const [wakes, sleeps] = [timeOf(opened), timeOf(since)]
  const isOpenedSince = wakes !== undefined && sleeps !== undefined && wakes >= sleeps
  return opened === undefined || (before === opened && !isOpenedSince)
}

/** A value for substratus.ai/opened, as it is typed on a command line. */
export const presentTime = '$(date -u +%FT%TZ)'
