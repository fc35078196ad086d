import { coresPattern, imagePattern, quantityPattern } from './common.ts'
import {
  boolean,
  choice,
  integer,
  intOrString,
  list,
  map,
  object,
  type Schema,
  string,
  type TypeOf,
} from './schema/builders.ts'
import { type FieldError, validator } from './schema/validator.ts'

/**
 * The administrator's configuration: one file, the same fields as the chart's values. What a file
 * leaves out keeps its default.
 */

const toleration = object('As in a Pod.', {
  // The API server drops an empty key or value, and Metacontroller would write it again for ever.
  key: string('Key.', { minLength: 1 }),
  operator: choice('Operator.', ['Exists', 'Equal']),
  value: string('Value; leave it out where it would be empty.', { minLength: 1 }),
  effect: choice('Effect.', ['NoSchedule', 'PreferNoSchedule', 'NoExecute']),
})

const profile = object(
  'What a GPU type means on this cluster: an extended resource, or a class of devices that are claimed.',
  {
    resourceName: string('The extended resource, for instance nvidia.com/gpu.'),
    deviceClassName: string(
      'The DeviceClass, for instance gpu.nvidia.com, where GPUs are allocated dynamically (DRA).',
    ),
    nodeSelector: map('Labels of the nodes that have it.', string('Value.')),
    tolerations: list('Taints to tolerate.', toleration),
    runtimeClassName: string('The RuntimeClass, where the cluster needs one.'),
  },
)
export type GpuProfile = TypeOf<typeof profile>

/** As spec.image: it is told in a status. */
const image = { maxLength: 512, pattern: imagePattern }

const preset = object(
  'A server that can serve any Model from its files.',
  {
    image: string('The image.', image),
    command: list('The command.', string('A word.')),
    args: list(
      'Arguments; {model} is the path, {name} the Model’s name, {gpus} the GPU count, {port} the port.',
      string('A word.'),
    ),
    env: map('Environment variables.', string('Value.')),
    health: string('The path that answers 200 once it is ready.'),
  },
  { required: ['image'] },
)
export type ServerPreset = TypeOf<typeof preset>

/** What becomes part of an address in a status must be as that may be. */
const part = { maxLength: 512, pattern: '^[^\\x00-\\x1f\\x7f-\\x9f]*$' }

const size = (what: string) => intOrString(what, { pattern: quantityPattern, minimum: 0 })

const perKind = object('Default requests of a kind.', {
  cpu: intOrString('Cores.', { pattern: coresPattern, minimum: 0 }),
  memory: size('Memory; an integer is gibibytes.'),
  disk: size('Disk; an integer is gibibytes.'),
})

const confinement = string('Unconfined, or Localhost/PROFILE.', {
  pattern: '^(Unconfined|Localhost/.+)$',
})

export const configSchema = object('The configuration.', {
  registry: object('Where built images are pushed.', {
    prefix: string(
      'Images are PREFIX/NAMESPACE/KIND-NAME:TAG. Without it nothing can be built or packaged.',
      { maxLength: 512, pattern: '^([!-,.-~][!-~]*)?$' },
    ),
    pushSecretName: string('A kubernetes.io/dockerconfigjson Secret in each namespace, to push.'),
    pullSecretName: string('The same, to pull.'),
    insecure: boolean('Speak plain HTTP to the registry.'),
    cache: boolean(
      'Store the layers of builds next to each image, as KIND-NAME:cache, and reuse them in later builds. Anyone with the same push credentials can plant layers there: set it only if all namespaces that share these credentials trust each other. Default false.',
    ),
  }),
  images: object('The images of the project’s own tools.', {
    builder: string('git and rootless BuildKit.', image),
    loader: string('Loads a source.', image),
    seal: string('Seals artifacts with a manifest.', image),
    idle: string('Watches a Notebook for idleness.', image),
    notebook: string('What a Notebook without an image of its own runs.', image),
  }),
  packaging: object('Trained models as images.', {
    enabled: boolean('Whether package: Auto packages at all.'),
    maxSize: size('Above it, package: Auto serves from storage. An integer is gibibytes.'),
  }),
  imageVolumes: choice(
    'Whether Pods can mount images. Auto: from Kubernetes 1.35 on, as its API server says.',
    ['Auto', 'Enabled', 'Disabled'],
  ),
  storage: object('Where artifacts and homes are kept.', {
    driver: choice('What keeps artifacts; homes are always in claims.', [
      'pvc',
      's3',
      'gcs',
      'hostPath',
    ]),
    s3: object('Any S3-compatible store: artifacts are copied out and in.', {
      bucket: string('The bucket.'),
      prefix: string('Artifacts are below it.', part),
      endpoint: string('The address of a store that is not AWS’.'),
      region: string('The region.'),
      secretName: string(
        'A Secret in each namespace with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; without it the node’s own credentials count.',
      ),
    }),
    gcs: object('A bucket of Google Cloud Storage, by the gcsfuse CSI driver.', {
      bucket: string('The bucket.'),
      prefix: string('Artifacts are below it.', part),
    }),
    hostPath: object('A folder of the node: for development on one machine.', {
      path: string('The folder.', part),
      allowed: boolean(
        'That this is a machine for development: nothing is removed with its object.',
      ),
    }),
    former: list(
      'Roots of storage that was used earlier and still contains results: s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or hostpath:///FOLDER. A recorded result is accepted only in the current storage, below one of these roots, or in the claim of its own object.',
      string('A root.', {
        maxLength: 1024,
        pattern: '^((s3|gs)://[a-z0-9][-a-z0-9._]*(/[^/\\s]+)*|hostpath://(/[^/\\s]+)+)$',
      }),
      { maxItems: 32 },
    ),
    pvc: object('One PersistentVolumeClaim per object.', {
      className: string('The StorageClass; default the cluster’s own.'),
      accessModes: list(
        'Access modes.',
        choice('A mode.', ['ReadWriteOnce', 'ReadWriteMany', 'ReadWriteOncePod']),
        { minItems: 1 },
      ),
      nodeSelector: map(
        'Nodes for the Jobs that first bind a claim, so that it binds where consumers can follow.',
        string('Value.'),
      ),
    }),
  }),
  gpus: object('GPU profiles.', {
    default: string('The profile that a bare count means.'),
    profiles: map('Profiles by name; given, they replace the built-in ones.', profile),
  }),
  servers: object('Server presets.', {
    default: string('The preset for imported Models.'),
    presets: map('Presets by name; given, they replace the built-in one.', preset),
  }),
  references: choice('What admission does about a missing Model or Dataset.', ['Enforce', 'Warn']),
  podSecurity: choice('The Pod Security level that all Pods but the builder’s meet.', [
    'baseline',
    'restricted',
  ]),
  userNamespaces: boolean('Run Pods in user namespaces (hostUsers: false).'),
  limits: choice('Which requests are limits too, beside GPUs.', ['None', 'Memory', 'All']),
  resources: object('Default requests.', {
    Dataset: perKind,
    Model: perKind,
    ModelServer: perKind,
    Notebook: perKind,
  }),
  serviceAccounts: object('ServiceAccounts of the Pods.', {
    Dataset: string('Of Datasets.'),
    Model: string('Of Models.'),
    ModelServer: string('Of ModelServers.'),
    Notebook: string('Of Notebooks.'),
  }),
  builder: object('How the rootless builder is confined, and what it asks for.', {
    seccomp: confinement,
    appArmor: confinement,
    cpu: intOrString('Cores that a build asks for.', { pattern: coresPattern, minimum: 0 }),
    memory: size('Memory that a build asks for; an integer is gibibytes.'),
    deadlineSeconds: integer('The time a build or a packaging may take.', { minimum: 1 }),
  }),
  git: object('Git.', {
    allowHttp: boolean('Whether plain http:// may be cloned.'),
    knownHosts: string('known_hosts for ssh, where the Secret has none.'),
    caBundle: string(
      'PEM certificates of the authorities of private hosts, beside the public ones, where the Secret has no ca.crt.',
    ),
  }),
})
export type ConfigFile = TypeOf<typeof configSchema>

/** Every section is there; `prefix`, class and accounts may be absent inside theirs. */
export interface Config {
  readonly registry: NonNullable<ConfigFile['registry']>
  readonly images: Required<NonNullable<ConfigFile['images']>>
  readonly packaging: Required<NonNullable<ConfigFile['packaging']>>
  readonly imageVolumes: NonNullable<ConfigFile['imageVolumes']>
  readonly storage: {
    readonly driver: 'pvc' | 's3' | 'gcs' | 'hostPath'
    readonly former: readonly string[]
    readonly pvc: NonNullable<NonNullable<ConfigFile['storage']>['pvc']>
    readonly s3: NonNullable<NonNullable<ConfigFile['storage']>['s3']>
    readonly gcs: NonNullable<NonNullable<ConfigFile['storage']>['gcs']>
    readonly hostPath: NonNullable<NonNullable<ConfigFile['storage']>['hostPath']>
  }
  readonly gpus: Required<NonNullable<ConfigFile['gpus']>>
  readonly servers: Required<NonNullable<ConfigFile['servers']>>
  readonly references: NonNullable<ConfigFile['references']>
  readonly podSecurity: NonNullable<ConfigFile['podSecurity']>
  readonly userNamespaces: boolean
  readonly limits: NonNullable<ConfigFile['limits']>
  readonly resources: NonNullable<ConfigFile['resources']>
  readonly serviceAccounts: NonNullable<ConfigFile['serviceAccounts']>
  readonly builder: Required<NonNullable<ConfigFile['builder']>>
  readonly git: NonNullable<ConfigFile['git']>
}

const nvidia: GpuProfile = { resourceName: 'nvidia.com/gpu' }

/** The names of Substratus' last release and their successors; each any node with an NVIDIA GPU. */
const builtInProfiles: Readonly<Record<string, GpuProfile>> = {
  'nvidia-t4': nvidia,
  'nvidia-l4': nvidia,
  'nvidia-a100': nvidia,
  'nvidia-a100-80gb': nvidia,
  'nvidia-h100': nvidia,
  'nvidia-h200': nvidia,
}

/** Whether the administrator said nothing of GPUs, so that a type does not choose nodes. */
export const hasBuiltInProfiles = (config: Config): boolean =>
  config.gpus.profiles === builtInProfiles

const toolImage = (name: string): string => `ghcr.io/substratusai/metacontroller-${name}:0.2.0`

export const defaultConfig: Config = {
  registry: {},
  images: {
    builder: toolImage('builder'),
    loader: toolImage('loader'),
    seal: toolImage('seal'),
    idle: toolImage('idle'),
    notebook: 'quay.io/jupyter/scipy-notebook:2025-03-14',
  },
  packaging: { enabled: true, maxSize: '20Gi' },
  imageVolumes: 'Auto',
  storage: {
    driver: 'pvc',
    former: [],
    pvc: { accessModes: ['ReadWriteOnce'] },
    s3: {},
    gcs: {},
    hostPath: { path: '/var/lib/substratus' },
  },
  gpus: { default: 'nvidia-l4', profiles: builtInProfiles },
  servers: {
    default: 'vllm',
    presets: {
      vllm: {
        image: 'docker.io/vllm/vllm-openai:v0.8.5',
        args: [
          '--model={model}',
          '--served-model-name={name}',
          '--tensor-parallel-size={gpus}',
          '--port={port}',
        ],
        env: { HF_HUB_OFFLINE: '1' },
        health: '/health',
      },
    },
  },
  references: 'Enforce',
  podSecurity: 'baseline',
  userNamespaces: false,
  limits: 'None',
  resources: {
    Dataset: { cpu: 2, memory: 10, disk: 50 },
    Model: { cpu: 2, memory: 10, disk: 100 },
    ModelServer: { cpu: 2, memory: 10 },
    Notebook: { cpu: 2, memory: 10, disk: 20 },
  },
  serviceAccounts: {},
  builder: {
    seccomp: 'Unconfined',
    appArmor: 'Unconfined',
    cpu: 1,
    memory: 2,
    deadlineSeconds: 3600,
  },
  git: {},
}

const check = validator(configSchema)

/** Parsed YAML or JSON → the configuration, or what is wrong with it, by path. */
export function configOf(
  file: unknown,
): { readonly config: Config } | { readonly errors: readonly FieldError[] } {
  const errors = check(file ?? {})
  if (errors.length) return { errors }
  const given = (file ?? {}) as ConfigFile
  const config = overlay(configSchema, defaultConfig, given) as Config
  const { gpus, servers, storage } = config
  const lost = [
    ...unusable(storage),
    ...(Object.hasOwn(gpus.profiles, gpus.default)
      ? []
      : [missing('gpus.default', gpus.default, Object.keys(gpus.profiles))]),
    ...(Object.hasOwn(servers.presets, servers.default)
      ? []
      : [missing('servers.default', servers.default, Object.keys(servers.presets))]),
    ...Object.entries(gpus.profiles).flatMap(([name, { resourceName, deviceClassName }]) =>
      Boolean(resourceName) === Boolean(deviceClassName)
        ? [{ field: `gpus.profiles.${name}`, message: oneOfBoth }]
        : [],
    ),
  ]
  return lost.length ? { errors: lost } : { config }
}

const oneOfBoth = 'Invalid value: set either resourceName or deviceClassName'

/** What the chosen driver cannot do without. */
const unusable = ({
  driver,
  former,
  s3,
  gcs,
  hostPath,
}: Config['storage']): readonly FieldError[] => [
  ...(driver === 's3' && !s3.bucket
    ? [{ field: 'storage.s3.bucket', message: 'Required value: storage.driver is s3' }]
    : []),
  ...(driver === 'gcs' && !gcs.bucket
    ? [{ field: 'storage.gcs.bucket', message: 'Required value: storage.driver is gcs' }]
    : []),
  ...((driver === 'hostPath' || former.some((root) => root.startsWith('hostpath:'))) &&
  !hostPath.allowed
    ? [
        {
          field: 'storage.hostPath.allowed',
          message:
            'Required value: hostPath is for development, on one node: set it to true where that is meant',
        },
      ]
    : []),
]

const missing = (field: string, value: string, known: readonly string[]): FieldError => ({
  field,
  message: `Unsupported value: "${value}": supported values: ${known.map((name) => `"${name}"`).join(', ')}`,
})

/** Field by field, to any depth; maps such as profiles, and lists, are replaced whole. */
function overlay(schema: Schema, standard: unknown, given: unknown): unknown {
  if (given === undefined) return standard
  if (!schema.properties || standard === undefined) return given
  const fields = given as Readonly<Record<string, unknown>>
  const defaults = standard as Readonly<Record<string, unknown>>
  return {
    ...defaults,
    ...Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [
        name,
        overlay(schema.properties?.[name] as Schema, defaults[name], value),
      ]),
    ),
  }
}
