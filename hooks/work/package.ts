import { hasWork, isInClaim } from '../../crds/claims.ts'
import type { Config } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import type { ModelSpec } from '../../crds/model.ts'
import { bytesOf, gibibytes, humanBytes } from '../../crds/schema/quantity.ts'
import { labelsOf } from '../children/metadata.ts'
import type { Facts } from '../engine/read.ts'
import type { WorkStage } from '../engine/stage.ts'
import type { Records } from '../observe/memory.ts'
import { no, type Verdict, yes } from '../observe/verdict.ts'
import { withBuilderFields } from '../pod/podfields.ts'
import { roomFor, toolResources } from '../pod/resources.ts'
import { containerSecurity } from '../pod/security.ts'
import { podBase, storageAnnotations } from '../pod/template.ts'
import { artifactsUrl, resultAt } from '../storage/storage.ts'
import { registryEnv, registryMount } from './buildpod.ts'
import { builtImage, pinnedImage } from './builtimage.ts'

/** Packages the artifacts as an image, so that a ModelServer needs only the name of the Model. */
export function packageStage(facts: Facts<ModelSpec>, hashes: WorkStage['hashes']): WorkStage {
  const { parent, config } = facts
  return {
    does: 'work',
    name: 'package',
    keys: ['package'],
    condition: 'Packaged',
    active: 'Packaging',
    isTool: true,
    skip: (records) => unpackaged(facts, records),
    needs: [],
    hashes,
    policy: { backoffLimit: 1, activeDeadlineSeconds: config.builder.deadlineSeconds },
    template: ({ attempt }, { run }) => {
      const url = artifactsUrl(facts, 'run', run)
      const room = roomFor(config, undefined, run?.bytes)
      const made = { image: run?.image ?? 'scratch', url, room }
      const pod = packagePod(parent, made, attempt, config)
      return withBuilderFields(pod, 'package', parent, config)
    },
    needsDigest: true,
    result: ({ digest }) => (digest ? { image: pinnedImage(parent, digest, config) } : {}),
  }
}

/** Why the model is not packaged; undefined if it is. */
export function unpackaged(
  { parent: { spec }, config }: Facts<ModelSpec>,
  { run }: Records,
): Verdict | undefined {
  if (!hasWork(spec)) return yes('Skipped', 'the image is the model')
  if (isInClaim(spec.source)) return no('Skipped', `used where it is: ${spec.source}`)
  if (spec.package === 'Never') return no('Skipped', 'spec.package is Never: served from storage')
  if (!config.registry.prefix)
    return no('Skipped', 'the administrator has set no registry.prefix: served from storage')
  if (spec.package === 'Always') return undefined
  if (spec.source) return no('Skipped', 'imports are not packaged: served from storage')
  if (!config.packaging.enabled)
    return no('Skipped', 'packaging is switched off by the administrator: served from storage')
  if (run?.bytes === undefined) return undefined
  const limit = Number(bytesOf(gibibytes(config.packaging.maxSize)))
  if (run.bytes <= limit) return undefined
  return no(
    'TooLarge',
    `${humanBytes(run.bytes)} is more than packaging.maxSize ${humanBytes(limit)}: served from storage`,
  )
}

/**
 * Packages the trained model: FROM the run's image, with the artifacts under /content/model. They are
 * streamed from storage to the registry: nothing is stored on the node's disk and nothing is executed, so
 * the Pod needs no more rights than others.
 */
function packagePod(
  parent: Parent,
  run: { readonly image: string; readonly url: string; readonly room: string | undefined },
  tag: string,
  config: Config,
) {
  const artifacts = resultAt('artifacts', run.url, '/artifacts', config, run.room)
  const registry = registryMount(parent, config)
  return {
    metadata: {
      labels: labelsOf(parent, 'package'),
      annotations: {
        ...storageAnnotations(config),
        'kubectl.kubernetes.io/default-container': 'package',
      },
    },
    spec: {
      restartPolicy: 'Never',
      ...podBase(parent, config),
      ...(artifacts.before.length && { initContainers: artifacts.before }),
      containers: [
        {
          name: 'package',
          image: config.images.builder,
          args: [
            'package',
            `--from=${run.image}`,
            '--artifacts=/artifacts',
            '--into=/content/model',
            `--image=${builtImage(parent, tag, config)}`,
          ],
          env: registryEnv(config),
          resources: toolResources(config),
          volumeMounts: [...artifacts.volumeMounts, ...registry.volumeMounts],
          terminationMessagePolicy: 'FallbackToLogsOnError',
          ...containerSecurity(config),
        },
      ],
      volumes: [...artifacts.volumes, ...registry.volumes],
    },
  }
}
