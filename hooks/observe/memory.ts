import type { RunPolicy } from '../../crds/common.ts'
import type { Parent } from '../../crds/kind.ts'
import type { Condition, ConditionType, StageRecord } from '../../crds/status.ts'
import { no, type Verdict } from './verdict.ts'

/** What a parent of any kind says and remembers, an invalid one too. */

export type Records = Readonly<Record<string, StageRecord>>

/** The parts of a status that later answers read. */
interface Remembered {
  readonly stages?: Records
  readonly lastComplete?: Records
  readonly finishing?: string
  readonly conditions?: readonly Condition[]
}

export const isSuspended = (parent: Parent): boolean =>
  (parent.spec as { suspend?: boolean } | undefined)?.suspend === true

export const policyOf = (parent: Parent): RunPolicy => {
  const { runPolicy } = (parent.spec ?? {}) as { readonly runPolicy?: unknown }
  return typeof runPolicy === 'object' && runPolicy !== null ? runPolicy : {}
}

export const remembered = (parent: Parent): Remembered => (parent.status ?? {}) as Remembered

/** A child that was asked for before and is not there may never come: somebody else may own its name. */
export function missing(parent: Parent, type: ConditionType, kind: string, name: string): Verdict {
  const creating = `creating ${kind} "${name}"`
  const before = remembered(parent).conditions?.find((found) => found.type === type)
  if (before?.message !== creating && before?.reason !== 'ChildMissing')
    return no('Pending', creating)
  return no(
    'ChildMissing',
    `${kind} "${name}" is wanted and does not exist: does another object own the name?`,
  )
}
