import type { RunPolicy } from '../../crds/common.ts'
import type { Parent } from '../../crds/kind.ts'
import { jobAnnotations, longestValue } from '../engine/identity.ts'
import { kept } from './applied.ts'
import { conditionOf } from './diagnosis.ts'
import { isSuspended, policyOf, remembered } from './memory.ts'
import type { Child } from './protocol.ts'

/** Jobs that exist: what they answer, and how they go on. */

export const answers = (
  found: { readonly inputs?: string; readonly rerun?: string },
  inputs: string,
  rerun: string | undefined,
): boolean => found.inputs === inputs && (rerun === undefined || found.rerun === rerun)

const annotation = (child: Child, name: string): string | undefined =>
  child.metadata.annotations?.[name]

/** The inputs and the attempt that a Job was made for, from its annotations. */
export interface Identity {
  readonly inputs?: string
  readonly attempt?: string
  readonly rerun?: string
}

const isHash = (value: string | undefined): value is string => /^[0-9a-f]{16}$/.test(value ?? '')

/**
 * Anyone who may edit the Job can change its annotations, but not its name. The annotations are used
 * only if they are hashes and the name ends in the attempt's hash.
 */
export function identityOf(child: Child): Identity {
  const inputs = annotation(child, jobAnnotations.inputs)
  const attempt = annotation(child, jobAnnotations.attempt)
  const rerun = annotation(child, jobAnnotations.rerun)
  if (!isHash(inputs) || !isHash(attempt)) return {}
  if (!child.metadata.name.endsWith(`-${attempt.slice(0, 8)}`)) return {}
  return { inputs, attempt, ...(rerun && rerun.length <= longestValue && { rerun }) }
}

/** Whether a Job is suspended, by its spec and by the condition that the Job controller sets. */
export const isAtRest = (child: Child): boolean =>
  child.spec?.suspend === true &&
  Boolean(conditionOf(child, 'Suspended')) &&
  !(child.status?.active > 0)

export const isComplete = (child: Child): boolean => Boolean(conditionOf(child, 'Complete'))
export const isFailed = (child: Child): boolean => Boolean(conditionOf(child, 'Failed'))

/** Whether a Job ran out of a time that the user has prolonged since. */
export function hadTooLittleTime(
  child: Child,
  { activeDeadlineSeconds }: Pick<RunPolicy, 'activeDeadlineSeconds'>,
): boolean {
  const had: number | undefined = child.spec?.activeDeadlineSeconds
  return (
    conditionOf(child, 'Failed')?.reason === 'DeadlineExceeded' &&
    had !== undefined &&
    (activeDeadlineSeconds === undefined || activeDeadlineSeconds > had)
  )
}

/**
 * An existing Job with its mutable fields as they should be now. `policy` is the user's own, where the
 * Job is the one that the spec asks for.
 */
export function keptJob(child: Child, parent: Parent, policy?: RunPolicy): Child {
  const held = Object.values(remembered(parent).stages ?? {}).some(
    (record) => record.job === child.metadata.name,
  )
  const finished = isComplete(child) || isFailed(child)
  const ttl = policyOf(parent).ttlSecondsAfterFinished
  return kept(child, {
    ...(!finished && { suspend: isSuspended(parent) ? true : undefined }),
    ...(!finished && policy && { activeDeadlineSeconds: policy.activeDeadlineSeconds }),
    ...(!finished && policy?.backoffLimit !== undefined && { backoffLimit: policy.backoffLimit }),
    ttlSecondsAfterFinished: held && Number.isInteger(ttl) ? ttl : undefined,
  })
}
