import { annotations, labels, type Parent } from '../../crds/kind.ts'
import { isReserved } from '../../crds/labels.ts'
import { fitted, hash, kindWord } from '../../crds/names.ts'
import type { AnySpec } from '../../crds/rule.ts'
import { fitBeside } from '../../crds/rules/size.ts'
import type { Child } from '../observe/protocol.ts'

/** Names, labels and annotations: what ties children to their parent. */

export const jobName = (parent: Parent, stage: string, attempt: string): string =>
  fitted(parent.metadata.name, `-${kindWord(parent)}-${stage}-${attempt.slice(0, 8)}`)

/**
 * The hash that names the Job of an attempt whose result another Job seals. Releases that sealed in the
 * same Job do not know this name, so none of them takes such a Job for a sealed result.
 */
export const apart = (attempt: string): string => hash({ attempt, sealed: 'apart' })

/** The Deployment and the Service of a ModelServer. */
export const serverName = (parent: Parent): string => fitted(parent.metadata.name, '-server')

/**
 * The StatefulSet, Service and NetworkPolicy of a Notebook. At most 52 characters: a label of its Pods
 * has the name of the StatefulSet and 11 more, and may have 63.
 */
export const notebookName = (parent: Parent): string =>
  fitted(parent.metadata.name, '-notebook', 52)

export const namespaceOf = (parent: Parent): string => parent.metadata.namespace ?? 'default'

/** Selects the Pods of a parent's workload. */
export const selectorOf = (parent: Parent): Record<string, string> => ({
  [labels.kind]: kindWord(parent),
  [labels.name]: parent.metadata.name,
})

/**
 * The user's labels are passed on, so that queues and cost reports see them, except those that mean
 * something to Kubernetes and its controllers. Our own come last.
 */
export const labelsOf = (parent: Parent, stage: string): Record<string, string> => ({
  ...Object.fromEntries(
    Object.entries(parent.metadata.labels ?? {}).filter(([label]) => !isReserved(label)),
  ),
  ...selectorOf(parent),
  [labels.stage]: stage,
  ...(parent.metadata.uid && { [labels.parentUid]: parent.metadata.uid }),
})

/**
 * The user's annotations for a workload, except those with a meaning to Kubernetes and its controllers.
 * They are left out if the workload's annotations would exceed what Kubernetes allows.
 */
export function annotationsOf(parent: Parent): Readonly<Record<string, string>> {
  const entries = Object.entries(parent.metadata.annotations ?? {}).filter(
    ([annotation]) => !isReserved(annotation),
  )
  const own = Object.fromEntries(entries)
  return entries.length && fitBeside(parent.spec as AnySpec, own) ? own : {}
}

export const rerunOf = (parent: Parent): string | undefined => annotated(parent, annotations.rerun)

export const openedOf = (parent: Parent): string | undefined =>
  annotated(parent, annotations.opened)

/** The value that requests a rollout; a hash of it if it is not a valid label value. */
export function requestedRollout({ metadata }: Parent): string | undefined {
  const value = metadata.annotations?.[annotations.rollout]
  return value && value.length > 63 ? hash(value) : value || undefined
}

/** The label that names the queue of an object, by which Kueue decides when its Jobs and Pods run. */
export const queueLabel = 'kueue.x-k8s.io/queue-name'

/** The queue of a Job or a Pod, or of those of an object: Kueue decides when they run. */
export const queueOf = ({ metadata }: Pick<Child | Parent, 'metadata'>): string | undefined =>
  metadata.labels?.[queueLabel]

/** No longer value of an annotation is used as it is, because status.stages allows none. */
export const longestValue = 4096

/** The value of an annotation; a hash of it if it is too long. */
function annotated({ metadata }: Parent, annotation: string): string | undefined {
  const value = metadata.annotations?.[annotation]
  return value && value.length > longestValue ? hash(value) : value || undefined
}

/** Annotations of Deployments: what the template was made for, and the generation that it came with. */
export const deploymentAnnotations = {
  inputs: 'substratus.ai/inputs',
  rollout: annotations.rollout,
  generation: 'substratus.ai/template-generation',
} as const

/** Annotations of Jobs: what each was made for. Records are made from all but the last. */
export const jobAnnotations = {
  inputs: 'substratus.ai/inputs',
  attempt: 'substratus.ai/attempt',
  rerun: annotations.rerun,
  upstream: 'substratus.ai/upstream',
  pod: 'substratus.ai/pod',
} as const
