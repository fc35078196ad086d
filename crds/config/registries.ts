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
  'The project’s own three images. They are not published: `npm run images -- --push PREFIX` builds and pushes them.',
  {
    prefix: string(
      'Where they are: PREFIX/substratus, PREFIX/substratus-loader and PREFIX/substratus-builder. Without it, they have no registry in their names.',
      { maxLength: 400, pattern: '^([a-z0-9]([a-z0-9._/:-]*[a-z0-9])?)?$' },
    ),
    tag: string('Their tag; by default the version of this release.', {
      pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$',
    }),
    builder: string(
      'Another image that builds and packages, with git and rootless BuildKit; by default PREFIX/substratus-builder.',
      image,
    ),
    loader: string(
      'Another image that loads sources and copies from and to buckets; by default PREFIX/substratus-loader.',
      image,
    ),
    seal: string(
      'Another image that seals artifacts with a manifest; by default PREFIX/substratus, with storage.driver s3 the image of the loader.',
      image,
    ),
    idle: string(
      'Another image for the idle watch of Notebooks and ModelServers, and for the relay in front of a ModelServer; by default PREFIX/substratus.',
      image,
    ),
    notebook: string('What a Notebook without an image of its own runs.', image),
  },
)

export const imageDefaults = {
  prefix: '',
  tag: '0.2.0',
  notebook: 'quay.io/jupyter/scipy-notebook:2025-03-14',
} satisfies TypeOf<typeof images>

type Tool = 'builder' | 'loader' | 'seal' | 'sealToBucket' | 'idle'
type Given = TypeOf<typeof images> & typeof imageDefaults
export type Images = Omit<Given, Tool> & Readonly<Record<Tool, string>>

/**
 * The image of each tool: its own, or one of the three of the prefix. Only the image of the loader has
 * rclone, with which seal copies to a bucket.
 */
export function imagesOf(given: Given): Images {
  const named = (image: string): string =>
    `${given.prefix ? `${given.prefix}/` : ''}${image}:${given.tag}`
  const loader = given.loader ?? named('substratus-loader')
  return {
    builder: named('substratus-builder'),
    loader,
    seal: named('substratus'),
    sealToBucket: given.seal ?? loader,
    idle: named('substratus'),
    ...given,
  }
}

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
