import { annotations, apiVersion } from '../../crds/kind.ts'
import { aConfig } from '../objects.ts'
import { type ConfigurationName, cast, configurations, type Name, type Spec } from './cast.ts'
import { controllers, discard } from './controllers.ts'
import { hasEnded } from './jobcontroller.ts'
import { deletedByHand } from './ledger.ts'
import { happens, living, type PodEvent } from './podlife.ts'
import { calm } from './settle.ts'
import { sync } from './syncs.ts'
import {
  all,
  find,
  namespace,
  put,
  queueAll,
  remove,
  type Stored,
  timeIn,
  uidFor,
  type World,
} from './world.ts'

/** What happens in a history, as plain data, so that a failing history can be pasted into a test. */
export type Action =
  | { readonly do: 'apply'; readonly object: Name; readonly spec: Spec }
  | { readonly do: 'suspend'; readonly object: Name }
  | { readonly do: 'resume'; readonly object: Name }
  | { readonly do: 'delete'; readonly object: Name }
  | {
      readonly do: 'annotate'
      readonly object: Name
      readonly with: 'rerun' | 'rollout' | 'opened'
      /** Without a value, the annotation is removed; `now` is the time. */
      readonly value?: string
    }
  | {
      readonly do: 'sync'
      readonly object: Name
      readonly but?: 'no answer' | 'the status is lost'
      readonly stopsAfter?: number
    }
  /** One step of Kubernetes' own controllers. */
  | { readonly do: 'controllers' }
  | { readonly do: 'pod'; readonly at: number; readonly event: PodEvent }
  /** Somebody deletes a child, or a Pod that has ended. */
  | { readonly do: 'lose'; readonly kind: Lost; readonly at: number }
  /** A watch sees nothing new until `catch up`. */
  | { readonly do: 'lag'; readonly watch: string }
  /** The server loses its watch of Pods, and knows that. */
  | { readonly do: 'blind' }
  | { readonly do: 'catch up' }
  | { readonly do: 'configure'; readonly to: ConfigurationName }
  /** Metacontroller restarts: it lists everything, and syncs everything. */
  | { readonly do: 'restart' }
  | { readonly do: 'wait'; readonly seconds: number }
  /** For a while everything works. */
  | { readonly do: 'calm'; readonly rounds: number }

export type Lost =
  | 'Job'
  | 'PersistentVolumeClaim'
  | 'Deployment'
  | 'StatefulSet'
  | 'Service'
  | 'Pod'

type Of<D extends Action['do']> = Extract<Action, { readonly do: D }>

type Deeds = { readonly [D in Action['do']]: (world: World, action: Of<D>) => void }

const deeds: Deeds = {
  apply,
  suspend,
  resume: suspend,
  annotate,
  delete: deleteObject,
  sync: (world, { object, but, stopsAfter }) =>
    sync(world, `${cast[object]}/${object}`, {
      isUnanswered: but === 'no answer',
      losesStatus: but === 'the status is lost',
      stopsAfter,
    }),
  controllers,
  pod,
  lose,
  lag: (world, { watch }) => lag(world, watch),
  blind: (world) => {
    lag(world, 'Pod')
    world.isBlind = true
  },
  'catch up': relist,
  configure,
  restart: relist,
  wait: (world, { seconds }) => {
    world.seconds += seconds
  },
  calm: (world, { rounds }) => {
    for (let round = 0; round < rounds; round++) calm(world)
  },
}

export function perform(world: World, action: Action): void {
  world.seconds++
  const deed = deeds[action.do] as (world: World, action: Action) => void
  deed(world, action)
}

const objectOf = (world: World, name: Name): Stored | undefined => find(world, cast[name], name)

function withSpec(world: World, object: Stored, spec: Spec): void {
  if (JSON.stringify(spec) === JSON.stringify(object.spec)) return
  const generation = (object.metadata.generation ?? 0) + 1
  put(world, { ...object, metadata: { ...object.metadata, generation }, spec })
}

/** A changed spec of a suspended object leaves it suspended. */
function apply(world: World, { object: name, spec }: Of<'apply'>): void {
  const object = objectOf(world, name)
  if (object) {
    withSpec(world, object, object.spec.suspend ? { ...spec, suspend: true } : spec)
    return
  }
  const metadata = { name, namespace, uid: uidFor(world), generation: 1 }
  put(world, { apiVersion, kind: cast[name], metadata, spec })
}

function suspend(world: World, { do: what, object: name }: Of<'suspend' | 'resume'>): void {
  const object = objectOf(world, name)
  if (!object) return
  const { suspend: _, ...spec } = object.spec
  withSpec(world, object, what === 'suspend' ? { ...spec, suspend: true } : spec)
}

function annotate(world: World, { object: name, with: word, value }: Of<'annotate'>): void {
  const object = objectOf(world, name)
  if (!object) return
  const { [annotations[word]]: _, ...others } = object.metadata.annotations ?? {}
  const given = value === 'now' ? timeIn(world) : value
  const now = { ...others, ...(given !== undefined && { [annotations[word]]: given }) }
  put(world, { ...object, metadata: { ...object.metadata, annotations: now } })
}

function deleteObject(world: World, { object: name }: Of<'delete'>): void {
  const object = objectOf(world, name)
  if (object) remove(world, object)
}

function pod(world: World, { at, event }: Of<'pod'>): void {
  const pods = living(world)
  const found = pods[at % pods.length]
  if (found) happens(world, found, event)
}

function lose(world: World, { kind, at }: Of<'lose'>): void {
  const found = [...all(world, kind).values()].filter((one) => kind !== 'Pod' || hasEnded(one))
  const object = found[at % found.length]
  if (!object) return
  if (kind === 'Job') deletedByHand(world, object)
  world.isDoubtful ||= kind === 'Job'
  discard(world, object)
}

function lag(world: World, kind: string): void {
  world.lagging.set(kind, all(world, kind))
  world.isDoubtful = true
}

/** All watches list anew, and everything is synced. */
export function relist(world: World): void {
  world.lagging.clear()
  world.isBlind = false
  queueAll(world)
}

/** The server restarts with it, and so does Metacontroller: its controllers have another address. */
function configure(world: World, { to }: Of<'configure'>): void {
  world.config = configOf(to)
  world.isReconfigured = true
  relist(world)
}

const known = new Map<ConfigurationName, ReturnType<typeof aConfig>>()
export function configOf(name: ConfigurationName): ReturnType<typeof aConfig> {
  const config = known.get(name) ?? aConfig(configurations[name])
  known.set(name, config)
  return config
}
