import type { Parent } from '../../crds/kind.ts'
import { isReserved } from '../../crds/labels.ts'
import type { Workload } from '../children/manifesttypes.ts'
import { annotationsOf, labelsOf } from '../children/metadata.ts'
import { faultIn } from '../observe/applied.ts'
import type { Records } from '../observe/memory.ts'
import type { Child } from '../observe/protocol.ts'
import { isAsleep, no, type Verdict } from '../observe/verdict.ts'
import { type Settled, settled } from './appliedtemplate.ts'
import { awaitedChild } from './awaited.ts'
import type { Progress, ServeFate } from './fate.ts'
import type { Facts } from './read.ts'
import { annotated, isWorkload, retainedServing } from './retained.ts'
import type { ServeStage } from './stage.ts'
import { withPending, withWaiting } from './updatepending.ts'

/**
 * Decides about a stage that serves: it is rendered as requested, unless something blocks it. A running
 * server retains its applied template while only the configuration has changed.
 */
export function serveFate(facts: Facts, stage: ServeStage, progress: Progress): ServeFate {
  const { blockedBy, records } = progress
  const obstacle = blockedBy?.verdict ?? obstacleOf(stage)
  if (obstacle) return retained(facts, stage, obstacle, blockedBy?.stage.condition)
  const { outdated } = stage
  return outdated ? behind(facts, stage, outdated) : wanted(facts, stage, records)
}

/** The running workload goes on until what it serves can be replaced as a whole: Ready stays True. */
function behind(facts: Facts, stage: ServeStage, outdated: string): ServeFate {
  const fate = retained(facts, stage, no('Waiting', `waiting for ${outdated}`), undefined)
  const isRunning = stage.workload && !isAsleep(fate.ready)
  return isRunning ? { ...fate, ready: withWaiting(now(facts, stage, fate), outdated) } : fate
}

const now = (facts: Facts, stage: ServeStage, { children, verdict }: ServeFate): Verdict =>
  stage.workload ? verdictOf(facts, stage, stage.workload, children) : verdict

/** Why the stage itself cannot serve as requested. */
function obstacleOf({ needs, refuse }: ServeStage): Verdict | undefined {
  const waiting = needs.find(({ state }) => state === 'waiting')
  return refuse ?? (waiting?.state === 'waiting' ? waiting.verdict : undefined)
}

function wanted(facts: Facts, stage: ServeStage, records: Records): ServeFate {
  const rendered = stage.wanted(records)
  const inputs = stage.inputs?.(records)
  const { workload: made, pending }: Settled = inputs
    ? settled(facts, rendered, stage.workload, inputs)
    : { workload: rendered, pending: [] }
  const workload = annotated(made, stage)
  const children = [workload, ...stage.beside(workload)]
  const verdict = stage.workload
    ? withPending(facts, pending, verdictOf(facts, stage, stage.workload, children))
    : awaitedChild(facts, workload)
  return { does: 'serve', is: 'wanted', stage, children, verdict, ready: verdict }
}

/** The running workload goes on serving, which Serving reports; Ready reports the obstacle. */
function retained(
  facts: Facts,
  stage: ServeStage,
  obstacle: Verdict,
  after: string | undefined,
): ServeFate {
  // Unless what was applied can be read, nothing can be left out.
  const isUnread = stage.workload && faultIn(stage.workload) !== undefined
  const children = retainedServing(facts.parent, facts.observed, stage.beside, stage).map(
    (child) => (isWorkload(child) && !isUnread ? withPresentMetadata(facts.parent, child) : child),
  )
  const now = stage.workload ? verdictOf(facts, stage, stage.workload, children) : stage.asleep
  const stopped = now && isAsleep(now) ? now : undefined
  const before = now?.status === 'True' ? now : stopped
  return {
    does: 'serve',
    is: 'retained',
    stage,
    children,
    verdict: before ?? (after ? no('Waiting', `waits for ${after}`) : obstacle),
    ready: stopped ?? obstacle,
  }
}

/** The object's labels and a Deployment's annotations from it are updated even while it is blocked. */
function withPresentMetadata(parent: Parent, workload: Workload): Workload {
  const { metadata } = workload
  const own = Object.entries(metadata.annotations ?? {}).filter(([name]) => isReserved(name))
  return {
    ...workload,
    metadata: {
      ...metadata,
      labels: labelsOf(parent, 'serve'),
      ...(metadata.annotations && {
        annotations: {
          ...(workload.kind === 'Deployment' && annotationsOf(parent)),
          ...Object.fromEntries(own),
        },
      }),
    },
  }
}

/** The verdict on the workload, once the workload and its companions all exist. */
function verdictOf(
  facts: Facts,
  stage: ServeStage,
  workload: Workload,
  emitted: readonly Child[],
): Verdict {
  const absent = emitted.find(({ kind, metadata }) => !facts.observed.child(kind, metadata.name))
  return absent ? awaitedChild(facts, absent) : stage.verdict(workload, emitted.find(isWorkload))
}
