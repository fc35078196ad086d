import type { Json } from '../objects.ts'
import { emptied } from './contents.ts'
import { controlJob, expire, hasEnded } from './jobcontroller.ts'
import { controlDeployment, controlStatefulSet } from './workloads.ts'
import { all, parents, put, remove, type Stored, timeIn, type World } from './world.ts'

/** One step of all controllers of Kubernetes, and of the kubelets that end Pods. */
export function controllers(world: World): void {
  collectGarbage(world)
  endPods(world)
  releaseClaims(world)
  const each = (kind: string, control: (world: World, object: Stored) => void) => {
    for (const object of all(world, kind).values()) control(world, object)
  }
  each('Job', controlJob)
  each('Job', expire)
  each('Deployment', controlDeployment)
  each('StatefulSet', controlStatefulSet)
}

export const childKinds = [
  'Job',
  'Deployment',
  'StatefulSet',
  'PersistentVolumeClaim',
  'Service',
  'NetworkPolicy',
] as const

/** Deletes objects whose owner is gone. */
function collectGarbage(world: World): void {
  const living = new Set(parents(world).map(({ metadata }) => metadata.uid))
  const isOrphan = ({ metadata: { ownerReferences: [owner] = [] } }: Stored) =>
    owner !== undefined && !living.has(owner.uid)
  for (const kind of childKinds)
    for (const object of all(world, kind).values())
      if (isOrphan(object)) discard(world, object)
      else living.add(object.metadata.uid)
  for (const pod of all(world, 'Pod').values()) if (isOrphan(pod)) discard(world, pod)
}

/** Deletes an object: a Pod ends first and is counted by its Job, and a claim stays while a Pod names it. */
export function discard(world: World, object: Stored): void {
  const { kind, metadata } = object
  const isHeld =
    kind === 'PersistentVolumeClaim' ||
    (kind === 'Pod' && (!hasEnded(object) || metadata.finalizers !== undefined))
  if (isHeld) marked(world, object)
  else remove(world, object)
}

function marked(world: World, object: Stored): void {
  const { metadata } = object
  if (metadata.deletionTimestamp) return
  put(world, { ...object, metadata: { ...metadata, deletionTimestamp: timeIn(world) } })
}

/** A Pod that is being deleted ends: its Job counts it, unless it has no Job any more. */
function endPods(world: World): void {
  for (const pod of all(world, 'Pod').values()) {
    const { deletionTimestamp, finalizers, ownerReferences: [owner] = [] } = pod.metadata
    if (!deletionTimestamp) continue
    const isCounted = [...all(world, 'Job').values()].some(
      ({ metadata }) => metadata.uid === owner?.uid,
    )
    if (!finalizers || !isCounted) remove(world, pod)
    else if (!hasEnded(pod)) put(world, { ...pod, status: disrupted('DeletionByTaintManager') })
  }
}

/** The status of a Pod that the cluster has stopped. */
export const disrupted = (reason: string): Json => ({
  phase: 'Failed',
  reason,
  message: 'The node was low on resource: memory.',
  conditions: [{ type: 'DisruptionTarget', status: 'True' }],
})

function releaseClaims(world: World): void {
  const pods = [...all(world, 'Pod').values()]
  for (const claim of all(world, 'PersistentVolumeClaim').values()) {
    if (!claim.metadata.deletionTimestamp || pods.some((pod) => names(pod, claim))) continue
    remove(world, claim)
    emptied(world, claim)
  }
}

/** A Pod that was never scheduled does not hold a claim. */
const names = ({ spec }: Stored, { metadata: { name } }: Stored): boolean =>
  spec.nodeName !== undefined &&
  (spec.volumes ?? []).some(
    ({ persistentVolumeClaim }: Json) => persistentVolumeClaim?.claimName === name,
  )
