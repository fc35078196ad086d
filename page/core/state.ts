import { conditionTypes, reasons } from '../../crds/reasons.ts'
import type { Condition, Thing } from './things.ts'

/** How an object is, in a word, and why. */

/** What a colour and a sign say. */
export type Tone = 'ready' | 'stopped' | 'working' | 'waiting' | 'failed'

export interface State {
  readonly tone: Tone
  /** Ready's reason. */
  readonly word: string
  readonly message: string
  /** What a person can do; undefined: nothing. */
  readonly todo?: string
}

const working: ReadonlySet<string> = new Set([
  'Building',
  'Loading',
  'Running',
  'Sealing',
  'Packaging',
  'Starting',
  'Finishing',
])
const stopped: ReadonlySet<string> = new Set(['Suspended', 'Suspending', 'Idle'])

export const conditionOf = ({ status }: Thing, type: string): Condition | undefined =>
  status?.conditions?.find((condition) => condition.type === type)

export function stateOf(thing: Thing): State {
  if (thing.metadata.deletionTimestamp)
    return { tone: 'stopped', word: 'Deleting', message: 'it is being deleted' }
  const ready = conditionOf(thing, 'Ready')
  if (!ready) return { tone: 'waiting', word: 'New', message: 'the controller has not seen it yet' }
  const { reason, message } = ready
  const todo = todoOf(reason)
  return {
    tone: toneOf(ready, conditionOf(thing, 'Stalled')?.status === 'True'),
    word: reason,
    message,
    ...(todo && { todo }),
  }
}

/** The colour of a condition. */
export function toneOf({ status, reason }: Condition, isStalled: boolean): Tone {
  if (stopped.has(reason)) return 'stopped'
  if (status === 'True') return 'ready'
  if (isStalled) return 'failed'
  return working.has(reason) ? 'working' : 'waiting'
}

const explained = (reason: string) =>
  Object.hasOwn(reasons, reason) ? reasons[reason as keyof typeof reasons] : undefined

export const meaningOf = (reason: string): string => explained(reason)?.meaning ?? ''

function todoOf(reason: string): string | undefined {
  const todo = explained(reason)?.todo
  return todo === 'Nothing.' ? undefined : todo
}

/** The conditions of stages, in their order. */
export const stageConditions: readonly string[] = Object.keys(conditionTypes).filter(
  (type) => type !== 'Ready' && type !== 'Stalled',
)
