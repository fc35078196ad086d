import { annotations } from '../crds/kind.ts'
import type { Container, ContainerStatus, Pod, PodSpec } from '../hooks/children/manifesttypes.ts'
import type { Child } from '../hooks/observe/protocol.ts'

/**
 * The part of a Pod that the hooks read. The server keeps all Pods of all objects in memory, and most of a Pod
 * is of no use there: who owns its fields, its environment, its probes. The hooks' tests see Pods in this form.
 */
export function keptPod({ metadata, spec, status, ...type }: Pod): Child {
  return {
    ...type,
    metadata: {
      ...only(metadata as Metadata, metadataFields),
      ...(metadata.annotations && { annotations: keptAnnotations(metadata.annotations) }),
    },
    ...(spec && { spec: keptSpec(spec) }),
    ...(status && { status: keptStatus(status) }),
  }
}

const keptSpec = (spec: PodSpec) => ({
  ...only(spec, specFields),
  ...(spec.initContainers && { initContainers: spec.initContainers.map(keptContainer) }),
  containers: spec.containers.map(keptContainer),
})

const keptStatus = (status: NonNullable<Pod['status']>) => ({
  ...only(status, statusFields),
  ...(status.initContainerStatuses && {
    initContainerStatuses: status.initContainerStatuses.map(keptContainerStatus),
  }),
  ...(status.containerStatuses && {
    containerStatuses: status.containerStatuses.map(keptContainerStatus),
  }),
})

type Metadata = Child['metadata'] & {
  readonly deletionTimestamp?: string
  readonly ownerReferences?: readonly object[]
}

const metadataFields = [
  'name',
  'namespace',
  'uid',
  'labels',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'ownerReferences',
] as const satisfies readonly (keyof Metadata)[]

const specFields = [
  'nodeName',
  'schedulingGates',
  'terminationGracePeriodSeconds',
  'volumes',
] as const satisfies readonly (keyof PodSpec)[]

const statusFields = [
  'phase',
  'reason',
  'message',
  'conditions',
] as const satisfies readonly (keyof NonNullable<Pod['status']>)[]

const keptContainer = (container: Container) => only(container, ['name', 'image', 'volumeMounts'])

const keptContainerStatus = (status: ContainerStatus) =>
  only(status, ['name', 'image', 'ready', 'restartCount', 'state', 'lastState'])

type Annotations = Readonly<Record<string, string>>

/** All parameters of a Model are an annotation of its Pods, too. */
const keptAnnotations = ({ [annotations.adapters]: adapters }: Annotations): Annotations =>
  adapters === undefined ? {} : { [annotations.adapters]: adapters }

/** Some fields of an object, those that it has. */
function only<T extends object, K extends keyof T>(object: T, fields: readonly K[]): Pick<T, K> {
  const found = fields.filter((field) => object[field] !== undefined)
  return Object.fromEntries(found.map((field) => [field, object[field]])) as Pick<T, K>
}
