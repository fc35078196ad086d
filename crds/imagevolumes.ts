import { gpuProfileOf } from './config/gpuprofiles.ts'
import type { Config } from './config.ts'
import type { Parent } from './kind.ts'
import { mergedPods } from './podmerge.ts'
import { specOf } from './rule.ts'

/**
 * Whether the nodes that the Pods of an object may run on can mount images. Hooks decide by it how a Pod
 * gets a packaged result, and webhooks judge what the hooks will do.
 */

/** What decides whether a Pod can run on a node and mount images there. */
export interface NodeFacts {
  readonly labels: Readonly<Record<string, string>>
  readonly taints: readonly {
    readonly key: string
    readonly value?: string
    readonly effect: string
  }[]
  /** Undefined if the runtime is not known. */
  readonly mountsImages?: boolean | undefined
}

/** The nodes that the Pods of an object select, and the taints that they tolerate. */
export interface Selection {
  readonly nodeSelector: Readonly<Record<string, string>>
  readonly tolerations: readonly Toleration[]
}

interface Toleration {
  readonly key?: string
  readonly operator?: string
  readonly value?: string
  readonly effect?: string
}

export function selectionOf(object: Pick<Parent, 'kind' | 'spec'>, config: Config): Selection {
  const { pod, resources } = specOf(object)
  const fields = mergedPods(config.pods[object.kind], pod)
  const profile = gpuProfileOf(resources, config)?.profile
  const isWork = object.kind === 'Model' || object.kind === 'Dataset'
  return {
    nodeSelector: {
      ...(isWork && config.storage.pvc.nodeSelector),
      ...fields.nodeSelector,
      ...profile?.nodeSelector,
    },
    tolerations: [...(fields.tolerations ?? []), ...(profile?.tolerations ?? [])],
  }
}

/** Whether all nodes that a Pod may run on can mount images; undefined if it is not known for any. */
export function canMount(
  nodes: readonly NodeFacts[] | undefined,
  selection: Selection,
): boolean | undefined {
  const known = (nodes ?? []).filter(
    (node) => node.mountsImages !== undefined && mayRunOn(node, selection),
  )
  return known.length ? known.every(({ mountsImages }) => mountsImages) : undefined
}

/** The configuration for one object: images are mounted only if its nodes can, as far as they are known. */
export function withNodes(
  config: Config,
  nodes: readonly NodeFacts[] | undefined,
  object: Pick<Parent, 'kind' | 'spec'>,
): Config {
  if (config.imageVolumes !== 'Enabled' || !nodes) return config
  return canMount(nodes, selectionOf(object, config)) === false
    ? { ...config, imageVolumes: 'Disabled' }
    : config
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
