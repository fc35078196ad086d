import type { KubeConfig } from '@kubernetes/client-node'
import { codeOf } from '../cluster/exchange.ts'
import { keyOf, watchObjects } from '../cluster/watch.ts'
import { cutAt } from '../crds/text.ts'
import type { Admission, Pod } from '../hooks/children/manifesttypes.ts'
import { queueOf } from '../hooks/children/metadata.ts'
import type { Child, Group, SyncRequest } from '../hooks/observe/protocol.ts'
import { admissionConditions, admissionGroup, isHeld, jobUidLabel } from '../hooks/observe/queue.ts'
import type { Log } from './log.ts'

/** Kueue's Workloads, from memory. */
export interface Admissions {
  /** Those about a Job or a Pod, by its namespace and uid. */
  readonly about: (namespace: string, uid: string) => readonly Admission[]
}

/**
 * Watches Kueue's Workloads, which say why a Job or a Pod waits in its queue. Without Kueue or the permission, Ready
 * names only the queue.
 */
export function watchAdmissions(kubeConfig: KubeConfig, log: Log, signal: AbortSignal): Admissions {
  const byJob = new Map<string, Map<string, Admission>>()
  const remove = (admission: Admission) => {
    const own = byJob.get(jobOf(admission))
    own?.delete(keyOf(admission))
    if (own?.size === 0) byJob.delete(jobOf(admission))
  }
  watchObjects<Admission, Admission>({
    kubeConfig,
    path: '/apis/kueue.x-k8s.io/v1beta2/workloads',
    query: { labelSelector: jobUidLabel },
    pageSize,
    keep: kept,
    changed: (put, gone) => {
      for (const admission of put) {
        const own = byJob.get(jobOf(admission)) ?? new Map<string, Admission>()
        byJob.set(jobOf(admission), own.set(keyOf(admission), admission))
      }
      gone.forEach(remove)
    },
    failed: failures(log),
    signal,
  })
  return {
    about: (namespace, uid) => [...(byJob.get(`${namespace}/${uid}`)?.values() ?? [])],
  }
}

/** A Workload contains whole Pod templates, so few are read at a time. */
const pageSize = 50
const longestMessage = 1024

const jobOf = ({ metadata: { namespace, labels } }: Admission): string =>
  `${namespace}/${labels?.[jobUidLabel]}`

/** Only what the hooks read. */
function kept({ metadata, status }: Admission): Admission | undefined {
  const { name, namespace, labels } = metadata
  const uid = labels?.[jobUidLabel]
  if (!namespace || !uid) return undefined
  const { conditions = [], admissionChecks = [] } = status ?? {}
  return {
    apiVersion: 'kueue.x-k8s.io/v1beta2',
    kind: 'Workload',
    metadata: { name, namespace, labels: { [jobUidLabel]: uid } },
    status: {
      conditions: conditions.filter(({ type }) => admissionConditions.includes(type)).map(cut),
      admissionChecks: admissionChecks.map(({ name, state, message }) =>
        cut({ name, state, ...(message && { message }) }),
      ),
    },
  }
}

/** Copied, because a substring would keep the whole string in memory. */
const cut = <T extends { readonly message?: string }>(report: T): T =>
  report.message === undefined
    ? report
    : { ...report, message: Buffer.from(cutAt(report.message, longestMessage)).toString() }

/** Logs each failure; a missing Kueue or permission, which is retried for ever, only once. */
function failures(log: Log): (error: unknown) => void {
  let isAbsent = false
  return (error) => {
    const code = codeOf(error)
    if (code !== 403 && code !== 404)
      return log.warn({ err: error }, 'watching Workloads of Kueue ended, trying again')
    if (!isAbsent)
      log.info({ code }, 'no Workloads of Kueue: Ready cannot say why a Job or Pod is queued')
    isAbsent = true
  }
}

/** Adds the Workloads of queued Jobs and Pods to the related objects, unless the request itself contains some. */
export function withAdmissions(
  related: Group,
  { children }: Pick<SyncRequest, 'children'>,
  admissions: Admissions | undefined,
): Group {
  if (!admissions || related[admissionGroup]) return related
  const jobs = Object.values(children['Job.batch/v1'] ?? {})
  const pods = Object.values(related['Pod.v1'] ?? {}).filter((pod) => isHeld(pod as Pod))
  const found = [...jobs, ...pods]
    .filter((held) => queueOf(held) !== undefined)
    .flatMap(({ metadata: { namespace, uid } }: Child) =>
      namespace && uid ? admissions.about(namespace, uid) : [],
    )
  if (!found.length) return related
  return { ...related, [admissionGroup]: Object.fromEntries(found.map((one) => [keyOf(one), one])) }
}
