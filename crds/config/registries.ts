import { imagePattern } from '../imagename.ts'
import { boolean, choice, object, string, type TypeOf } from '../schema/builders.ts'
import { size } from './sizes.ts'

/** The images of the tools, and where built images are pushed. */

export const registry = object('Where built images are pushed.', {
  prefix: string(
    'Images are PREFIX/NAMESPACE/KIND-NAME:TAG. Without it nothing can be built or packaged.',
    { maxLength: 512, pattern: '^([!-,.-~][!-~]*)?$' },
  ),
  pushSecretName: string('A kubernetes.io/dockerconfigjson Secret in each namespace, to push.'),
  pullSecretName: string(
    'The same, for pulling: for Pods, and for the base images of builds and packaging.',
  ),
  insecure: boolean('Speak plain HTTP to the registry.'),
  cache: boolean(
    'Store the layers of builds next to each image, as KIND-NAME:cache, and reuse them in later builds. Anyone with the same push credentials can plant layers there: set it only if all namespaces that share these credentials trust each other. Default false.',
  ),
})

/** The limits of spec.image, because a status reports this image too. */
export const image = { maxLength: 512, pattern: imagePattern }

export const images = object(
  'The images of the project’s own tools. The defaults are not published: build them as helm/README.md says, and name yours here.',
  {
    builder: string('git and rootless BuildKit.', image),
    loader: string('Loads a source.', image),
    seal: string('Seals artifacts with a manifest.', image),
    idle: string('Watches a Notebook for idleness.', image),
    notebook: string('What a Notebook without an image of its own runs.', image),
  },
)

const toolImage = (name: string): string => `ghcr.io/substratusai/metacontroller-${name}:0.2.0`

export const imageDefaults = {
  builder: toolImage('builder'),
  loader: toolImage('loader'),
  seal: toolImage('seal'),
  idle: toolImage('idle'),
  notebook: 'quay.io/jupyter/scipy-notebook:2025-03-14',
} satisfies TypeOf<typeof images>

export const packaging = object('Trained models as images.', {
  enabled: boolean('Whether package: Auto packages at all.'),
  maxSize: size('Above it, package: Auto serves from storage. An integer is gibibytes.'),
})

export const packagingDefaults = { enabled: true, maxSize: '20Gi' } satisfies TypeOf<
  typeof packaging
>

export const imageVolumes = choice(
  'Whether Pods can mount images. Auto: if the API server reports Kubernetes 1.35 or later. Where a node’s kubelet or runtime cannot (containerd before 2.1, CRI-O before 1.31), Pods read the files from storage, or copy them, instead.',
  ['Auto', 'Enabled', 'Disabled'],
)
