import type { RunPolicy } from '../../crds/common.ts'
import type { Job } from '../children/manifesttypes.ts'
import { conditionOf } from './diagnosis.ts'

/** The state of an observed Job. */

export const isComplete = (job: Job): boolean => Boolean(conditionOf(job, 'Complete'))
export const isFailed = (job: Job): boolean => Boolean(conditionOf(job, 'Failed'))

/** Whether a Job is suspended, by its spec and by the condition that the Job controller sets. */
export const isStopped = (job: Job): boolean =>
  job.spec?.suspend === true &&
  Boolean(conditionOf(job, 'Suspended')) &&
  !((job.status?.active ?? 0) > 0)

/** Whether a Job exceeded a deadline that the user has extended since. */
export function hadTooLittleTime(
  job: Job,
  { activeDeadlineSeconds }: Pick<RunPolicy, 'activeDeadlineSeconds'>,
): boolean {
  const had = job.spec?.activeDeadlineSeconds
  return (
    conditionOf(job, 'Failed')?.reason === 'DeadlineExceeded' &&
    had !== undefined &&
    (activeDeadlineSeconds === undefined || activeDeadlineSeconds > had)
  )
}
