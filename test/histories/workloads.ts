import { hash } from '../../crds/names.ts'
import type { Json } from '../objects.ts'
import { hasEnded, terminate } from './jobcontroller.ts'
import {
  all,
  find,
  ownedIn,
  put,
  remove,
  type Stored,
  timeIn,
  uidFor,
  type World,
} from './world.ts'

/** The controllers of Deployments and StatefulSets. */

const hashes = new WeakMap<object, string>()
const hashOf = (template: object): string => {
  const known = hashes.get(template) ?? hash(template).slice(0, 8)
  hashes.set(template, known)
  return known
}

const isReady = ({ status, metadata }: Stored): boolean =>
  !metadata.deletionTimestamp &&
  Boolean(status?.containerStatuses?.length) &&
  status.containerStatuses.every(({ ready }: Json) => ready)

const labelOf = ({ metadata: { labels } }: Stored, label: string) => labels?.[label]

function setStatus(world: World, workload: Stored, status: Json): void {
  if (JSON.stringify(status) === JSON.stringify(workload.status)) return
  put(world, { ...workload, status })
}

function createPod(world: World, workload: Stored, name: string, labels: Record<string, string>) {
  const { template } = workload.spec
  const uid = uidFor(world)
  put(world, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...template.metadata,
      name: name || `${workload.metadata.name}-${uid}`,
      namespace: workload.metadata.namespace ?? '',
      uid,
      creationTimestamp: timeIn(world),
      labels: { ...template.metadata.labels, ...labels },
      ownerReferences: [{ controller: true, uid: workload.metadata.uid }],
    },
    spec: template.spec,
    status: { phase: 'Pending' },
  })
}

/** Old Pods go once the new ones are ready; with Recreate, or without a surge, before. */
export function controlDeployment(world: World, deployment: Stored): void {
  const { replicas, strategy, template } = deployment.spec
  const revision = hashOf(template)
  const isCurrent = (pod: Stored) => labelOf(pod, 'pod-template-hash') === revision
  const pods = () => ownedIn(all(world, 'Pod'), deployment.metadata.uid)
  const living = () => pods().filter((pod) => !pod.metadata.deletionTimestamp && !hasEnded(pod))
  const isFirst = strategy.type === 'Recreate' || strategy.rollingUpdate?.maxSurge === 0
  const isEnough = living().filter((pod) => isCurrent(pod) && isReady(pod)).length >= replicas
  for (const pod of living().filter((one) => !isCurrent(one)))
    if (isFirst || isEnough || !isReady(pod)) terminate(world, pod)
  const current = living().filter(isCurrent)
  for (const pod of current.slice(replicas)) terminate(world, pod)
  const isWaiting = isFirst && pods().some((pod) => !isCurrent(pod))
  if (!isWaiting)
    for (let at = current.length; at < replicas; at++)
      createPod(world, deployment, '', { 'pod-template-hash': revision })
  const ready = living().filter(isReady).length
  setStatus(world, deployment, {
    observedGeneration: deployment.metadata.generation,
    ...(living().length && { replicas: living().length }),
    ...(living().some(isCurrent) && { updatedReplicas: living().filter(isCurrent).length }),
    ...(ready && { readyReplicas: ready, availableReplicas: ready }),
    conditions: [{ type: 'Available', status: ready >= replicas ? 'True' : 'False' }],
  })
}

/** OnDelete: a Pod of an older revision stays until somebody deletes it. */
export function controlStatefulSet(world: World, set: Stored): void {
  const { replicas, template } = set.spec
  const name = `${set.metadata.name}-0`
  const revision = hashOf(template)
  const pod = find(world, 'Pod', name)
  if (pod && !replicas) terminate(world, pod)
  if (pod && hasEnded(pod)) remove(world, pod)
  if (!find(world, 'Pod', name) && replicas)
    createPod(world, set, name, { 'controller-revision-hash': revision })
  const now = find(world, 'Pod', name)
  const isOwn = now?.metadata.ownerReferences?.[0]?.uid === set.metadata.uid
  const isOld = isOwn && now && labelOf(now, 'controller-revision-hash') !== revision
  setStatus(world, set, {
    observedGeneration: set.metadata.generation,
    ...(isOwn && { replicas: 1 }),
    ...(isOwn && now && isReady(now) && { readyReplicas: 1 }),
    ...(isOwn && !isOld && { updatedReplicas: 1 }),
    updateRevision: revision,
  })
}
