import { unreachable } from '../../crds/kubelet.ts'
import { type Failure, mayPass } from './failure.ts'
import type { Pod } from './things.ts'

/** Why a log cannot be read, in words for people, and whether it is worth trying again. */
export interface LogTrouble {
  readonly says: string
  readonly isPassing: boolean
}

export function logTroubleOf(
  failure: Failure,
  { metadata, spec }: Pod,
  isPrevious: boolean,
): LogTrouble {
  const { code, message } = failure
  // The API server calls it a bad request if the container has not started.
  const isPassing = mayPass(failure) || (code === 400 && !isPrevious)
  const why = unreachable(metadata.name, spec?.nodeName, message) ?? message
  return { says: `The log cannot be read: ${why}${isPassing ? '; trying again' : ''}`, isPassing }
}

/** Whether a container is known to run. Sidecars are init containers that go on. */
export function isRunningIn({ status }: Pod, container: string): boolean {
  const { containerStatuses = [], initContainerStatuses = [] } = status ?? {}
  return [...containerStatuses, ...initContainerStatuses].some(
    ({ name, state }) => name === container && state?.running,
  )
}

/**
 * The key of the log to show: the one that somebody has chosen, or else that of a Pod that has just appeared,
 * or else the same as before, even when its Pod is gone.
 */
export function keyToShow(
  keys: readonly string[],
  { chosen, former, seen }: Showing,
): string | undefined {
  if (keys.includes(chosen)) return chosen
  return keys.find((key) => !seen.has(key)) ?? former ?? keys[0]
}

interface Showing {
  readonly chosen: string
  /** The log that has been shown until now, if any. */
  readonly former: string | undefined
  /** What could be chosen since logs are shown. */
  readonly seen: ReadonlySet<string>
}
