import type { Config } from '../../crds/config.ts'
import { artifacts, type Driver, folderOf, sealed } from './driver.ts'

/**
 * A bucket of Google Cloud Storage, mounted by the gcsfuse CSI driver. The Pods' ServiceAccount
 * (serviceAccounts in the configuration) must have access to it.
 */
export const gcs: Driver = {
  scheme: 'gs',
  url: (parent, path, { storage: { gcs } }) =>
    ['gs:/', gcs.bucket, gcs.prefix, folderOf(parent), path].filter(Boolean).join('/'),
  read: (name, url, mountPath) => {
    const [, bucket = '', path = ''] = /^gs:\/\/([^/]+)\/?(.*?)\/*$/.exec(url) ?? []
    return {
      volumes: [{ name, csi: { ...volume(bucket, path), readOnly: true } }],
      volumeMounts: [{ name, mountPath, readOnly: true }],
      before: [],
    }
  },
  write: (parent, path, config) => {
    const volumes = [{ name: 'artifacts', csi: volume(bucketOf(config), placeOf(parent, config)) }]
    return {
      work: {
        volumes,
        volumeMounts: [{ name: 'artifacts', mountPath: artifacts, subPath: path }],
        before: [],
      },
      seal: { ...sealed(path), volumes },
    }
  },
  written: () => 'inPlace',
  claims: () => [],
  note: () => '',
}

const bucketOf = ({ storage }: Config): string => storage.gcs.bucket ?? ''

const placeOf = (parent: Parameters<typeof folderOf>[0], { storage: { gcs } }: Config): string =>
  [gcs.prefix, folderOf(parent)].filter(Boolean).join('/')

/** A bucket has no folders, only names: `implicit-dirs` shows folders, `only-dir` mounts one of them. */
const volume = (bucketName: string, path: string) => ({
  driver: 'gcsfuse.csi.storage.gke.io',
  volumeAttributes: {
    bucketName,
    mountOptions: [
      'implicit-dirs',
      'gid=3003',
      'file-mode=664',
      'dir-mode=775',
      ...(path ? [`only-dir=${path}`] : []),
    ].join(','),
  },
})
