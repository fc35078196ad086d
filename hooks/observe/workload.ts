import { alike } from '../../crds/names.ts'
import type { PodTemplate, Workload } from '../children/manifesttypes.ts'
import { asApplied } from './applied.ts'

/**
 * Whether the status of a Deployment or StatefulSet describes the template that this answer emits: the
 * template was applied, and the controller has observed it. A newer generation that only changes the
 * replicas does not matter.
 */
export function knowsTemplate(workload: Workload, emitted: Workload | undefined): boolean {
  const { generation = 0 } = workload.metadata
  const { observedGeneration = 0, replicas = 0 } = workload.status ?? {}
  if (generation > observedGeneration && workload.spec?.replicas === replicas) return false
  const applied = appliedTemplate(workload)
  const wanted = emitted?.spec?.template
  return !applied || !wanted || alike(applied, wanted)
}

/** The template that was last applied, without the API server's defaults. */
export const appliedTemplate = (workload: Workload): PodTemplate | undefined =>
  (asApplied(workload) as Workload).spec?.template
