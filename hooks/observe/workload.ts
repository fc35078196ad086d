import { alike } from '../../crds/names.ts'
import { isObject } from '../../crds/schema/json.ts'
import type { Job, PodTemplate, Workload } from '../children/manifesttypes.ts'
import { isTemplateIntact, lastTemplate } from './applied.ts'
import { templateIdentityOf } from './memory.ts'
import type { Observed } from './observed.ts'
import { isReady, isTerminating, templateOf } from './servingpods.ts'

/**
 * Whether the status of a Deployment or StatefulSet describes the template that this answer emits: the
 * template was applied, and the controller has observed it.
 */
export function knowsTemplate(workload: Workload, emitted: Workload | undefined): boolean {
  if (!isObserved(workload)) return false
  const last = lastTemplate(workload)
  const isIntact = last !== undefined && isTemplateIntact(workload, last)
  const applied = isIntact ? last : workload.spec?.template
  const wanted = emitted?.spec?.template
  return !applied || !wanted || alike(applied, wanted)
}

/**
 * Whether the controller has observed the generation that the template came with. Later generations do
 * not matter: a Deployment gets a new one with each change of its annotations.
 */
function isObserved(workload: Workload): boolean {
  const { generation = 0 } = workload.metadata
  const { observedGeneration = 0, replicas = 0 } = workload.status ?? {}
  const made = templateIdentityOf(workload).generation
  if (made !== undefined) return observedGeneration >= made
  return !(generation > observedGeneration && workload.spec?.replicas === replicas)
}

/** The template that was last applied, if the observed one still contains it and it has containers. */
export function intactTemplate(workload: Job | Workload): PodTemplate | undefined {
  const last = lastTemplate(workload)
  return isTemplate(last) && isTemplateIntact(workload, last) ? last : undefined
}

const isTemplate = (value: unknown): value is PodTemplate =>
  isObject(value) &&
  isObject(value.metadata) &&
  isObject(value.spec) &&
  Array.isArray(value.spec.containers) &&
  value.spec.containers.length > 0

/**
 * Whether a Pod of the newest template is available. The Deployment counts the available Pods of all
 * templates; if no Pod is known, its count decides.
 */
export function hasAvailablePod(
  { status }: Workload,
  { knowsPods, pods }: Pick<Observed, 'knowsPods' | 'pods'>,
): boolean {
  if (!status?.availableReplicas) return false
  const living = pods('serve').filter((pod) => !isTerminating(pod))
  const [newest] = living
  if (!knowsPods || !newest) return true
  return living.some((pod) => templateOf(pod) === templateOf(newest) && isReady(pod))
}
