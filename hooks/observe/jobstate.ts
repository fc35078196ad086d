import type { RunPolicy } from '../../crds/common.ts'
import type { Job } from '../children/manifesttypes.ts'
import { conditionOf } from './diagnosis.ts'

/** How far an observed Job is. */

export const isComplete = (job: Job): boolean => Boolean(conditionOf(job, 'Complete'))
export const isFailed = (job: Job): boolean => Boolean(conditionOf(job, 'Failed'))

/** Whether a Job is suspended, by its spec and by the condition that the Job controller sets. */
export const isAtRest = (job: Job): boolean =>
  job.spec?.suspend === true &&
  Boolean(conditionOf(job, 'Suspended')) &&
  !((job.status?.active ?? 0) > 0)

/** Whether a Job ran out of a time that the user has prolonged since. */
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
