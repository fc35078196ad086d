import type { Line, Resource, Session } from '../../ui/wire.ts'

/** What the page knows of the cluster. Its fields come from others: each may be missing. */

export interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
  readonly lastTransitionTime?: string
}

interface Metadata {
  readonly name: string
  readonly uid?: string
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

/** One of the four kinds. */
export interface Thing {
  readonly apiVersion?: string
  readonly kind: string
  readonly metadata: Metadata
  readonly spec?: Readonly<Record<string, unknown>>
  readonly status?: Readonly<Record<string, unknown>> & {
    readonly conditions?: readonly Condition[]
  }
}

export interface Job {
  readonly metadata: Metadata
  readonly spec?: { readonly suspend?: boolean }
  readonly status?: {
    readonly active?: number
    readonly failed?: number
    readonly startTime?: string
    readonly completionTime?: string
    readonly conditions?: readonly (Omit<Condition, 'reason' | 'message'> & {
      readonly reason?: string
      readonly message?: string
    })[]
  }
}

export interface ContainerStatus {
  readonly name: string
  readonly ready?: boolean
  readonly restartCount?: number
  readonly state?: {
    readonly running?: object
    readonly waiting?: { readonly reason?: string }
    readonly terminated?: { readonly exitCode?: number; readonly reason?: string }
  }
}

export interface Pod {
  readonly metadata: Metadata
  readonly spec?: {
    readonly nodeName?: string
    readonly initContainers?: readonly { readonly name: string }[]
    readonly containers?: readonly { readonly name: string }[]
  }
  readonly status?: {
    readonly phase?: string
    /** Why the kubelet or a controller ended it, for instance Evicted. */
    readonly reason?: string
    readonly startTime?: string
    readonly containerStatuses?: readonly ContainerStatus[]
    readonly initContainerStatuses?: readonly ContainerStatus[]
  }
}

export interface Happening {
  readonly metadata: Metadata
  readonly involvedObject?: {
    readonly kind?: string
    readonly name?: string
    readonly uid?: string
  }
  readonly type?: string
  readonly reason?: string
  readonly message?: string
  readonly count?: number
  readonly time?: string
}

export interface Known {
  readonly objects: ReadonlyMap<Resource, ReadonlyMap<string, unknown>>
  /** Why resources cannot be read. */
  readonly troubles: ReadonlyMap<Resource, string>
  /** The resources that the local part sends. */
  readonly resources: readonly Resource[]
}

export const nothingKnown: Known = { objects: new Map(), troubles: new Map(), resources: [] }

/** What is known after a line. */
export function after(known: Known, line: Line): Known {
  switch (line.is) {
    case 'start':
      return { ...nothingKnown, resources: line.resources }
    case 'objects': {
      const objects = new Map(known.objects.get(line.resource))
      for (const object of line.put) objects.set(object.metadata.name, object)
      for (const name of line.gone) objects.delete(name)
      return { ...known, objects: new Map(known.objects).set(line.resource, objects) }
    }
    case 'trouble': {
      const troubles = new Map(known.troubles)
      if (line.message === undefined) troubles.delete(line.resource)
      else troubles.set(line.resource, line.message)
      return { ...known, troubles }
    }
  }
}

const all = <T>({ objects }: Known, resource: Resource): readonly T[] =>
  [...(objects.get(resource)?.values() ?? [])] as T[]

/** All objects of the four kinds, kind by kind, by name. */
export const thingsOf = (known: Known, { kinds }: Session): readonly Thing[] =>
  kinds.flatMap(({ plural }) =>
    all<Thing>(known, plural).toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)),
  )

export const thingNamed = (known: Known, plural: string, name: string): Thing | undefined =>
  known.objects.get(plural)?.get(name) as Thing | undefined

/** Whether every kind has been listed, or cannot be. */
export const isKnown = ({ objects, troubles }: Known, { kinds }: Session): boolean =>
  kinds.every(({ plural }) => objects.has(plural) || troubles.has(plural))

const kindLabel = 'substratus.ai/kind'
const nameLabel = 'substratus.ai/name'
const uidLabel = 'substratus.ai/parent-uid'

/** Whether an object's labels say that it belongs to the thing, and to no former one of that name. */
function belongsTo({ metadata: { labels = {} } }: { metadata: Metadata }, thing: Thing): boolean {
  const uid = labels[uidLabel]
  return (
    labels[kindLabel] === thing.kind.toLowerCase() &&
    labels[nameLabel] === thing.metadata.name &&
    (uid === undefined || uid === thing.metadata.uid)
  )
}

/** The stage that a Job or Pod is for: build, load, run, seal, package or serve. */
export const stageOf = ({ metadata }: { metadata: Metadata }): string =>
  metadata.labels?.['substratus.ai/stage'] ?? ''

const oldestFirst = (a: { metadata: Metadata }, b: { metadata: Metadata }): number =>
  (a.metadata.creationTimestamp ?? '') < (b.metadata.creationTimestamp ?? '') ? -1 : 1

export const jobsOf = (known: Known, thing: Thing): readonly Job[] =>
  all<Job>(known, 'jobs')
    .filter((job) => belongsTo(job, thing))
    .toSorted(oldestFirst)

/** Its Pods, the newest first. */
export const podsOf = (known: Known, thing: Thing): readonly Pod[] =>
  all<Pod>(known, 'pods')
    .filter((pod) => belongsTo(pod, thing))
    .toSorted((a, b) => oldestFirst(b, a))

/** What has happened to it, its Jobs and its Pods, in order. */
export function happeningsOf(known: Known, thing: Thing): readonly Happening[] {
  const own = new Set<string | undefined>([
    thing.metadata.uid,
    ...jobsOf(known, thing).map(({ metadata }) => metadata.uid),
    ...podsOf(known, thing).map(({ metadata }) => metadata.uid),
  ])
  const timeOf = ({ time, metadata }: Happening): number =>
    Date.parse(time ?? metadata.creationTimestamp ?? '') || 0
  return all<Happening>(known, 'events')
    .filter(({ involvedObject }) => involvedObject?.uid && own.has(involvedObject.uid))
    .toSorted((a, b) => timeOf(a) - timeOf(b))
}
