import { annotations } from '../crds/kind.ts'
import { namingWord } from '../crds/naming.ts'
import type { Container, ContainerStatus, Pod, PodSpec } from '../hooks/children/manifesttypes.ts'
import type { Child } from '../hooks/observe/protocol.ts'

/**
 * The part of a Pod that the hooks read. The server retains the Pods of all objects in memory, and does not need
 * most of a Pod: its managed fields, its environment, its probes. test/objects.ts gives Pods this form, too.
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

const keptContainer = (container: Container) => ({
  ...only(container, ['name', 'image', 'volumeMounts']),
  ...(container.name === 'server' && keptArguments(container)),
})

/** Of a server's command line, only what names its model. Prompts and templates may be long. */
function keptArguments({ command = [], args = [] }: Container): Pick<Container, 'args'> {
  const word = namingWord([...command, ...args])
  return word === undefined ? {} : { args: [word] }
}

const keptContainerStatus = (status: ContainerStatus) =>
  only(status, ['name', 'image', 'ready', 'restartCount', 'state', 'lastState'])

type Annotations = Readonly<Record<string, string>>

/** The only annotation that the hooks read. Others may be large: one has all parameters of a Model. */
const keptAnnotations = ({ [annotations.adapters]: adapters }: Annotations): Annotations =>
  adapters === undefined ? {} : { [annotations.adapters]: adapters }

/** Those of the given fields that the object has. */
function only<T extends object, K extends keyof T>(object: T, fields: readonly K[]): Pick<T, K> {
  const found = fields.filter((field) => object[field] !== undefined)
  return Object.fromEntries(found.map((field) => [field, object[field]])) as Pick<T, K>
}
