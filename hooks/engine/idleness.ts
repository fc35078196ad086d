import { annotations } from '../../crds/kind.ts'
import type { Idle } from '../../crds/status.ts'
import { printable } from '../../crds/text.ts'
import type { Pod, Workload } from '../children/manifesttypes.ts'
import { openedOf } from '../children/metadata.ts'
import { containersOf, isTerminating } from '../observe/diagnosis.ts'
import { annotatedIdle, idleAnnotation } from '../observe/memory.ts'
import type { Facts } from './read.ts'

/**
 * A workload with spec.idleTimeout has a sidecar that ends with the message `idle`:
 *
 *              a sidecar that is not remembered ended with `idle`
 *     awake ──────────────────────────────────────────────────────▶ idle
 *       ▲                                                            │
 *       └────────────────────────────────────────────────────────────┘
 *         substratus.ai/opened has another value than at that time,
 *         or spec.suspend is set, or spec.idleTimeout is removed
 *
 * Idle means 0 replicas. The memory of it is the sidecar's container, which stops the workload only
 * once, and the value of substratus.ai/opened. It is stored twice, in the status and in an annotation of
 * the workload: a request can arrive after the Pod is gone and before the parent has its new status,
 * and without the annotation that request would start the workload again.
 */
interface Idleness {
  readonly isIdle: boolean
  /** For status.idle. */
  readonly remembered: Idle | undefined
  /** For the workload. */
  readonly annotations: Readonly<Record<string, string>> | undefined
}

export function idlenessOf(
  facts: Facts<{ readonly idleTimeout?: string; readonly suspend?: boolean }>,
  workload: Workload | undefined,
): Idleness {
  const { parent } = facts
  const remembered = rememberedIn(facts, workload)
  const isIdle = remembered !== undefined && remembered.opened === openedOf(parent)
  return {
    isIdle,
    remembered,
    annotations: isIdle
      ? { [annotations.idle]: idleAnnotation(remembered, parent.metadata.generation) }
      : emptied(workload),
  }
}

/** Suspending forgets idleness, so resuming starts the workload. */
function rememberedIn(
  { parent, memory, observed }: Parameters<typeof idlenessOf>[0],
  workload: Workload | undefined,
): Idle | undefined {
  const { idleTimeout, suspend } = parent.spec
  if (!idleTimeout || suspend) return undefined
  const opened = openedOf(parent)
  const known = [memory.idle, annotatedIdle(workload, parent.metadata.generation)].filter(
    (idle) => idle !== undefined,
  )
  const container = endedSidecar(observed.pods('serve'))
  if (container && !known.some((idle) => idle.container === container))
    return { container, ...(opened !== undefined && { opened }) }
  // The status or the annotation may be out of date: the one with the present value counts.
  return known.find((idle) => idle.opened === opened) ?? known.at(-1)
}

/** The id of the sidecar's container that ended with `idle`; a restarted sidecar has it in its last state. */
function endedSidecar(pods: readonly Pod[]): string | undefined {
  const id = pods
    .filter((pod) => !isTerminating(pod))
    .flatMap(containersOf)
    .filter(({ name }) => name === 'idle')
    .flatMap(({ state, lastState }) => [state?.terminated, lastState?.terminated])
    .find((end) => end?.message?.trim() === 'idle')?.containerID
  return id && printable(id).slice(0, 256)
}

/**
 * The annotation is emptied, never removed: when the last of our annotations goes, Metacontroller's
 * merge removes everyone else's too.
 */
const emptied = (workload: Workload | undefined): Idleness['annotations'] =>
  workload?.metadata.annotations?.[annotations.idle] === undefined
    ? undefined
    : { [annotations.idle]: '{}' }
