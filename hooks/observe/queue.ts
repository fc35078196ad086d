import { onOneLine } from '../../crds/text.ts'
import type { Admission, Job } from '../children/manifesttypes.ts'
import { queueOf } from '../children/metadata.ts'
import { no, type Verdict } from './verdict.ts'

/** Why a Job waits in its queue, in Kueue's own words. */

/** Kueue's object for a Job, which it calls a Workload, as a group of related objects. */
export const admissionGroup = 'Workload.kueue.x-k8s.io/v1beta2'

/** The label in which Kueue records the uid of the Job. */
export const jobUidLabel = 'kueue.x-k8s.io/job-uid'

export const isAdmissionOf = ({ metadata }: Admission, job: Job): boolean =>
  job.metadata.uid !== undefined && metadata.labels?.[jobUidLabel] === job.metadata.uid

/** The verdict about a Job that Kueue has suspended; undefined if it may run. */
export function queued(job: Job, admission: Admission | undefined): Verdict | undefined {
  const queue = queueOf(job)
  if (queue === undefined || job.spec?.suspend !== true) return undefined
  const why = wordsOf(admission)
  return no(
    'Queued',
    `Job "${job.metadata.name}" waits in queue "${queue}"${why ? `: ${onOneLine(why)}` : ''}`,
  )
}

/** The conditions that say why a Job waits. */
export const admissionConditions = ['QuotaReserved', 'Evicted']

/** A preempted Job keeps its quota until its Pod has ended; checks follow once the quota is reserved. */
function wordsOf(admission: Admission | undefined): string | undefined {
  const { conditions = [], admissionChecks = [] } = admission?.status ?? {}
  const [quota, evicted] = admissionConditions.map((type) =>
    conditions.find((condition) => condition.type === type),
  )
  if (quota?.status !== 'True') return quota?.message
  if (evicted?.status === 'True') return evicted.message
  const check = admissionChecks.find(({ state }) => state !== 'Ready')
  if (!check) return undefined
  const { name, state, message } = check
  return `admission check "${name}" is ${state}${message ? `: ${message}` : ''}`
}
