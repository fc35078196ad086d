import type { Config } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import { isReserved } from '../../crds/labels.ts'
import { canonical } from '../../crds/names.ts'
import { mergedPods } from '../../crds/podmerge.ts'
import { type PodFields, pod } from '../../crds/podtemplate.ts'
import type { Container, PodSpec, PodTemplate } from '../children/manifesttypes.ts'
import { asStored } from './asstored.ts'
import { fsGroup } from './security.ts'

/** Adds spec.pod and the configuration's `pods` to a Pod. They never overwrite what is already rendered. */

const ownOf = ({ spec }: Parent): PodFields | undefined =>
  (spec as { readonly pod?: PodFields }).pod

/** What the configuration and the object say about the Pods of a kind. */
export const podFieldsOf = (parent: Parent, config: Config): PodFields =>
  asStored(pod, mergedPods(config.pods[parent.kind], ownOf(parent))) ?? {}

/**
 * Asks autoscalers not to move a Pod that would lose work. Nothing else tells them: no
 * PodDisruptionBudget covers the Pods of a Job unless somebody writes one.
 */
const undisturbed: PodFields = {
  annotations: {
    'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false',
    'karpenter.sh/do-not-disrupt': 'true',
  },
}

/** The Pods that run our own programs with push credentials get only the object's annotations. */
const builderFieldsOf = (parent: Parent, config: Config): PodFields => {
  const { annotations } = ownOf(parent) ?? {}
  return asStored(pod, mergedPods(config.pods.builder, annotations && { annotations })) ?? {}
}

/** A Pod in which the named container runs the user's program. */
export const withPodFields = (
  template: PodTemplate,
  container: string,
  parent: Parent,
  config: Config,
): PodTemplate => {
  const fields = podFieldsOf(parent, config)
  const isServer = parent.kind === 'ModelServer'
  return merged(template, container, isServer ? fields : mergedPods(undisturbed, fields))
}

/** A Pod in which the named container builds or packages. */
export const withBuilderFields = (
  template: PodTemplate,
  container: string,
  parent: Parent,
  config: Config,
): PodTemplate => merged(template, container, builderFieldsOf(parent, config))

function merged(template: PodTemplate, name: string, fields: PodFields): PodTemplate {
  if (!Object.keys(fields).length) return template
  const { metadata, spec } = template
  const change = (list: readonly Container[]) =>
    list.map((one) => (one.name === name ? withContainerFields(one, fields) : one))
  return {
    ...template,
    metadata: withMetadata(metadata, fields),
    spec: {
      ...spec,
      ...scheduling(spec, fields),
      ...identityFields(spec, fields),
      ...(spec.initContainers && { initContainers: change(spec.initContainers) }),
      containers: change(spec.containers),
      ...(fields.volumes && { volumes: [...(spec.volumes ?? []), ...fields.volumes] }),
    },
  }
}

/** The labels of spec.pod win over those of the object, but never over ours. */
export const withMetadata = (
  { labels = {}, annotations }: PodTemplate['metadata'],
  fields: PodFields,
): PodTemplate['metadata'] => ({
  labels: {
    ...labels,
    ...fields.labels,
    ...Object.fromEntries(Object.entries(labels).filter(([label]) => isReserved(label))),
  },
  annotations: { ...fields.annotations, ...annotations },
})

/** The tolerations of a Pod, each once. */
export const tolerationsOf = (
  fields: PodFields,
  spec: Pick<PodSpec, 'tolerations'>,
): readonly object[] => {
  const all = [...(fields.tolerations ?? []), ...(spec.tolerations ?? [])]
  return [...new Map(all.map((one) => [canonical(one), one])).values()]
}

function scheduling(spec: PodSpec, fields: PodFields): Partial<PodSpec> {
  const { affinity, topologySpreadConstraints, priorityClassName } = fields
  const { schedulerName, terminationGracePeriodSeconds } = fields
  const nodeSelector = { ...fields.nodeSelector, ...spec.nodeSelector }
  const tolerations = tolerationsOf(fields, spec)
  return {
    ...(Object.keys(nodeSelector).length && { nodeSelector }),
    ...(tolerations.length && { tolerations }),
    ...(affinity && Object.keys(affinity).length && { affinity }),
    ...(topologySpreadConstraints && { topologySpreadConstraints }),
    ...(priorityClassName && { priorityClassName }),
    ...(schedulerName && { schedulerName }),
    ...(terminationGracePeriodSeconds && { terminationGracePeriodSeconds }),
  }
}

/**
 * What decides which storage and files a Pod can access. Artifacts are readable by this project's group, so
 * it must remain one of the groups.
 */
export function identityFields(
  { securityContext }: Pick<PodSpec, 'securityContext'>,
  { securityContext: own, serviceAccountName }: PodFields,
): Pick<PodSpec, 'securityContext' | 'serviceAccountName'> {
  const group = own?.fsGroup
  return {
    ...(serviceAccountName && { serviceAccountName }),
    ...(group !== undefined &&
      group !== fsGroup && {
        securityContext: { ...securityContext, fsGroup: group, supplementalGroups: [fsGroup] },
      }),
  }
}

function withContainerFields(container: Container, fields: PodFields): Container {
  const { volumeMounts, envFrom, ports, resources, ...others } = fields.container ?? {}
  const { runAsUser, runAsGroup } = fields.securityContext ?? {}
  const limits = { ...resources?.limits, ...container.resources?.limits }
  return {
    ...container,
    ...others,
    ...(envFrom && { envFrom }),
    ...(ports && { ports: [...(container.ports ?? []), ...ports] }),
    ...(volumeMounts && { volumeMounts: [...(container.volumeMounts ?? []), ...volumeMounts] }),
    ...(resources?.limits && { resources: { ...container.resources, limits } }),
    ...((runAsUser !== undefined || runAsGroup !== undefined) && {
      securityContext: {
        ...container.securityContext,
        ...(runAsUser !== undefined && { runAsUser }),
        ...(runAsGroup !== undefined && { runAsGroup }),
      },
    }),
  }
}
