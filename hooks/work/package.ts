import type { Config } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import { labelsOf } from '../children/metadata.ts'
import { toolResources } from '../pod/resources.ts'
import { containerSecurity } from '../pod/security.ts'
import { podBase, storageAnnotations } from '../pod/template.ts'
import { resultAt } from '../storage/storage.ts'
import { builtImage, registryEnv, registryMount } from './build.ts'

/**
 * The trained model becomes an image: FROM the run's image, the artifacts under /content/model.
 * They go from storage to the registry as they are read: nothing is kept on the node's disk, and
 * nothing is run, so that it needs no more than other Pods.
 */
export function packagePod(
  parent: Parent,
  run: { readonly image: string; readonly url: string },
  tag: string,
  config: Config,
) {
  const artifacts = resultAt('artifacts', run.url, '/artifacts', config)
  const registry = registryMount(config)
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
          resources: toolResources,
          volumeMounts: [...artifacts.volumeMounts, ...registry.volumeMounts],
          terminationMessagePolicy: 'FallbackToLogsOnError',
          ...containerSecurity(config),
        },
      ],
      volumes: [...artifacts.volumes, ...registry.volumes],
    },
  }
}
