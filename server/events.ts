import type { KubeConfig } from '@kubernetes/client-node'
import { codeOf } from '../cluster/exchange.ts'
import { keyOf, type WatchState, watchObjects } from '../cluster/watch.ts'
import { cutAt } from '../crds/text.ts'
import type { Event } from '../hooks/children/manifesttypes.ts'
import { namespaceOf } from '../hooks/children/metadata.ts'
import { eventReasons } from '../hooks/observe/eventwords.ts'
import type { Child, Group, SyncRequest } from '../hooks/observe/protocol.ts'
import type { Log } from './log.ts'
import { type Notices, notices } from './notices.ts'
import { leastInformed, type WatchedKind } from './watches.ts'

/** Events about objects, from memory. */
export type Events = Pick<Notices, 'about' | 'settle'> & { readonly watch: WatchedKind }

/**
 * Watches the few Events that no status repeats: a watch for each reason, because field selectors have
 * no "or". Without the permission, conditions do not quote Events.
 */
export function watchEvents(kubeConfig: KubeConfig, log: Log, signal: AbortSignal): Events {
  const failed = failures(log)
  const forgets: ((key: string) => void)[] = []
  const states: (() => WatchState)[] = []
  const known = notices((event) => {
    for (const forget of forgets) forget(keyOf(event))
  })
  for (const [reason, about] of Object.entries(eventReasons)) {
    const { forget, state } = watchObjects<StoredEvent, Event>({
      kubeConfig,
      path: '/api/v1/events',
      query: { fieldSelector: `reason=${reason},${about}` },
      pageSize,
      keep: kept,
      changed: (put, gone) => {
        put.forEach(known.put)
        gone.forEach(known.remove)
      },
      failed,
      signal,
    })
    forgets.push(forget)
    states.push(state)
  }
  return {
    ...known,
    watch: {
      name: 'Events',
      isRequired: false,
      state: () => leastInformed(states.map((state) => state())),
    },
  }
}

/** Anyone can write long Events, so few are read at a time. */
const pageSize = 50
const longestMessage = 1024

/** Logs each failure, except that a missing permission, which is retried for ever, is logged once. */
function failures(log: Log): (error: unknown) => void {
  let isForbidden = false
  return (error) => {
    if (codeOf(error) !== 403)
      return log.warn({ err: error }, 'watching Events ended, trying again')
    if (!isForbidden)
      log.warn({ err: error }, 'no permission to watch Events: no condition quotes them')
    isForbidden = true
  }
}

interface StoredEvent extends Event {
  readonly eventTime?: string | null
  readonly series?: { readonly lastObservedTime?: string }
}

/** Only what the hooks read, and nothing of an Event that names no object. */
function kept({ metadata, involvedObject, ...event }: StoredEvent): Event | undefined {
  const { name, namespace } = metadata
  const { kind, uid } = involvedObject ?? {}
  if (!namespace || !kind || !uid || uid.length > 64) return undefined
  const { reason = '', message = '', series, lastTimestamp, eventTime } = event
  const time = series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata.creationTimestamp
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace },
    involvedObject: { kind, uid },
    reason,
    message: copied(cutAt(message, longestMessage)),
    ...(time && { lastTimestamp: time }),
  }
}

/** A substring would keep the whole string in memory. */
const copied = (text: string): string => Buffer.from(text).toString()

/**
 * Adds the Events about Pods and children to the related objects, unless the request itself contains
 * Events, as a manual one by curl may. Refusals of a workload's Pods are outdated once it has one.
 */
export function withEvents(
  related: Group,
  { parent, children }: Pick<SyncRequest, 'parent' | 'children'>,
  events: Omit<Events, 'watch'> | undefined,
): Group {
  if (!events || related['Event.v1']) return related
  const namespace = namespaceOf(parent)
  const pods: readonly Owned[] = Object.values(related['Pod.v1'] ?? {})
  for (const { metadata } of pods)
    if (metadata.namespace === namespace)
      for (const { uid } of metadata.ownerReferences ?? []) events.settle(namespace, uid)
  const workloads = workloadGroups.flatMap((group) => Object.values(children[group] ?? {}))
  const found = [...pods, ...workloads].flatMap(({ metadata: { uid } }) =>
    uid ? events.about(namespace, uid) : [],
  )
  if (!found.length) return related
  return { ...related, 'Event.v1': Object.fromEntries(found.map((event) => [keyOf(event), event])) }
}

/** The children that create Pods, and do not report in their status what is refused. */
const workloadGroups = ['Job.batch/v1', 'StatefulSet.apps/v1']

interface Owned extends Child {
  readonly metadata: Child['metadata'] & {
    readonly ownerReferences?: readonly { readonly uid: string }[]
  }
}
