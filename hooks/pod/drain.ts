import type { ServerPreset } from '../../crds/config.ts'

/** Kubernetes' own default of 30 s is too little for a long answer that is under way. */
export const gracePeriodSeconds = 60

/** A terminating Pod still gets requests until every node has removed it from the Service. */
const untilRemoved = 5

/** What a server needs to end after its last answer. */
const untilEnded = 5

interface Drain {
  /** How long SIGTERM waits; undefined if there is no time to wait. */
  readonly sleep: number | undefined
  /** Arguments that make the server finish the answers under way. */
  readonly args: readonly string[]
}

/** How a server ends within the grace period without a request failing, as far as it can. */
export function drainOf(
  { drain = {} }: Pick<ServerPreset, 'drain'>,
  grace: number = gracePeriodSeconds,
): Drain {
  const left = grace - untilEnded
  const sleep = Math.min(grace, drain.cutsStreams ? Math.max(untilRemoved, left) : untilRemoved)
  const timeout = left - sleep
  return {
    sleep: sleep > 0 ? sleep : undefined,
    args: drain.timeoutFlag && timeout > 0 ? [`${drain.timeoutFlag}=${timeout}`] : [],
  }
}
