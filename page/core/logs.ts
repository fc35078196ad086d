import { unreachable } from '../../crds/kubelet.ts'
import type { Pod } from './things.ts'

/** Why a log cannot be read, in words for people, and whether it is worth trying again. */
export interface LogTrouble {
  readonly says: string
  readonly isPassing: boolean
}

/** A refusal has a code; without one, there was no answer, or it was cut off. */
export interface Failure {
  readonly code?: number
  readonly message: string
}

export function logTroubleOf(
  { code, message }: Failure,
  { metadata, spec }: Pod,
  isPrevious: boolean,
): LogTrouble {
  const isPassing = code === undefined || code >= 500 || (waits(code) && !isPrevious)
  const why = unreachable(metadata.name, spec?.nodeName, message) ?? message
  return { says: `The log cannot be read: ${why}${isPassing ? '; trying again' : ''}`, isPassing }
}

/** 429: too many requests. 400: the container has not started, which the API server calls a bad request. */
const waits = (code: number): boolean => code === 429 || code === 400

/** Whether a container is known to run. Sidecars are init containers that go on. */
export function isRunningIn({ status }: Pod, container: string): boolean {
  const { containerStatuses = [], initContainerStatuses = [] } = status ?? {}
  return [...containerStatuses, ...initContainerStatuses].some(
    ({ name, state }) => name === container && state?.running,
  )
}
