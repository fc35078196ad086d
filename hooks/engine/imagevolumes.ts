import type { Config } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import { alike } from '../../crds/names.ts'
import type { PodTemplate, Workload } from '../children/manifesttypes.ts'
import { requestedRollout } from '../children/metadata.ts'
import { templateIdentityOf } from '../observe/memory.ts'
import type { Observed } from '../observe/observed.ts'
import type { NodeFacts } from '../observe/protocol.ts'
import { hasAvailablePod, intactTemplate } from '../observe/workload.ts'
import { gpuOf } from '../pod/gpu.ts'
import { podFieldsOf } from '../pod/podfields.ts'
import { specOf } from '../pod/template.ts'

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

interface Selection {
  readonly nodeSelector: Readonly<Record<string, string>>
  readonly tolerations: readonly Toleration[]
}

interface Toleration {
  readonly key?: string
  readonly operator?: string
  readonly value?: string
  readonly effect?: string
}

/** The nodes that the Pods of an object select, and the taints that they tolerate. */
function selectionOf(parent: Parent, config: Config): Selection {
  const fields = podFieldsOf(parent, config)
  const { pod } = gpuOf(specOf(parent).resources, config)
  const isWork = parent.kind === 'Model' || parent.kind === 'Dataset'
  return {
    nodeSelector: {
      ...(isWork && config.storage.pvc.nodeSelector),
      ...fields.nodeSelector,
      ...pod.nodeSelector,
    },
    tolerations: [...(fields.tolerations ?? []), ...(pod.tolerations ?? [])],
  }
}

/** Whether a template that has Pods mounts images; undefined if there is none, or it mounts no result. */
function inUse(parent: Parent, { nodeSelector }: Selection, observed: Observed) {
  for (const child of observed.children) {
    const workload = child as Workload
    if (!hasPods(parent, workload, observed)) continue
    const template = intactTemplate(workload)
    if (!template || !alike(template.spec.nodeSelector ?? {}, nodeSelector)) continue
    const mounts = mountsImage(template)
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

const mountsImage = ({ spec }: PodTemplate): boolean | undefined => {
  const results = (spec.volumes ?? []).filter(({ name }) => name === 'model' || name === 'data')
  return results.length ? results.some((volume) => 'image' in volume) : undefined
}

/** Whether all nodes that a Pod may run on can mount images; undefined if that is known of none. */
function canMount(nodes: readonly NodeFacts[], selection: Selection): boolean | undefined {
  const known = nodes.filter((node) => node.mountsImages !== undefined && mayRunOn(node, selection))
  return known.length ? known.every(({ mountsImages }) => mountsImages) : undefined
}

const mayRunOn = (
  { labels, taints }: NodeFacts,
  { nodeSelector, tolerations }: Selection,
): boolean =>
  labels['kubernetes.io/os'] !== 'windows' &&
  Object.entries(nodeSelector).every(([label, value]) => labels[label] === value) &&
  taints.every((taint) => isPassing(taint) || tolerations.some((one) => tolerates(one, taint)))

type Taint = NodeFacts['taints'][number]

/** Taints that do not last, such as not-ready, and those that only express a preference. */
const isPassing = ({ key, effect }: Taint): boolean =>
  key.startsWith('node.kubernetes.io/') || effect === 'PreferNoSchedule'

const tolerates = ({ key, operator, value, effect }: Toleration, taint: Taint): boolean =>
  (effect === undefined || effect === taint.effect) &&
  (key === undefined
    ? operator === 'Exists'
    : key === taint.key && (operator === 'Exists' || (value ?? '') === (taint.value ?? '')))
