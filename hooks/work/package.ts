import type { Config } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import { labelsOf } from '../names.ts'
import { mountOf } from '../storage/pvc.ts'
import { builder, builderPod, builtImage } from './build.ts'

/**
 * The trained model becomes an image: FROM the run's image, the artifacts under /content/model.
 * They are read from storage as they are pushed, without a second copy on the builder's disk.
 */
export function packagePod(
  parent: Parent,
  run: { readonly image: string; readonly url: string },
  tag: string,
  config: Config,
) {
  const artifacts = mountOf('artifacts', run.url, '/artifacts')
  const { container, volumes } = builder(
    config,
    'package',
    [
      'package',
      `--from=${run.image}`,
      '--artifacts=/artifacts',
      '--into=/content/model',
      `--image=${builtImage(parent, tag, config)}`,
    ],
    artifacts.volumeMounts,
  )
  return {
    metadata: {
      labels: labelsOf(parent, 'package'),
      annotations: { 'kubectl.kubernetes.io/default-container': 'package' },
    },
    spec: {
      ...builderPod(parent, config),
      containers: [container],
      volumes: [...artifacts.volumes, ...volumes],
    },
  }
}
