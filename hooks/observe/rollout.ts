import type { Workload } from '../children/manifesttypes.ts'
import { conditionOf } from './diagnosis.ts'
import type { Observed } from './observed.ts'
import { formerPod, servingFault, unreadyFault } from './servingpods.ts'
import { unheard } from './silence.ts'
import { no, type Verdict, yes } from './verdict.ts'
import { knowsTemplate } from './workload.ts'

/**
 * In a RollingUpdate the old Pods answer until the new ones do. Ready stays True meanwhile, as the
 * Deployment's own Available does, and its message counts the new Pods: no request fails, so neither an
 * alert nor a GitOps tool should see an outage. To wait for the new Pods, use `kubectl rollout status`.
 * Recreate deletes the old Pods first, so Ready is False as soon as the change is requested.
 */
export function rolloutOf(
  existing: Workload,
  emitted: Workload | undefined,
  wanted: number,
  { pods: podsOf, podsSilentSince }: Pick<Observed, 'pods' | 'podsSilentSince'>,
): Verdict {
  const pods = podsSilentSince ? [] : podsOf('serve')
  const { name } = existing.metadata
  const { availableReplicas = 0, updatedReplicas = 0, replicas = 0 } = existing.status ?? {}
  const isKnown = knowsTemplate(existing, emitted)
  // Until the Deployment controller has observed the new template, its status describes the old Pods.
  const refused = isKnown ? conditionOf(existing, 'ReplicaFailure') : undefined
  const fault = refused
    ? no('PodRefused', refused.message ?? 'the API server refuses the Pod')
    : isKnown
      ? unreadyFault(pods)
      : undefined
  if (availableReplicas === 0) {
    const isAlone = existing.spec?.strategy?.type === 'Recreate'
    const none =
      (isAlone ? formerPod(pods, 'finishes its requests') : undefined) ??
      `no Pod yet: kubectl describe deployment ${name} says why`
    return fault ?? (podsSilentSince ? unheard(podsSilentSince) : servingFault(pods, none))
  }

  const updated = isKnown ? updatedReplicas : 0
  const isRolling = updated < replicas
  const count = isRolling
    ? `rolling out: ${updated} of ${replicas} Pods are new`
    : `${availableReplicas} of ${wanted} replicas available`
  const isWhole = !isRolling && Math.min(updated, availableReplicas) >= wanted
  const message = fault && !isWhole ? `${count}; ${fault.message}` : count
  const isAnswering =
    conditionOf(existing, 'Available') &&
    !(isRolling && emitted?.spec?.strategy?.type === 'Recreate')
  if (isAnswering) return { ...yes('Serving', message), ...(!isWhole && { isUnsettled: true }) }
  return no(fault?.reason ?? (podsSilentSince ? 'PodsUnknown' : 'Starting'), message)
}
