import { singleNodeModels } from '../../crds/adapters.ts'
import type { Strategy } from '../../crds/common.ts'
import type { ModelServerSpec } from '../../crds/modelserver.ts'
import { isZero } from '../../crds/rules/strategy.ts'
import type { DeploymentStrategy } from '../children/manifesttypes.ts'
import type { Facts } from '../engine/read.ts'
import { gpuOf } from './gpu.ts'

type ServerFacts = Facts<ModelServerSpec>

/** How changed Pods replace old ones, with the defaults for what the spec leaves out. */
export function strategyOf(facts: ServerFacts): DeploymentStrategy {
  const { strategy } = facts.parent.spec
  const { type, ...given }: Partial<Exclude<Strategy, string>> =
    typeof strategy === 'object' ? strategy : { type: strategy }
  if ((type ?? defaultType(facts)) === 'Recreate') return { type: 'Recreate' }
  return {
    type: 'RollingUpdate',
    rollingUpdate: { ...standard(facts, given.maxUnavailable), ...given },
  }
}

/** A surge Pod would wait for what the old Pod occupies: the GPU, or the claim on the old one's node. */
function defaultType(facts: ServerFacts): 'Recreate' | 'RollingUpdate' {
  const { parent, references, config } = facts
  const { spec } = parent
  const { model } = references
  const adapters = facts.adapters.flatMap(({ name, reference }) =>
    reference.state === 'ready' ? [{ name, artifacts: reference.artifacts }] : [],
  )
  const isExclusive =
    hasGpus(facts) ||
    (model?.state === 'ready' &&
      singleNodeModels(spec, model.artifacts, adapters, config).length > 0)
  return isExclusive && !hasMore(facts) ? 'Recreate' : 'RollingUpdate'
}

/**
 * Replicas with GPUs are replaced in place, one after the other: a surge Pod would wait for a spare
 * GPU. If none of them may be unavailable, the user wants a surge Pod.
 */
const standard = (facts: ServerFacts, maxUnavailable: number | string | undefined) =>
  hasGpus(facts) && hasMore(facts) && !isZero(maxUnavailable)
    ? { maxSurge: 0, maxUnavailable: 1 }
    : { maxSurge: '25%', maxUnavailable: '25%' }

const hasGpus = ({ parent, config }: ServerFacts): boolean =>
  gpuOf(parent.spec.resources, config).count > 0

const hasMore = ({ parent }: ServerFacts): boolean => (parent.spec.replicas ?? 1) > 1
