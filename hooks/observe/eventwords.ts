import type { Event, Job, Pod, Workload } from '../children/manifesttypes.ts'
import { steady } from './steady.ts'

/**
 * What Kubernetes reports only in Events. They count as long as they describe the current state: those of
 * a Pod until its containers start, those of a workload until it has a Pod.
 */

/** The reasons, each with the objects about which Events are read, as a field selector. */
export const eventReasons = {
  FailedAttachVolume: 'involvedObject.kind=Pod',
  FailedMount: 'involvedObject.kind=Pod',
  // A Deployment reports in its own status what its ReplicaSet cannot create.
  FailedCreate: 'involvedObject.kind!=ReplicaSet',
} as const

const isAbout = ({ involvedObject }: Event, { kind, metadata }: Pod | Job | Workload): boolean =>
  metadata.uid !== undefined && involvedObject?.uid === metadata.uid && involvedObject.kind === kind

/** To the second: the two APIs of Events write times with and without fractions. */
const timeOf = ({ lastTimestamp }: Event): string => (lastTimestamp ?? '').slice(0, 19)

/** At the same second, the cause comes before its effect: a volume is attached before it is mounted. */
const newestFirst = (a: Event, b: Event): number =>
  timeOf(b).localeCompare(timeOf(a)) ||
  (a.reason ?? '').localeCompare(b.reason ?? '') ||
  (a.message ?? '').localeCompare(b.message ?? '')

/** A longer list does not fit into a message. */
const mostVolumes = 3

/**
 * The newest message about each volume of a Pod. The kubelet reports all volumes in turn, so all are
 * listed, in a fixed order: Ready must not alternate between them.
 */
export function volumeFaultIn(events: readonly Event[], pod: Pod): string | undefined {
  const own = events
    .filter((event) => event.reason !== 'FailedCreate' && isAbout(event, pod))
    .sort(newestFirst)
  const byVolume = new Map<string, string>()
  for (const { message = '' } of own) {
    const volume = /for volume "([^"]+)"/.exec(message)?.[1]
    if (volume && !byVolume.has(volume)) byVolume.set(volume, steady(message))
  }
  const named = [...byVolume].sort(([a], [b]) => a.localeCompare(b)).map(([, message]) => message)
  // The kubelet's summary of all volumes names no cause, so it counts only if there is nothing else.
  const [summary] = own.map(({ message = '' }) => steady(message))
  return named.length ? named.slice(0, mostVolumes).join('; ') : summary || undefined
}

/** What the controllers and the client library put before the API server's words. */
const introduction =
  /^(?:\(combined from similar events\): )?(?:Error creating: |create Pod \S+ in StatefulSet \S+ failed error: )?/

/**
 * Why the API server refuses the Pod of a workload, in its own words. The next Pod of a Job has another name,
 * so the name of the Job replaces it. What was refused before the Job was suspended no longer counts.
 */
export function refusalIn(events: readonly Event[], workload: Job | Workload): string | undefined {
  const { kind, metadata, status } = workload
  const since = status && 'startTime' in status ? (status.startTime ?? '').slice(0, 19) : ''
  const [newest] = events
    .filter((event) => event.reason === 'FailedCreate' && isAbout(event, workload))
    .filter((event) => timeOf(event) >= since)
    .sort(newestFirst)
  const message = steady(newest?.message?.replace(introduction, '') ?? '')
  if (!message) return undefined
  return kind === 'Job' ? message.replace(/^(pods?) "[^"]*"/i, `$1 "${metadata.name}"`) : message
}
