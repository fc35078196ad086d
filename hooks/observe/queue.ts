import { onOneLine } from '../../crds/text.ts'
import type { Admission, Job, Pod } from '../children/manifesttypes.ts'
import { queueOf } from '../children/metadata.ts'
import { no, type Verdict } from './verdict.ts'

/** Why a Job or a Pod waits in its queue, in Kueue's own words. */

/** Kueue's object for a Job or a Pod, which it calls a Workload, as a group of related objects. */
export const admissionGroup = 'Workload.kueue.x-k8s.io/v1beta2'

/** The label in which Kueue records the uid of the Job or the Pod; those of a group of Pods have none. */
export const jobUidLabel = 'kueue.x-k8s.io/job-uid'

export const isAdmissionOf = ({ metadata }: Admission, held: Job | Pod): boolean =>
  held.metadata.uid !== undefined && metadata.labels?.[jobUidLabel] === held.metadata.uid

/** The verdict about a Job that Kueue has suspended; undefined if it may run. */
export const queued = (job: Job, admission: Admission | undefined): Verdict | undefined =>
  job.spec?.suspend === true ? waiting('Job', job, admission) : undefined

/** Kueue holds a Pod by this scheduling gate until it has admitted it. Its other gates are for what follows. */
const gate = 'kueue.x-k8s.io/admission'

export const isHeld = (pod: Pod): boolean =>
  pod.spec?.schedulingGates?.some(({ name }) => name === gate) ?? false

/** The verdict about a Pod of a server or a notebook that Kueue holds. */
export const queuedPod = (pod: Pod, admission: Admission | undefined): Verdict | undefined =>
  isHeld(pod) ? waiting('Pod', pod, admission) : undefined

function waiting(
  kind: string,
  held: Job | Pod,
  admission: Admission | undefined,
): Verdict | undefined {
  const queue = queueOf(held)
  if (queue === undefined) return undefined
  const why = wordsOf(admission)
  return no(
    'Queued',
    `${kind} "${held.metadata.name}" waits in queue "${queue}"${why ? `: ${onOneLine(why)}` : ''}`,
  )
}

/** The conditions that say why it waits. */
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
