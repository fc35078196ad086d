import type { ModelServerSpec } from '../../crds/modelserver.ts'
import { nameGiven } from '../../crds/naming.ts'
import { type ServedModel, servedModels as schema } from '../../crds/status.ts'
import type { Workload } from '../children/manifesttypes.ts'
import type { Serving } from '../engine/behaviour.ts'
import type { Facts } from '../engine/read.ts'
import { containersIn, hasEnded, type ObservedPod } from '../observe/observed.ts'
import { prune } from '../observe/prune.ts'
import { isTerminating, templateOf } from '../observe/servingpods.ts'
import { knowsTemplate } from '../observe/workload.ts'

/**
 * What the Pods serve, by their revisions. A Pod counts from its creation: it may be ready, and get
 * requests, before the next answer.
 *
 * The name is in its arguments. No field of a Pod names its Model, and a new annotation of Pods would
 * restart them: what this answer requests is what all Pods serve once it is rolled out; until then, each
 * revision serves what an earlier answer recorded.
 */
export function servedModels(
  { parent, observed, memory }: Facts<ModelServerSpec>,
  existing: Workload | undefined,
  { workload, isPresent }: Serving,
): readonly ServedModel[] {
  const pods = observed.pods('serve').filter((pod) => !isTerminating(pod) && !hasEnded(pod))
  const before = new Map(memory.served.map((one) => [one.revision, one]))
  const present =
    isPresent && existing && isRolledOut(existing, workload) ? parent.spec.model.name : undefined
  // Of Pods that are alike, one is enough, and the newest come first.
  const revisions = new Map(pods.map((pod) => [templateOf(pod) ?? '', pod]))
  const now = [...revisions].map(([revision, pod]) => ({
    revision,
    ...servedBy(pod, present ?? before.get(revision)?.model),
  }))
  const isAll = observed.knowsPods && now.length > 0
  const others = memory.served.filter(({ revision }) => !isAll && !revisions.has(revision))
  const served = prune(schema, [...now, ...others]) as readonly ServedModel[]
  return served.toSorted((a, b) => (a.revision < b.revision ? -1 : 1))
}

/** Whether every Pod is one of the workload in this answer. */
function isRolledOut(existing: Workload, emitted: Workload | undefined): boolean {
  const { replicas = 0, updatedReplicas = 0 } = existing.status ?? {}
  return replicas > 0 && updatedReplicas >= replicas && knowsTemplate(existing, emitted)
}

/** Without a name among its arguments, a program is asked by the Model's, as the presets set it. */
function servedBy(pod: ObservedPod, model: string | undefined) {
  const server = containersIn(pod).find(({ name }) => name === 'server')
  const name = nameGiven([...(server?.command ?? []), ...(server?.args ?? [])]) ?? model
  return { ...(name && { name }), ...(model && { model }) }
}
