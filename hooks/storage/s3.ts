import type { Config } from '../../crds/config.ts'
import { workspaceName } from '../../crds/names.ts'
import { diskOf, toolResources } from '../pod/resources.ts'
import { toolSecurity } from '../pod/security.ts'
import { artifacts, type Driver, folderOf, sealed } from './driver.ts'
import { claimMount, claimNamed } from './pvc.ts'

/**
 * Any S3-compatible store. Work writes to a claim that exists until its result is in the bucket, or to the
 * node's disk; seal uploads the files, with their manifest last. Each reader downloads a copy of its own,
 * which is compared with that manifest.
 */
export const s3: Driver = {
  scheme: 's3',
  url: (parent, path, config) => `${rootOf(config)}/${folderOf(parent)}/${path}`,
  read: (name, url, mountPath, config, room) => ({
    volumes: [{ name, emptyDir: {} }],
    volumeMounts: [{ name, mountPath, readOnly: true }],
    before: [
      {
        name: `fetch-${name}`,
        image: config.images.loader,
        args: ['load', `--source=${url}`, '--into=/copy', '--sealed=true'],
        env: environment(config),
        resources: toolResources(config, room),
        volumeMounts: [{ name, mountPath: '/copy' }],
        terminationMessagePolicy: 'FallbackToLogsOnError',
        ...toolSecurity(config),
      },
    ],
  }),
  write: (parent, path, config) => {
    const workspace = claimMount(workspaceName(parent), artifacts, path)
    const scratch = { name: 'artifacts', emptyDir: { sizeLimit: diskOf(parent, config) } }
    const { volumes } = workspace
    return {
      work: config.storage.s3.workspace ? workspace : { ...workspace, volumes: [scratch] },
      seal: {
        ...sealed(path),
        // What a Pod of its own seals is in the claim, even if the configuration has changed since.
        volumes,
        args: [...sealed(path).args, `--to=${rootOf(config)}/${folderOf(parent)}`],
        env: environment(config),
        isToBucket: true,
      },
    }
  },
  written: ({ storage }) => (storage.s3.workspace ? 'inClaim' : 'inPod'),
  claims: (parent, observed, config, { isSealed }) => {
    const { workspace } = config.storage.s3
    const name = workspaceName(parent)
    return workspace && !isSealed
      ? [{ claim: claimNamed(name, parent, observed, config, workspace) }]
      : []
  },
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
