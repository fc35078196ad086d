import type { Config } from '../../crds/config.ts'
import { diskOf, toolResources } from '../pod/resources.ts'
import { toolSecurity } from '../pod/security.ts'
import { artifacts, type Driver, folderOf, sealed } from './driver.ts'

/**
 * Any S3-compatible store. Work writes to the node's disk, and seal uploads the files, with their
 * manifest last. Each reader downloads a copy of its own, which is compared with that manifest.
 */
export const s3: Driver = {
  scheme: 's3',
  url: (parent, path, config) => `${rootOf(config)}/${folderOf(parent)}/${path}`,
  read: (name, url, mountPath, config) => ({
    volumes: [{ name, emptyDir: {} }],
    volumeMounts: [{ name, mountPath, readOnly: true }],
    before: [
      {
        name: `fetch-${name}`,
        image: config.images.loader,
        args: ['load', `--source=${url}`, '--into=/copy', '--sealed=true'],
        env: environment(config),
        resources: toolResources,
        volumeMounts: [{ name, mountPath: '/copy' }],
        terminationMessagePolicy: 'FallbackToLogsOnError',
        ...toolSecurity(config),
      },
    ],
  }),
  write: (parent, path, config) => ({
    work: {
      volumes: [{ name: 'artifacts', emptyDir: { sizeLimit: diskOf(parent, config) } }],
      volumeMounts: [{ name: 'artifacts', mountPath: artifacts, subPath: path }],
      before: [],
    },
    seal: {
      ...sealed(path),
      args: [...sealed(path).args, `--to=${rootOf(config)}/${folderOf(parent)}`],
      env: environment(config),
    },
  }),
  claims: () => [],
  note: () => '',
}

const rootOf = ({ storage: { s3 } }: Config): string =>
  ['s3:/', s3.bucket, s3.prefix].filter(Boolean).join('/')

/** Credentials from the Secret in each namespace; without one, the node's own credentials. */
const environment = ({ storage: { s3 } }: Config) => [
  ...(s3.endpoint ? [{ name: 'AWS_ENDPOINT_URL', value: s3.endpoint }] : []),
  ...(s3.region ? [{ name: 'AWS_REGION', value: s3.region }] : []),
  ...(s3.secretName
    ? ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'].map((key) => ({
        name: key,
        valueFrom: { secretKeyRef: { name: s3.secretName, key } },
      }))
    : []),
]
