import type { Config } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import { toolResources } from '../pod/resources.ts'
import { toolSecurity } from '../pod/security.ts'
import { container, contentMounts, gpuPodBase, podMetadata } from '../pod/template.ts'
import { joined, type Mounts } from '../pod/volumes.ts'
import { storageOf } from '../storage/storage.ts'

interface Work {
  readonly stage: 'load' | 'run'
  readonly image: string
  readonly args?: readonly string[]
  /** Fields of the container that are not the user's. */
  readonly more?: Readonly<Record<string, unknown>>
  /** Where the artifacts of this attempt live inside the claim. */
  readonly path: string
  /** The paths that others still use; seal keeps them when it removes older ones. */
  readonly keep: readonly string[]
  readonly mounts: Mounts
}

/** The loader's image and arguments for a source; the hub keeps models and datasets apart. */
export const loader = (parent: Parent, source: string, config: Config) => ({
  image: config.images.loader,
  args: [
    'load',
    `--source=${source}`,
    ...(source.startsWith('hf://') ? [`--hub=${parent.kind.toLowerCase()}`] : []),
    '--into=/content/artifacts',
  ],
  more: toolSecurity(config),
})

/**
 * The Pod of a load or a run: the user's container is the last init container, so that `seal`
 * starts only after its success. Seal writes a manifest with sizes and checksums last, and
 * `{"digest": "sha256:…", "bytes": N}` is its termination message: what has no manifest is never
 * taken for whole.
 */
export function workPod(parent: Parent, config: Config, work: Work) {
  const place = storageOf(config).write(parent, work.path, config)
  const mounts = joined(work.mounts, place.work)
  return {
    metadata: podMetadata(parent, config, work.stage, work.stage),
    spec: {
      restartPolicy: 'Never',
      ...gpuPodBase(parent, config),
      ...nodesThatBind(gpuPodBase(parent, config), config),
      initContainers: [
        ...mounts.before,
        container(parent, config, {
          name: work.stage,
          image: work.image,
          args: work.args,
          mounts,
          more: work.more,
        }),
      ],
      containers: [
        {
          name: 'seal',
          image: config.images.seal,
          args: ['seal', ...place.seal.args, ...work.keep.map((path) => `--keep=${path}`)],
          resources: toolResources,
          ...(place.seal.env?.length && { env: place.seal.env }),
          volumeMounts: place.seal.volumeMounts,
          terminationMessagePolicy: 'FallbackToLogsOnError',
          ...toolSecurity(config),
        },
      ],
      volumes: contentMounts(parent, config, mounts).volumes,
    },
  }
}

/** The Job that first binds a claim decides where it lives: the administrator may narrow that. */
const nodesThatBind = (base: Readonly<Record<string, unknown>>, config: Config) => {
  const nodeSelector = {
    ...config.storage.pvc.nodeSelector,
    ...(base.nodeSelector as Record<string, string> | undefined),
  }
  return Object.keys(nodeSelector).length ? { nodeSelector } : {}
}
