import type { Resources } from '../../crds/common.ts'
import { deviceClaim } from '../children/deviceclaim.ts'
import type { Job, Workload } from '../children/manifesttypes.ts'
import { asApplied } from '../observe/applied.ts'
import type { Child } from '../observe/protocol.ts'
import { gpuOf } from '../pod/gpu.ts'
import type { ClaimFate, StageFate } from './fate.ts'
import type { Facts } from './read.ts'
import { absent } from './volumeclaims.ts'

/**
 * The ResourceClaimTemplates that the Pods of these stages name. An older template is retained while a
 * workload uses it: otherwise the workload's next Pod would wait for ever.
 */
export function deviceFates(facts: Facts, stages: readonly StageFate[]): readonly ClaimFate[] {
  const { parent, config, observed } = facts
  const { resources } = parent.spec as { readonly resources?: Resources }
  const { devices } = gpuOf(resources, config)
  const requested = devices && deviceClaim(parent, devices)
  const named = new Set(stages.flatMap(({ children }) => children).flatMap(templatesIn))
  return [...named].flatMap((name): readonly ClaimFate[] => {
    const existing = observed.child('ResourceClaimTemplate', name)
    if (name === requested?.metadata.name)
      return [existing ? { is: 'wanted', child: requested } : absent(facts, requested)]
    return existing ? [{ is: 'retained', child: asApplied(existing) }] : []
  })
}

/** Only Jobs, Deployments and StatefulSets have a Pod template. */
const templatesIn = (child: Child): readonly string[] =>
  ((child as Job | Workload).spec?.template?.spec?.resourceClaims ?? []).map(
    ({ resourceClaimTemplateName }) => resourceClaimTemplateName,
  )
