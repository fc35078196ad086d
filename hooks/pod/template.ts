import type { Config } from '../../crds/config.ts'
import { annotations, type Parent } from '../../crds/kind.ts'
import { deviceClaimName } from '../children/deviceclaim.ts'
import type { Container } from '../children/manifesttypes.ts'
import { labelsOf } from '../children/metadata.ts'
import { envOf } from './env.ts'
import { gpuOf } from './gpu.ts'
import { paramsMount, sharedMemory } from './mounts.ts'
import { resourcesOf } from './resources.ts'
import { containerSecurity, podSecurity } from './security.ts'
import { joined, type Mounts } from './volumes.ts'

/** The fields of a spec that shape a container. */
interface ContainerSpec {
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly params?: Readonly<Record<string, unknown>>
  readonly resources?: Parameters<typeof gpuOf>[0]
  readonly imagePullSecrets?: readonly string[]
}

export const specOf = (parent: Parent): ContainerSpec => parent.spec as ContainerSpec

interface Wanted {
  readonly name: string
  readonly image: string | undefined
  readonly mounts: Mounts
  /** The command and arguments; without them, those of the spec. */
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Fields of the container such as ports and probes. */
  readonly more?: Readonly<Record<string, unknown>>
}

/**
 * The user's container by the container contract: in /content it finds data/ and model/ to read,
 * params.json, and for work also artifacts/ to write. Its working directory is the image's own.
 */
export function container(parent: Parent, config: Config, wanted: Wanted): Container {
  const spec = specOf(parent)
  const { command = spec.command, args = spec.args } = wanted
  const env = envOf(spec, wanted.env)
  const { volumeMounts } = contentMounts(parent, config, wanted.mounts)
  return {
    name: wanted.name,
    ...(wanted.image && { image: wanted.image }),
    ...(command?.length && { command }),
    ...(args?.length && { args }),
    ...(env.length && { env }),
    resources: resourcesOf(parent, config),
    volumeMounts,
    terminationMessagePolicy: 'FallbackToLogsOnError',
    ...containerSecurity(config),
    ...wanted.more,
  }
}

export const contentMounts = (parent: Parent, config: Config, mounts: Mounts): Mounts =>
  joined(mounts, paramsMount, sharedMemory(gpuOf(specOf(parent).resources, config).count))

/** All parameters, including empty ones, sorted by name. */
const paramsJson = (params: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify(Object.fromEntries(Object.entries(params).sort(([a], [b]) => (a < b ? -1 : 1))))

/** The annotation that makes GKE add its gcsfuse sidecar to a Pod. */
export const storageAnnotations = (
  { storage }: Config,
  driver = storage.driver,
): Readonly<Record<string, string>> => (driver === 'gcs' ? { 'gke-gcsfuse/volumes': 'true' } : {})

/** Metadata of the Pods of a stage: labels to select them, params for /content/params.json. */
export const podMetadata = (
  parent: Parent,
  config: Config,
  stage: string,
  defaultContainer: string,
) => ({
  labels: labelsOf(parent, stage),
  annotations: {
    ...storageAnnotations(config),
    [annotations.params]: paramsJson(specOf(parent).params),
    'kubectl.kubernetes.io/default-container': defaultContainer,
  },
})

/** The Secrets for private images: the administrator's, and those of the object. */
export const pullSecretNames = (parent: Parent, config: Config): readonly string[] => [
  ...new Set([
    ...(config.registry.pullSecretName ? [config.registry.pullSecretName] : []),
    ...(specOf(parent).imagePullSecrets ?? []),
  ]),
]

export const pullSecrets = (parent: Parent, config: Config) => {
  const names = pullSecretNames(parent, config)
  return names.length ? { imagePullSecrets: names.map((name) => ({ name })) } : {}
}

/**
 * The kubelet would add variables for every Service in the namespace, which a program may mistake for
 * its settings: a Service named vllm sets VLLM_PORT.
 */
export const noServiceLinks = { enableServiceLinks: false } as const

/** Fields of all Pods of a kind. */
export const podBase = (parent: Parent, config: Config) => ({
  ...podSecurity(config),
  ...noServiceLinks,
  ...pullSecrets(parent, config),
  ...(config.serviceAccounts[parent.kind] && {
    serviceAccountName: config.serviceAccounts[parent.kind],
  }),
})

/** The same, with what GPUs require of the node, or their claim. */
export const gpuPodBase = (parent: Parent, config: Config) => {
  const { pod, devices } = gpuOf(specOf(parent).resources, config)
  return {
    ...podBase(parent, config),
    ...pod,
    ...(devices && {
      resourceClaims: [
        { name: 'gpu', resourceClaimTemplateName: deviceClaimName(parent, devices) },
      ],
    }),
  }
}
