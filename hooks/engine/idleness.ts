import { isStillIdle, presentTime, timeOf } from '../../crds/idleness.ts'
import { annotations } from '../../crds/kind.ts'
import { kindWord } from '../../crds/names.ts'
import type { Idle } from '../../crds/status.ts'
import { printable } from '../../crds/text.ts'
import type { ContainerStatus, Termination, Workload } from '../children/manifesttypes.ts'
import { openedOf } from '../children/metadata.ts'
import { conditionOf, containersOf } from '../observe/diagnosis.ts'
import { annotatedIdle, idleAnnotation } from '../observe/memory.ts'
import type { ObservedPod } from '../observe/observed.ts'
import { isTerminating } from '../observe/servingpods.ts'
import { no, type Verdict } from '../observe/verdict.ts'
import type { Facts } from './read.ts'

/**
 * A workload with spec.idleTimeout has a sidecar that ends with the message `idle`:
 *
 *              a sidecar that is not remembered ended with `idle`
 *     awake ──────────────────────────────────────────────────────▶ idle
 *       ▲                                                            │
 *       └────────────────────────────────────────────────────────────┘
 *         substratus.ai/opened has another value than at that time, or is a later time,
 *         or nothing should run anyway, or spec.idleTimeout is removed
 *
 * Idle means 0 replicas. The memory of it is the sidecar's container, which stops the workload only
 * once, the value of substratus.ai/opened, and when that woke it: what happens to the annotation afterwards
 * undoes no waking. It is stored twice, in the status and in an annotation of the workload: a request can
 * arrive after the Pod is gone and before the parent has its new status, and without the annotation that
 * request would start the workload again, or stop it again.
 */
interface Idleness {
  readonly isIdle: boolean
  /** For status.idle. */
  readonly remembered: Idle | undefined
  /** For the workload. */
  readonly annotations: Readonly<Record<string, string>> | undefined
}

/** What has an idleTimeout. */
interface Sleeper {
  readonly idleTimeout?: string
  readonly suspend?: boolean
  readonly replicas?: number
}

export function idlenessOf(facts: Facts<Sleeper>, workload: Workload | undefined): Idleness {
  const { parent } = facts
  const found = rememberedIn(facts, workload)
  const isIdle = found !== undefined && isStillIdle(found, openedOf(parent))
  const remembered = found && !isIdle ? awake(facts, found) : found
  return {
    isIdle,
    remembered,
    annotations:
      remembered && (isIdle || remembered.woken !== undefined)
        ? { [annotations.idle]: idleAnnotation(remembered, parent.metadata.generation) }
        : emptied(workload),
  }
}

/** The verdict on a workload that is idle; `keeps` says what remains of it. */
export function idleVerdict({ parent }: Facts<Sleeper>, keeps = ''): Verdict {
  const { metadata, spec } = parent
  return no(
    'Idle',
    `idle for ${spec.idleTimeout}${keeps}: kubectl annotate --overwrite ${kindWord(parent)} ${metadata.name} ${annotations.opened}="${presentTime}" wakes it`,
  )
}

/** Suspending and scaling to 0 forget idleness, so resuming starts the workload. */
function rememberedIn(
  { parent, memory, observed, now }: Facts<Sleeper>,
  workload: Workload | undefined,
): Idle | undefined {
  const { idleTimeout, suspend, replicas } = parent.spec
  if (!idleTimeout || suspend || replicas === 0) return undefined
  const opened = openedOf(parent)
  const known = [memory.idle, annotatedIdle(workload, parent.metadata.generation)].filter(
    (idle) => idle !== undefined,
  )
  const end = endedSidecar(observed.pods('serve'), now)
  if (end && !known.some(({ container }) => container === end.container)) {
    const wakingSeconds = memory.idle?.wakingSeconds
    return {
      ...end,
      ...(opened !== undefined && { opened }),
      ...(wakingSeconds !== undefined && { wakingSeconds }),
    }
  }
  return latest(known, opened)
}

/** The status or the annotation may be out of date: the later sleep counts, and its waking. */
function latest(known: readonly Idle[], opened: string | undefined): Idle | undefined {
  const sinceOf = ({ since }: Idle): number => timeOf(since) ?? 0
  const last = Math.max(...known.map(sinceOf))
  const same = known.filter((idle) => sinceOf(idle) === last)
  return (
    same.find(({ woken }) => woken !== undefined) ??
    same.find((idle) => idle.opened === opened) ??
    same.at(-1)
  )
}

/** Records when it was woken, and how long it took, once that is known. */
function awake({ parent, observed, now }: Facts<Sleeper>, idle: Idle): Idle {
  const { wakingSeconds: before, ...others } = idle
  const woken = idle.woken ?? inSeconds(timeOf(openedOf(parent)) ?? timeOf(now))
  if (woken === undefined) return idle
  const known = idle.woken === undefined ? undefined : before
  const wakingSeconds = known ?? wakingTime(observed.pods('serve'), idle.since, woken)
  return { ...others, woken, ...(wakingSeconds !== undefined && { wakingSeconds }) }
}

/** From the waking until a Pod that was created after the sleep began is ready. */
function wakingTime(
  pods: readonly ObservedPod[],
  since: string | undefined,
  woken: string,
): number | undefined {
  const began = timeOf(since)
  const [ready] = pods
    .filter((pod) => !isTerminating(pod))
    .filter(({ metadata }) => (timeOf(metadata.creationTimestamp) ?? 0) >= (began ?? Infinity))
    .map((pod) => timeOf(conditionOf(pod, 'Ready')?.lastTransitionTime))
    .filter((time) => time !== undefined)
    .sort((a, b) => a - b)
  // The clock of whoever woke it may be ahead.
  return ready === undefined
    ? undefined
    : Math.max(0, Math.round((ready - (timeOf(woken) ?? ready)) / 1000))
}

/** As Kubernetes writes times. */
const inSeconds = (time: number | undefined): string | undefined =>
  time === undefined ? undefined : new Date(time).toISOString().replace(/\.\d+Z$/, 'Z')

const sidecarsOf = (pods: readonly ObservedPod[]): readonly ContainerStatus[] =>
  pods
    .filter((pod) => !isTerminating(pod))
    .flatMap(containersOf)
    .filter(({ name }) => name === 'idle')

/**
 * If nobody syncs for so long, a sidecar that was restarted has watched meanwhile, and somebody may use the
 * workload. Its former end no longer counts: it ends again if there is no activity. A settled workload is
 * synced every ten minutes, even if the end causes no sync because its Pod was not seen unready.
 */
const outdatedMilliseconds = 900_000

const isOutdated = ({ finishedAt }: Termination, now: string | undefined): boolean =>
  (timeOf(now) ?? 0) - (timeOf(finishedAt) ?? Infinity) > outdatedMilliseconds

/** The container of a sidecar that ended with `idle`, and when; one that was restarted has it in its last state. */
function endedSidecar(
  pods: readonly ObservedPod[],
  now: string | undefined,
): { readonly container: string; readonly since?: string } | undefined {
  const end = sidecarsOf(pods)
    .flatMap(({ state, lastState }) => {
      const former = lastState?.terminated
      return [state?.terminated, former && isOutdated(former, now) ? undefined : former]
    })
    .find((one) => one?.message?.trim() === 'idle')
  if (!end?.containerID) return undefined
  const since = inSeconds(timeOf(end.finishedAt))
  return { container: printable(end.containerID).slice(0, 256), ...(since && { since }) }
}

/** Why a sidecar cannot tell whether anybody uses the workload: it ends once to report it. */
export function doubtOf(pods: readonly ObservedPod[]): string | undefined {
  const end = sidecarsOf(pods)
    .flatMap(({ state, lastState }) => [state?.terminated, lastState?.terminated])
    .find((one) => one !== undefined)
  return /^cannot tell: .*/.exec(end?.message?.trim() ?? '')?.[0]
}

/**
 * The annotation is emptied, never removed: when the last of our annotations goes, Metacontroller's
 * merge removes everyone else's too.
 */
const emptied = (workload: Workload | undefined): Idleness['annotations'] =>
  workload?.metadata.annotations?.[annotations.idle] === undefined
    ? undefined
    : { [annotations.idle]: '{}' }
