import {
  boolean,
  choice,
  integer,
  list,
  map,
  object,
  string,
  type TypeOf,
} from '../schema/builders.ts'
import type { FieldError } from '../schema/validator.ts'
import type { Overlaid } from './overlay.ts'

/** These fields become part of a URL in a status, whose schema allows no control characters. */
const part = { maxLength: 512, pattern: '^[^\\x00-\\x1f\\x7f-\\x9f]*$' }

const accessMode = choice('A mode.', ['ReadWriteOnce', 'ReadWriteMany', 'ReadWriteOncePod'])

const claimSettings = {
  className: string('The StorageClass; default the cluster’s own.'),
  accessModes: list('Access modes.', accessMode, { minItems: 1 }),
}

export const storageDrivers = ['pvc', 's3', 'gcs', 'hostPath'] as const

export const storage = object('Where artifacts and homes are stored.', {
  driver: choice('Which storage artifacts are in; homes are always in claims.', storageDrivers),
  s3: object('Any S3-compatible store: artifacts are copied out and in.', {
    bucket: string('The bucket.'),
    prefix: string('Artifacts are below it.', part),
    endpoint: string('The address of a store other than AWS.'),
    region: string('The region.'),
    secretName: string(
      'A Secret in each namespace with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; without it the node’s own credentials are used.',
    ),
    workspace: object(
      'A claim in which loads and runs work, so that their files outlive the Pod; it is deleted once they are in the bucket. Without it, they work on the disk of the node.',
      {
        className: string('The StorageClass of these claims.'),
        accessModes: list('Access modes; default ReadWriteOnce.', accessMode, { minItems: 1 }),
      },
      { required: ['className'] },
    ),
  }),
  gcs: object('A bucket of Google Cloud Storage, by the gcsfuse CSI driver.', {
    bucket: string('The bucket.'),
    prefix: string('Artifacts are below it.', part),
  }),
  hostPath: object('A folder of the node: for development on one machine.', {
    path: string('The folder.', part),
    allowed: boolean(
      'Confirms that this machine is for development: nothing is deleted with its object.',
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
  keepResults: integer(
    'How many results of an object are stored: the current one, and earlier ones, which a spec that is changed back uses again. Older results are removed with the next success.',
    { minimum: 1, maximum: 10 },
  ),
  pvc: object('One PersistentVolumeClaim per object.', {
    ...claimSettings,
    artifacts: object('Overrides for the claims of Datasets and Models.', claimSettings),
    homes: object('Overrides for the homes of Notebooks.', claimSettings),
    nodeSelector: map(
      'Nodes for the Jobs that first bind a claim, so that it binds where consumers can follow.',
      string('Value.'),
    ),
  }),
})

export const storageDefaults = {
  driver: 'pvc',
  former: [],
  keepResults: 1,
  pvc: { accessModes: ['ReadWriteOnce'] },
  s3: {},
  gcs: {},
  hostPath: { path: '/var/lib/substratus' },
} as const satisfies TypeOf<typeof storage>

/** Settings that the chosen driver requires. */
export const storageFaults = ({
  driver,
  former,
  s3,
  gcs,
  hostPath,
}: Overlaid<TypeOf<typeof storage>, typeof storageDefaults>): readonly FieldError[] => [
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
