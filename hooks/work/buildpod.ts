import type { Config } from '../../crds/config.ts'
import { unexpanded } from '../../crds/expansion.ts'
import type { Build } from '../../crds/gitbuild.ts'
import type { Parent } from '../../crds/kind.ts'
import { cores, gibibytes } from '../../crds/schema/quantity.ts'
import { labelsOf } from '../children/metadata.ts'
import { builderNetwork, cloneEnv, stepEnv } from '../pod/env.ts'
import { limitsFor, roomFor, toolResources } from '../pod/resources.ts'
import { noServiceLinks, pullSecretNames, pullSecrets, specOf } from '../pod/template.ts'
import { builtImage } from './builtimage.ts'

const profileOf = (confinement: string) =>
  confinement === 'Unconfined'
    ? { type: 'Unconfined' }
    : { type: 'Localhost', localhostProfile: confinement.replace('Localhost/', '') }

/**
 * Rootless BuildKit runs as uid 1000 and creates its own user namespace: newuidmap needs privilege
 * escalation by file capabilities, and the default seccomp profile forbids the mounts.
 * It is the one documented exception from Pod Security baseline.
 */
const builderSecurity = (config: Config) => ({
  securityContext: {
    seccompProfile: profileOf(config.builder.seccomp),
    appArmorProfile: profileOf(config.builder.appArmor),
  },
})

/** The most likely reason if a build Job gets no Pod; none if the builder is confined. */
export const builderSuspicion = ({ builder }: Config) =>
  builder.seccomp === 'Unconfined' || builder.appArmor === 'Unconfined'
    ? {
        suspicion:
          'a namespace that enforces Pod Security "baseline" refuses the unconfined builder: see builder.seccomp and builder.appArmor in the configuration',
      }
    : {}

const builderPod = (parent: Parent, config: Config) => ({
  restartPolicy: 'Never',
  automountServiceAccountToken: false,
  ...noServiceLinks,
  // The group of the volumes must exist in the builder's user namespace: otherwise the kernel refuses to
  // mount an overlay on them, and BuildKit would copy every layer completely.
  securityContext: { runAsUser: 1000, runAsGroup: 1000, runAsNonRoot: true, fsGroup: 1000 },
  ...pullSecrets(parent, config),
  ...(config.serviceAccounts[parent.kind] && {
    serviceAccountName: config.serviceAccounts[parent.kind],
  }),
})

/**
 * The push credentials, in ~/.docker, and the pull credentials for private images: the kubelet uses the
 * latter only for the images of Pods, but here a program reads an image itself.
 */
export function registryMount(parent: Parent, config: Config) {
  const { pushSecretName } = config.registry
  const pull = pullSecretNames(parent, config)
  return {
    volumes: [
      ...(pushSecretName ? [pushVolume(pushSecretName)] : []),
      ...(pull.length ? [pullVolume(pull)] : []),
    ],
    volumeMounts: [
      ...(pushSecretName
        ? [{ name: 'registry', mountPath: '/home/build/.docker', readOnly: true }]
        : []),
      ...(pull.length ? [{ name: 'pull', mountPath: '/secrets/registry', readOnly: true }] : []),
    ],
  }
}

const dockerConfig = '.dockerconfigjson'

const pushVolume = (secretName: string) => ({
  name: 'registry',
  secret: { secretName, items: [{ key: dockerConfig, path: 'config.json' }] },
})

/** As with the kubelet, a Secret that does not exist is ignored. */
const pullVolume = (names: readonly string[]) => ({
  name: 'pull',
  projected: {
    sources: names.map((name, at) => ({
      secret: { name, items: [{ key: dockerConfig, path: `${at}.json` }], optional: true },
    })),
  },
})

export const registryEnv = (config: Config) => [
  { name: 'HOME', value: '/home/build' },
  ...(config.registry.insecure ? [{ name: 'REGISTRY_INSECURE', value: 'true' }] : []),
  ...builderNetwork(config),
]

const builderEnv = (config: Config) => [
  ...registryEnv(config),
  { name: 'USER', value: 'build' },
  { name: 'XDG_RUNTIME_DIR', value: '/run/user/1000' },
]

function builderResources(config: Config) {
  const { cpu, memory, disk } = config.builder
  const wanted = { cpu: cores(cpu), memory: gibibytes(memory) }
  const limits = limitsFor(wanted, config)
  const room = roomFor(config, disk)
  return {
    requests: { ...wanted, ...(room && { 'ephemeral-storage': room }) },
    ...(Object.keys(limits).length && { limits }),
  }
}

/** The container that runs BuildKit, and the volumes it needs. */
function builder(parent: Parent, config: Config, args: readonly string[]) {
  const registry = registryMount(parent, config)
  return {
    container: {
      name: 'build',
      image: config.images.builder,
      args: args.map(unexpanded),
      env: [...builderEnv(config), ...stepEnv(specOf(parent).env)],
      resources: builderResources(config),
      volumeMounts: [
        source,
        { name: 'home', mountPath: '/home/build' },
        { name: 'run', mountPath: '/run/user/1000' },
        ...registry.volumeMounts,
      ],
      terminationMessagePolicy: 'FallbackToLogsOnError',
      ...builderSecurity(config),
    },
    volumes: [{ name: 'home', emptyDir: {} }, { name: 'run', emptyDir: {} }, ...registry.volumes],
  }
}

const source = { name: 'source', mountPath: '/source' }

/**
 * Builds an image from Git: a restricted init container clones, rootless BuildKit builds and pushes.
 * The termination message is `{"digest": "sha256:…", "commit": "…"}`.
 */
export function buildPod(parent: Parent, build: Build, tag: string, config: Config) {
  const { container, volumes } = builder(parent, config, buildArgs(parent, build, tag, config))
  const { secretName } = build.git
  return {
    metadata: {
      labels: labelsOf(parent, 'build'),
      annotations: { 'kubectl.kubernetes.io/default-container': 'build' },
    },
    spec: {
      ...builderPod(parent, config),
      initContainers: [clone(parent, build.git, config)],
      containers: [container],
      volumes: [
        { name: 'source', emptyDir: {} },
        ...volumes,
        ...(secretName ? [{ name: 'git', secret: { secretName, defaultMode: 0o440 } }] : []),
      ],
    },
  }
}

const buildArgs = (parent: Parent, build: Build, tag: string, config: Config) => [
  'build',
  '--context=/source',
  ...(build.git.path ? [`--path=${build.git.path}`] : []),
  ...(build.dockerfile ? [`--dockerfile=${build.dockerfile}`] : []),
  ...(build.target ? [`--target=${build.target}`] : []),
  ...Object.entries(build.args ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `--build-arg=${name}=${value}`),
  `--image=${builtImage(parent, tag, config)}`,
  ...(config.registry.cache ? ['--cache=true'] : []),
]

function clone(
  parent: Parent,
  { url, branch, tag, commit, secretName }: Build['git'],
  config: Config,
) {
  const { images, git } = config
  const ref = branch ?? tag ?? commit
  return {
    name: 'clone',
    image: images.builder,
    args: [
      'clone',
      `--url=${url}`,
      ...(ref ? [`--${branch ? 'branch' : tag ? 'tag' : 'commit'}=${ref}`] : []),
      '--into=/source',
    ].map(unexpanded),
    env: [
      { name: 'HOME', value: '/tmp' },
      ...(git.knownHosts ? [{ name: 'GIT_KNOWN_HOSTS', value: git.knownHosts }] : []),
      ...(git.caBundle ? [{ name: 'GIT_CA_BUNDLE', value: git.caBundle }] : []),
      ...cloneEnv(specOf(parent).env, config),
    ],
    resources: toolResources(config),
    volumeMounts: [
      source,
      ...(secretName ? [{ name: 'git', mountPath: '/secrets/git', readOnly: true }] : []),
    ],
    terminationMessagePolicy: 'FallbackToLogsOnError',
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
  }
}
