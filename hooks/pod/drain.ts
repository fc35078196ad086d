import type { ServerPreset } from '../../crds/config.ts'

/** Kubernetes' own default of 30 s is too short for a long response in progress. */
export const gracePeriodSeconds = 60

/** A terminating Pod still gets requests until every node has removed it from the Service. */
const untilRemoved = 5

/** What a server needs to exit after its last response. */
const untilEnded = 5

interface Drain {
  /** How long SIGTERM is delayed; undefined if there is no time for a delay. */
  readonly sleep: number | undefined
  /** Arguments that make the server finish the requests in progress. */
  readonly args: readonly string[]
}

/** How a server ends within the grace period, if possible without failing a request. */
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
