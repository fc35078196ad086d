import { gpuProfileOf } from '../config/gpuprofiles.ts'
import { isReserved, isReservedAnnotation } from '../labels.ts'
import { adapterVolume } from '../names.ts'
import { firstOf, names, type PodInput, type PodRule } from './podrule.ts'

/** Refuses what we, the GPU profile or the administrator already set, with both values if any. */

const reserved = 'reserved for Kubernetes and this project'

/** The paths of the container contract; nothing may be mounted at, in or above one of them. */
const contract = [
  '/content/data',
  '/content/model',
  '/content/artifacts',
  '/content/params.json',
  '/content/home',
  '/run/jupyter',
]
const builders = ['/source', '/artifacts', '/home/build', '/run/user/1000', '/secrets']

const ourVolumes = ['data', 'model', 'artifacts', 'params', 'shm', 'home', 'runtime', 'idle-watch']
const builderVolumes = ['source', 'artifacts', 'home', 'run', 'registry', 'pull', 'git']

/** Without a spec, the fields are for all objects of a kind, and any of these may have a GPU. */
const ourPaths = ({ of, spec, config }: PodInput): readonly string[] => {
  if (of === 'builder') return builders
  return [
    ...contract,
    ...(!spec || gpuProfileOf(spec.resources, config) ? ['/dev/shm'] : []),
    ...((spec ? spec.source !== undefined : of === 'Dataset' || of === 'Model')
      ? ['/storage']
      : []),
    ...((spec ? spec.adapters?.length : of === 'ModelServer') ? ['/content/adapters'] : []),
  ]
}

/** What mounts a path that only some objects have. */
const mountedBy: Readonly<Record<string, string>> = {
  '/dev/shm': 'objects with a GPU mount',
  '/storage': 'the loader of a source mounts',
  '/content/adapters': 'ModelServers with adapters mount',
}

const isInside = (inner: string, outer: string): boolean =>
  inner === outer || inner.startsWith(`${outer}/`)

/** The port and its name that a serving container has. */
const servedPort = ({ of, spec }: PodInput): number | undefined =>
  of === 'ModelServer' ? (spec?.port ?? 8080) : of === 'Notebook' ? 8888 : undefined

/** Recognizes, by name, a claim with a Model's or Dataset's results, or a Notebook's home. */
const isOurClaim = (claim: string): boolean =>
  /-((model|dataset)-(artifacts|workspace)|notebook-home)$/.test(claim)

export const ourRules: readonly PodRule[] = [
  {
    field: 'labels',
    fault: ({ own: { labels } }) => {
      const found = names(labels, isReserved)
      return found ? `Forbidden: ${found}: ${reserved}` : undefined
    },
  },
  {
    field: 'annotations',
    fault: ({ own: { annotations } }) => {
      const found = names(annotations, isReservedAnnotation)
      return found ? `Forbidden: ${found}: ${reserved}` : undefined
    },
  },
  {
    field: 'annotations',
    fault: ({ own: { annotations }, config }) => {
      const value = annotations?.['gke-gcsfuse/volumes']
      return value !== undefined && value !== 'true' && config.storage.driver === 'gcs'
        ? `Invalid value: "gke-gcsfuse/volumes": "${value}" conflicts with "true", which storage.driver gcs needs`
        : undefined
    },
  },
  {
    field: 'nodeSelector',
    reads: ['spec.resources'],
    fault: ({ own: { nodeSelector }, spec, config }) => {
      const gpu = spec && gpuProfileOf(spec.resources, config)
      return firstOf(Object.entries(nodeSelector ?? {}), ([label, value]) => {
        const theirs = gpu?.profile.nodeSelector?.[label]
        return theirs !== undefined && theirs !== value
          ? `Invalid value: "${label}": "${value}" conflicts with "${theirs}" of the GPU profile "${gpu?.name}"`
          : undefined
      })
    },
  },
  {
    field: 'securityContext',
    fault: ({ own: { securityContext }, of }) =>
      of === 'builder' && securityContext
        ? 'Forbidden: the builder runs as user and group 1000'
        : undefined,
  },
  {
    field: 'securityContext.runAsUser',
    fault: ({ own: { securityContext }, config }) =>
      securityContext?.runAsUser === 0 && config.podSecurity === 'restricted'
        ? 'Invalid value: 0 conflicts with podSecurity "restricted", under which no container runs as root'
        : undefined,
  },
  {
    field: 'volumes',
    reads: ['spec.adapters'],
    fault: ({ own: { volumes }, of, spec }) =>
      firstOf(volumes, ({ name }) =>
        [
          ...(of === 'builder' ? builderVolumes : ourVolumes),
          ...(spec?.adapters ?? []).map((adapter) => adapterVolume(adapter.name)),
        ].includes(name)
          ? `Invalid value: "${name}" is reserved for a volume of this project: choose another name`
          : undefined,
      ),
  },
  {
    field: 'volumes',
    fault: ({ own: { volumes } }) =>
      firstOf(volumes, ({ persistentVolumeClaim: claim }) =>
        claim && isOurClaim(claim.claimName) && !claim.readOnly
          ? `Forbidden: claim "${claim.claimName}" belongs to a Model, a Dataset or a Notebook: set readOnly: true`
          : undefined,
      ),
  },
  {
    field: 'container.volumeMounts',
    reads: ['spec.resources', 'spec.source', 'spec.adapters'],
    fault: (input) =>
      firstOf(input.pod.container?.volumeMounts, ({ mountPath }) => {
        const ours = ourPaths(input).find(
          (path) => isInside(mountPath, path) || isInside(path, mountPath),
        )
        if (!ours) return undefined
        const why = (!input.spec && mountedBy[ours]) || 'is mounted already'
        return `Invalid value: "${mountPath}" conflicts with "${ours}", which ${why}`
      }),
  },
  {
    field: 'container.ports',
    reads: ['spec.port'],
    fault: (input) => {
      const served = servedPort(input)
      return firstOf(input.pod.container?.ports, ({ name, containerPort }) => {
        if (served === undefined || (containerPort !== served && name !== 'http')) return undefined
        return `Invalid value: "${name ?? containerPort}": ${containerPort} conflicts with "http": ${served}, which the Service forwards to`
      })
    },
  },
]
