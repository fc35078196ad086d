import { activityOf, adviceFor, conditionTypes, explained } from '../../crds/reasons.ts'
import type { Condition, Job, Pod, Thing } from './things.ts'

/** How an object is, in a word, and why. */

/** What a colour and a sign say. */
export type Tone = 'ready' | 'outdated' | 'stopped' | 'working' | 'waiting' | 'failed'

export interface State {
  readonly tone: Tone
  /** Ready's reason. */
  readonly word: string
  readonly message: string
}

export const conditionOf = ({ status }: Thing, type: string): Condition | undefined =>
  status?.conditions?.find((condition) => condition.type === type)

export function stateOf(thing: Thing): State {
  if (thing.metadata.deletionTimestamp)
    return { tone: 'stopped', word: 'Deleting', message: 'it is being deleted' }
  const ready = conditionOf(thing, 'Ready')
  if (!ready) return { tone: 'waiting', word: 'New', message: 'the controller has not seen it yet' }
  const { reason, message } = ready
  return {
    tone: toneOf(ready, conditionOf(thing, 'Stalled')?.status === 'True'),
    word: reason,
    message,
  }
}

/** The colour of a condition. */
export function toneOf({ status, reason }: Condition, isStalled: boolean): Tone {
  const activity = activityOf(reason)
  if (activity === 'stopped') return 'stopped'
  if (status === 'True') return activity === 'outdated' ? 'outdated' : 'ready'
  if (isStalled) return 'failed'
  return activity === 'working' ? 'working' : 'waiting'
}

/** A longer message is cut where it would push away what follows; the conditions have all of it. */
export const longestMessage = 600

export const meaningOf = (reason: string): string => explained(reason)?.meaning ?? ''

/** What a person can do about an object, which has these Jobs and Pods; undefined: nothing. */
export function todoOf(
  thing: Thing,
  jobs: readonly Job[],
  [pod]: readonly Pod[],
): string | undefined {
  const failed = jobs.findLast(({ status }) =>
    status?.conditions?.some(({ type, status }) => type === 'Failed' && status === 'True'),
  )
  return adviceFor(stateOf(thing).word, {
    kind: thing.kind,
    name: thing.metadata.name,
    job: failed?.metadata.name,
    node: pod?.spec?.nodeName,
  })
}

/** The conditions of stages, in their order. */
export const stageConditions: readonly string[] = Object.keys(conditionTypes).filter(
  (type) => type !== 'Ready' && type !== 'Stalled',
)
