import type { Cluster } from '../cluster/kubeconfig.ts'
import { refusalOf } from '../cluster/refusal.ts'
import { watchObjects } from '../cluster/watch.ts'
import { group, labels, version } from '../crds/kind.ts'
import { kinds } from '../crds/kinds.ts'
import { type Feed, feedOf } from './feed.ts'
import type { Resource, Sent } from './wire.ts'

/**
 * What the page sees of a namespace, by watches with the person's rights. They are here and not in the page
 * because a browser opens only six connections to one address.
 */

// biome-ignore lint/suspicious/noExplicitAny: objects of the API server, of which fields are sent on.
type Any = any

interface Watched {
  readonly resource: Resource
  readonly path: (namespace: string) => string
  readonly query?: Readonly<Record<string, string>>
  /** What is sent of an object; undefined: nothing. */
  readonly sent: (object: Any) => Sent | undefined
}

const ours: readonly Watched[] = kinds.map(({ plural, kind }) => ({
  resource: plural,
  path: (namespace) => `/apis/${group}/${version}/namespaces/${namespace}/${plural}`,
  sent: ({ apiVersion, metadata: { managedFields: _, ...metadata }, ...fields }) => ({
    apiVersion,
    kind,
    metadata,
    ...fields,
  }),
}))

/** Jobs and Pods have this label, and other people's do not. */
const labelled = { labelSelector: labels.kind }

const metadataOf = ({ metadata }: Any): Any => {
  const { name, uid, creationTimestamp, deletionTimestamp } = metadata
  const own = Object.entries(metadata.labels ?? {}).filter(([label]) =>
    label.startsWith(`${group}/`),
  )
  return { name, uid, creationTimestamp, deletionTimestamp, labels: Object.fromEntries(own) }
}

/** The kinds whose Events are shown. */
const told = new Set([...kinds.map(({ kind }) => kind), 'Job', 'Pod', 'Deployment', 'StatefulSet'])

const namesOf = (containers: Any): Any => containers?.map(({ name }: Any) => ({ name }))

const others: readonly Watched[] = [
  {
    resource: 'jobs',
    path: (namespace) => `/apis/batch/v1/namespaces/${namespace}/jobs`,
    query: labelled,
    sent: (job) => ({
      metadata: metadataOf(job),
      spec: { suspend: job.spec?.suspend },
      status: job.status,
    }),
  },
  {
    resource: 'pods',
    path: (namespace) => `/api/v1/namespaces/${namespace}/pods`,
    query: labelled,
    sent: (pod) => ({
      metadata: metadataOf(pod),
      spec: {
        nodeName: pod.spec?.nodeName,
        initContainers: namesOf(pod.spec?.initContainers),
        containers: namesOf(pod.spec?.containers),
      },
      status: {
        phase: pod.status?.phase,
        reason: pod.status?.reason,
        startTime: pod.status?.startTime,
        containerStatuses: pod.status?.containerStatuses,
        initContainerStatuses: pod.status?.initContainerStatuses,
      },
    }),
  },
  {
    resource: 'events',
    path: (namespace) => `/api/v1/namespaces/${namespace}/events`,
    sent: (event) =>
      told.has(event.involvedObject?.kind)
        ? {
            metadata: metadataOf(event),
            involvedObject: event.involvedObject,
            type: event.type,
            reason: event.reason,
            message: event.message,
            count: event.series?.count ?? event.count,
            time: event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime,
          }
        : undefined,
  },
]

const watched = [...ours, ...others]

/** Watches until the signal. */
export function observed({ kubeConfig, namespace }: Cluster, signal: AbortSignal): Feed {
  const feed = feedOf(watched.map(({ resource }) => resource))
  for (const { resource, path, query, sent } of watched)
    watchObjects<Any, Sent>({
      kubeConfig,
      path: path(namespace),
      ...(query && { query }),
      keep: sent,
      changed: (put, gone) => {
        feed.trouble(resource, undefined)
        feed.push(resource, put, gone)
      },
      // A person who may only list gets the changes with each list.
      failed: (error, what) => {
        if (what === 'list') feed.trouble(resource, refusalOf(error).message)
      },
      signal,
    })
  return feed
}
