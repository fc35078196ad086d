import { isDeepStrictEqual } from 'node:util'
import type { Parent } from '../../crds/kind.ts'
import type { Pod } from '../../hooks/children/manifesttypes.ts'
import { hooks } from '../../hooks/hooks.ts'
import { lastApplied } from '../../hooks/observe/applied.ts'
import type { Group, SyncRequest, SyncResponse } from '../../hooks/observe/protocol.ts'
import {
  type Any,
  type Change,
  changesOf,
  groupOf,
  isOwnedBy,
  ownerOf,
  updated,
} from '../../platform/runner/childchanges.ts'
import { keptPod } from '../../server/keptpod.ts'
import type { Json } from '../objects.ts'
import { discard } from './controllers.ts'
import { begun, deletedBySync, known, replaced } from './ledger.ts'
import {
  find,
  keyOf,
  put,
  type Stored,
  seen,
  timeIn,
  uidFor,
  violated,
  type World,
} from './world.ts'

/** A sync as Metacontroller does it: the hooks are asked, then children are written, then the status. */

/** What goes wrong in a sync. */
export interface Fault {
  /** The hooks do not answer. */
  readonly isUnanswered?: boolean | undefined
  /** Metacontroller stops after so many changes of children. */
  readonly stopsAfter?: number | undefined
  /** The write of the status is refused. */
  readonly losesStatus?: boolean | undefined
}

export function sync(world: World, key: string, fault: Fault = {}): void {
  const [kind = '', name = ''] = key.split('/')
  world.queue.delete(key)
  const parent = seen(world, kind).get(name)
  if (!parent) {
    world.related.delete(key)
    return
  }
  if (fault.isUnanswered) {
    world.queue.add(key)
    return
  }
  const { request, answer } = asked(world, parent)
  known(world, parent)
  world.answers.set(key, answer)
  const { resyncAfterSeconds: seconds } = answer
  if (seconds) world.timers.set(key, world.seconds + seconds)
  else world.timers.delete(key)
  const isWhole = writeChildren(world, parent, request, answer, fault.stopsAfter)
  if (isWhole && !fault.losesStatus) writeStatus(world, parent, answer.status)
  else world.queue.add(key)
}

function asked(world: World, parent: Stored) {
  const hook = hooks.find(({ kind }) => kind.kind === parent.kind)
  if (!hook) throw new Error(`no hook for ${parent.kind}`)
  const { relatedResources } = hook.customize({ parent: parent as Json as Parent })
  world.related.set(keyOf(parent), relatedResources)
  const related: Record<string, Group[string]> = { 'Pod.v1': podsOf(world, parent) }
  for (const { resource, apiVersion, names } of relatedResources) {
    const kind = resource === 'models' ? 'Model' : 'Dataset'
    related[`${kind}.${apiVersion}`] = grouped(
      [...seen(world, kind).values()].filter(({ metadata }) => names.includes(metadata.name)),
    )
  }
  const children = Object.fromEntries(
    hook.children.map((child) => [
      groupOf(child),
      grouped([...seen(world, child.kind).values()].filter((one) => isOwnedBy(one, parent))),
    ]),
  )
  const request: SyncRequest = {
    parent: parent as Json as Parent,
    children,
    related,
    podsMayBeMissing: world.isBlind,
    // Replicas of the server may sign with different keys, which must restart nothing.
    reporting: { url: 'http://substratus', key: `key ${Math.floor(world.seconds) % 2}` },
    now: timeIn(world),
  }
  const answer = hook.sync(request, world.config, (error) => {
    throw error
  })
  for (const { apiVersion, kind, metadata } of answer.children) {
    const isOwn = hook.children.some((one) => one.kind === kind && one.apiVersion === apiVersion)
    if (!isOwn || ![undefined, parent.metadata.namespace].includes(metadata.namespace))
      violated(`${kind} "${metadata.name}" is no child of ${keyOf(parent)}`)
  }
  return { request, answer }
}

const grouped = (objects: readonly Stored[]): Group[string] =>
  Object.fromEntries(
    objects.map((object) => [`${object.metadata.namespace}/${object.metadata.name}`, object]),
  )

/** The server adds the Pods, from a watch of its own. */
const podsOf = (world: World, { metadata: { uid } }: Stored): Group[string] =>
  grouped(
    [...seen(world, 'Pod').values()]
      .filter(({ metadata: { labels } }) => labels?.['substratus.ai/parent-uid'] === uid)
      .map((pod) => keptPod(pod as Pod) as Stored),
  )

/** Returns whether all were written. */
function writeChildren(
  world: World,
  parent: Stored,
  { children, related }: SyncRequest,
  answer: SyncResponse,
  stopsAfter = Number.POSITIVE_INFINITY,
): boolean {
  const observed = Object.values(children).flatMap((group) => Object.values(group)) as Stored[]
  const pods = Object.values(related['Pod.v1'] ?? {}) as Stored[]
  let left = stopsAfter
  for (const change of changesOf(
    parent as Json as Any & Stored,
    observed as Json as (Any & Stored)[],
    answer.children as Json as Any[],
  )) {
    if (left-- <= 0) return false
    write(world, parent, change, pods)
  }
  return left > 0 || stopsAfter === Number.POSITIVE_INFINITY
}

function write(
  world: World,
  parent: Stored,
  change: Change<Any & Stored>,
  pods: readonly Stored[],
) {
  switch (change.verb) {
    case 'delete': {
      const { kind, metadata } = change.child
      const current = find(world, kind, metadata.name)
      if (current?.metadata.uid !== metadata.uid || !current) return
      if (kind === 'Job') deletedBySync(world, parent, current, pods)
      return discard(world, current)
    }
    case 'create':
      return create(world, parent, change.child as Json)
    case 'update':
      return update(world, change.existing, change.child)
  }
}

/** An object of that name that exists already is left alone. */
function create(world: World, parent: Stored, child: Stored): void {
  const { kind, metadata } = child
  if (find(world, kind, metadata.name)) return
  const stored = defaulted({
    ...child,
    metadata: {
      ...metadata,
      uid: uidFor(world),
      generation: 1,
      creationTimestamp: timeIn(world),
      ownerReferences: [ownerOf(parent as Json as Any)],
    },
  })
  put(world, stored)
  if (kind === 'Job') begun(world, parent, stored)
}

/** Fields that the API server fills in. */
function defaulted(object: Stored): Stored {
  const { kind, spec } = object
  if (kind !== 'Job' || spec.suspend !== undefined) return object
  return { ...object, spec: { ...spec, suspend: false, completionMode: 'NonIndexed' } }
}

/** Metacontroller ignores a conflict: the object has changed since it was seen. */
function update(world: World, existing: Any & Stored, child: Any): void {
  const { kind, metadata } = existing
  // Nothing else writes what was applied, so that the same again changes nothing.
  if (metadata.annotations?.[lastApplied] === child.metadata.annotations?.[lastApplied]) return
  const merged = updated(existing, child)
  if (!merged || find(world, kind, metadata.name) !== existing) return
  const now = defaulted(merged)
  const isChanged = !isDeepStrictEqual(now.spec, existing.spec)
  if (isChanged) expectMutable(existing, now)
  const generation = (metadata.generation ?? 0) + (isChanged ? 1 : 0)
  put(world, {
    ...now,
    spec: isChanged ? now.spec : existing.spec,
    metadata: { ...now.metadata, generation },
  })
}

/** The API server refuses these changes, and Metacontroller would try for ever. */
function expectMutable({ kind, metadata, spec }: Stored, { spec: now }: Stored): void {
  const fixed: Readonly<Record<string, readonly string[]>> = {
    Job: ['template', 'completions', 'podFailurePolicy'],
    PersistentVolumeClaim: ['accessModes', 'storageClassName'],
    Deployment: ['selector'],
    StatefulSet: ['selector', 'serviceName'],
  }
  for (const field of fixed[kind] ?? [])
    if (!isDeepStrictEqual(spec[field], now[field]))
      violated(`${field} of ${kind} "${metadata.name}" cannot be changed`)
}

/** The statuses that were written, as text: the same text is the same status. */
const texts = new WeakMap<object, string>()

/** Metacontroller replaces the status of whatever the API server stores, even if it has not seen that. */
function writeStatus(world: World, { kind, metadata }: Stored, answer: unknown): void {
  const current = find(world, kind, metadata.name)
  if (!current || current.metadata.uid !== metadata.uid) return
  const text = JSON.stringify({ ...(answer as object), observedGeneration: metadata.generation })
  if (text === texts.get(current.status)) return
  const status = JSON.parse(text)
  texts.set(status, text)
  if (isDeepStrictEqual(status, current.status)) return
  replaced(world, current, status)
  if (status.idle?.woken) world.woken.add(status.idle.container)
  put(world, { ...current, status })
}
