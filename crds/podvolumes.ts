import { quantityPattern } from './common.ts'
import { imagePattern } from './imagename.ts'
import { dnsName } from './names.ts'
import {
  boolean,
  choice,
  integer,
  intOrString,
  list,
  map,
  object,
  string,
} from './schema/builders.ts'

/** The volumes of spec.pod: those of the Kubernetes API that are within a tenant's rights. */

export const name = (what: string) =>
  string(what, { minLength: 1, maxLength: 253, pattern: dnsName })

/** A single schema, so that the hooks recognize quantities and write them as the API server does. */
export const quantity = intOrString('A Kubernetes quantity, such as "20Gi".', {
  pattern: quantityPattern,
  minimum: 0,
  maxLength: 32,
})

/** A path inside a folder: no control characters; rules refuse `..`. */
export const relative = {
  minLength: 1,
  maxLength: 1024,
  pattern: '^[^/\\x00-\\x1f\\x7f][^\\x00-\\x1f\\x7f]*$',
}

const mode = (what: string) => integer(what, { minimum: 0, maximum: 511, format: 'int32' })

const keyedFiles = {
  items: list(
    'The keys to mount, as files; default all.',
    object(
      'A key and its file.',
      {
        key: string('The key.', { minLength: 1, maxLength: 253, pattern: '^[-._a-zA-Z0-9]+$' }),
        path: string('The file, relative to the volume.', relative),
        mode: mode('The file’s permissions.'),
      },
      { required: ['key', 'path'] },
    ),
    { maxItems: 64 },
  ),
  defaultMode: mode('The permissions of files without their own; default 420, which is 0644.'),
  optional: boolean('Whether the Pod may start without it.'),
}

/** The types of volumes; each has a field of its own, as in a Pod. */
const volumeTypes = {
  persistentVolumeClaim: object(
    'An existing claim. One that holds the results of a Model or a Dataset must be readOnly.',
    { claimName: name('The claim.'), readOnly: boolean('Whether it is mounted read-only.') },
    { required: ['claimName'] },
  ),
  configMap: object(
    'A ConfigMap.',
    { name: name('Its name.'), ...keyedFiles },
    { required: ['name'] },
  ),
  secret: object(
    'A Secret of your own; not one that the tools of this cluster use.',
    { secretName: name('Its name.'), ...keyedFiles },
    { required: ['secretName'] },
  ),
  emptyDir: object('Space on the node, deleted with the Pod.', {
    medium: choice('Memory instead of disk.', ['Memory', 'HugePages']),
    sizeLimit: quantity,
  }),
  ephemeral: object(
    'A claim that is created and deleted with the Pod.',
    {
      volumeClaimTemplate: object(
        'The claim.',
        {
          spec: object(
            'Its spec.',
            {
              accessModes: list(
                'Access modes.',
                choice('A mode.', ['ReadWriteOnce', 'ReadWriteMany', 'ReadWriteOncePod']),
                { minItems: 1, maxItems: 3 },
              ),
              storageClassName: name('The StorageClass; default the cluster’s own.'),
              resources: object(
                'Its size.',
                {
                  requests: object('Its size.', { storage: quantity }, { required: ['storage'] }),
                },
                { required: ['requests'] },
              ),
            },
            { required: ['accessModes', 'resources'] },
          ),
        },
        { required: ['spec'] },
      ),
    },
    { required: ['volumeClaimTemplate'] },
  ),
  csi: object(
    'A volume that a CSI driver creates for this Pod.',
    {
      driver: name('The driver.'),
      fsType: string('The file system.', { minLength: 1, maxLength: 63 }),
      readOnly: boolean('Whether it is mounted read-only.'),
      volumeAttributes: map('Attributes for the driver.', string('Value.', { maxLength: 4096 }), {
        maxProperties: 32,
      }),
    },
    { required: ['driver'] },
  ),
  image: object(
    'An image, read-only; from Kubernetes 1.35.',
    {
      reference: string('The image.', { minLength: 1, maxLength: 512, pattern: imagePattern }),
      pullPolicy: choice('When it is pulled.', ['Always', 'IfNotPresent', 'Never']),
    },
    { required: ['reference'] },
  ),
} as const
type VolumeType = keyof typeof volumeTypes
export const volumeTypeNames = Object.keys(volumeTypes) as readonly VolumeType[]

export const volumes = list(
  'Volumes; container.volumeMounts mounts them. Each has a name and one type.',
  object(
    'A volume.',
    {
      name: string('Its name.', {
        minLength: 1,
        maxLength: 63,
        pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
      }),
      ...volumeTypes,
    },
    { required: ['name'] },
  ),
  {
    maxItems: 32,
    'x-kubernetes-validations': [
      {
        rule: `self.all(volume, [${volumeTypeNames.map((type) => `has(volume.${type})`).join(', ')}].filter(given, given).size() == 1)`,
        message: `each volume needs exactly one of ${volumeTypeNames.join(', ')}`,
      },
    ],
  },
)
