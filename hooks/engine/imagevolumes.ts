import type { Config } from '../../crds/config.ts'
import { canMount, type NodeFacts, type Selection, selectionOf } from '../../crds/imagevolumes.ts'
import type { Parent } from '../../crds/kind.ts'
import type { ModelServerSpec } from '../../crds/modelserver.ts'
import { adapterVolume, alike } from '../../crds/names.ts'
import type { PodTemplate, Workload } from '../children/manifesttypes.ts'
import { requestedRollout } from '../children/metadata.ts'
import { templateIdentityOf } from '../observe/memory.ts'
import type { Observed } from '../observe/observed.ts'
import { hasAvailablePod, intactTemplate } from '../observe/workload.ts'

/**
 * Whether a template mounts a packaged result as an image. A runtime that cannot mount images would never
 * start the Pod, and the version of the API server says nothing about the nodes:
 *
 *     the configuration or the API server forbids it     ──▶ no
 *     Pods that select the same nodes run or are started ──▶ as they do
 *     the nodes that the Pod may run on are known        ──▶ if all of them can
 *     there are none, for instance scaled to zero        ──▶ yes, as configured
 *
 * So a node that comes or goes changes no template in use.
 */
export function imageVolumesOf(
  parent: Parent,
  nodes: readonly NodeFacts[] = [],
  observed: Observed,
  config: Config,
): Config['imageVolumes'] {
  if (config.imageVolumes !== 'Enabled') return config.imageVolumes
  const selection = selectionOf(parent, config)
  const mounts = inUse(parent, selection, observed) ?? canMount(nodes, selection)
  return mounts === false ? 'Disabled' : 'Enabled'
}

/** Whether a template that has Pods mounts images; undefined if there is none, or it mounts no result. */
function inUse(parent: Parent, { nodeSelector }: Selection, observed: Observed) {
  for (const child of observed.children) {
    const workload = child as Workload
    if (!hasPods(parent, workload, observed)) continue
    const template = intactTemplate(workload)
    if (!template || !alike(template.spec.nodeSelector ?? {}, nodeSelector)) continue
    const mounts = mountsImage(template, adaptersOf(parent))
    if (mounts !== undefined) return mounts
  }
  return undefined
}

/** A requested rollout is decided again, and so is a workload without an available Pod. */
function hasPods(parent: Parent, child: Workload, observed: Observed): boolean {
  switch (child.kind) {
    case 'Deployment': {
      const requested = requestedRollout(parent)
      const isRequested = requested !== undefined && requested !== templateIdentityOf(child).rollout
      return !isRequested && hasAvailablePod(child, observed)
    }
    case 'StatefulSet':
      return Boolean(child.status?.readyReplicas)
    case 'Job':
      return Boolean((child.status as { readonly active?: number } | undefined)?.active)
  }
  return false
}

/** The volumes of spec.adapters. */
const adaptersOf = (parent: Parent): readonly string[] =>
  ((parent.spec as Partial<ModelServerSpec> | undefined)?.adapters ?? []).map(({ name }) =>
    adapterVolume(name),
  )

/** A template that lacks an adapter is about to change anyway. */
const mountsImage = ({ spec }: PodTemplate, adapters: readonly string[]): boolean | undefined => {
  const volumes = spec.volumes ?? []
  if (!adapters.every((adapter) => volumes.some(({ name }) => name === adapter))) return undefined
  const results = volumes.filter(({ name }) => ['model', 'data', ...adapters].includes(name))
  return results.length ? results.some((volume) => 'image' in volume) : undefined
}
