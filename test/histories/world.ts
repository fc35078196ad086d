import type { Config } from '../../crds/config.ts'
import { kinds } from '../../crds/kinds.ts'
import type { RelatedRule, SyncResponse } from '../../hooks/observe/protocol.ts'
import { controllers } from '../../metacontroller/compositecontrollers.ts'
import type { Child } from '../objects.ts'
import type { Contents } from './contents.ts'
import type { Work } from './ledger.ts'

/**
 * A cluster in memory: what the API server stores, what the watches of Metacontroller and of the server have
 * seen of it, and what Metacontroller has queued.
 */
export interface World {
  config: Config
  /** Whether the configuration has changed since the beginning. */
  isReconfigured: boolean
  seconds: number
  /** By kind and name; all objects are in one namespace. */
  readonly objects: Map<string, Collection>
  /** What a watch that lags has seen, by kind. */
  readonly lagging: Map<string, Collection>
  /** Whether a watch has lagged, or somebody has deleted a Job that ran: then Pods may meet in a folder. */
  isDoubtful: boolean
  /** Whether the server knows that its watch of Pods lags. */
  isBlind: boolean
  /** The parents to sync, and when to ask again about which. */
  readonly queue: Set<string>
  readonly timers: Map<string, number>
  /** The related objects that each parent has asked for. */
  readonly related: Map<string, readonly RelatedRule[]>
  /** The last answer for each parent. */
  readonly answers: Map<string, SyncResponse>
  readonly works: Work[]
  readonly contents: Contents
  /** The uids of the parents that have lost a claim. */
  readonly bereft: Set<string>
  /** The containers of idle watches after which a status has said that the object was woken. */
  readonly woken: Set<string>
  /** How many objects were created, and how many writes there were. */
  created: number
  writes: number
}

/** An object as the API server stores it. Objects are never changed, only replaced. */
export interface Stored extends Child {
  readonly metadata: Child['metadata'] & {
    readonly uid: string
    readonly deletionTimestamp?: string
    readonly finalizers?: readonly string[]
    readonly ownerReferences?: readonly { readonly controller: boolean; readonly uid: string }[]
  }
}

/** Replaced at each write, so that a watch that lags may hold an older one. */
export type Collection = ReadonlyMap<string, Stored>

export const namespace = 'team'

export const violated = (what: string): never => {
  throw new Error(what)
}

export const worldOf = (config: Config): World => ({
  config,
  isReconfigured: false,
  seconds: 0,
  objects: new Map(),
  lagging: new Map(),
  isDoubtful: false,
  isBlind: false,
  queue: new Set(),
  timers: new Map(),
  related: new Map(),
  answers: new Map(),
  works: [],
  contents: new Map(),
  bereft: new Set(),
  woken: new Set(),
  created: 0,
  writes: 0,
})

const none: Collection = new Map()

/** What is stored now. */
export const all = ({ objects }: World, kind: string): Collection => objects.get(kind) ?? none

/** What a watch has seen of it. */
export const seen = (world: World, kind: string): Collection =>
  world.lagging.get(kind) ?? all(world, kind)

export const find = (world: World, kind: string, name: string): Stored | undefined =>
  all(world, kind).get(name)

const begin = Date.parse('2026-01-01T00:00:00Z')
export const timeIn = ({ seconds }: World): string =>
  `${new Date(begin + seconds * 1000).toISOString().slice(0, 19)}Z`
export const secondsAt = (time: string): number => (Date.parse(time) - begin) / 1000

export const uidFor = (world: World): string => `u${++world.created}`

export const parentKinds: readonly string[] = kinds.map(({ kind }) => kind)
export const keyOf = ({ kind, metadata: { name } }: Child): string => `${kind}/${name}`

interface Controller {
  readonly spec: { readonly parentResource: { readonly ignoreStatusChanges?: boolean } }
}
const [controller] = controllers({ url: 'http://hooks' }) as readonly Controller[]
/** Whether a change of its status alone queues an object. */
const hearsStatus = !controller?.spec.parentResource.ignoreStatusChanges

/** Creates or replaces an object. */
export function put(world: World, object: Stored): void {
  const { kind, metadata } = object
  const before = all(world, kind)
  const former = before.get(metadata.name)
  world.objects.set(kind, new Map(before).set(metadata.name, object))
  world.writes++
  notify(world, object, former && isStatusAlone(former, object))
}

export function remove(world: World, object: Stored): void {
  const { kind, metadata } = object
  const left = new Map(all(world, kind))
  left.delete(metadata.name)
  world.objects.set(kind, left)
  world.writes++
  notify(world, object, false)
}

const isStatusAlone = (former: Stored, now: Stored): boolean =>
  former.spec === now.spec && former.metadata === now.metadata

/** Pods are no children, so that nothing follows from a change of theirs. */
function notify(world: World, object: Stored, isStatus = false): void {
  const { queue, related } = world
  const { kind, metadata } = object
  if (kind === 'Pod') return
  if (!parentKinds.includes(kind)) {
    const owner = metadata.ownerReferences?.[0]?.uid
    for (const parent of parents(world)) if (parent.metadata.uid === owner) queue.add(keyOf(parent))
    return
  }
  if (!isStatus || hearsStatus) queue.add(keyOf(object))
  const resource = `${kind.toLowerCase()}s`
  for (const [key, rules] of related)
    if (rules.some((rule) => rule.resource === resource && rule.names.includes(metadata.name)))
      queue.add(key)
}

export const parents = (world: World): readonly Stored[] =>
  parentKinds.flatMap((kind) => [...all(world, kind).values()])

/** All objects of a kind that a parent owns. */
export const ownedIn = (objects: Collection, uid: string): readonly Stored[] =>
  [...objects.values()].filter(
    ({ metadata: { ownerReferences } }) => ownerReferences?.[0]?.uid === uid,
  )

/** After a list of all objects, and after an interruption, everything is queued. */
export function queueAll(world: World): void {
  for (const parent of parents(world)) world.queue.add(keyOf(parent))
}
