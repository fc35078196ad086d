import { toolResources } from '../pod/resources.ts'
import { artifacts, type Driver, folderOf, sealed } from './driver.ts'

/**
 * A folder of the node, for development on one machine. The kubelet does not set its group, so an init
 * container does. Nothing deletes the folder when the object is deleted.
 */
export const hostPath: Driver = {
  scheme: 'hostpath',
  url: (parent, path, { storage }) =>
    `hostpath://${storage.hostPath.path}/${folderOf(parent)}/${path}`,
  read: (name, url, mountPath) => ({
    volumes: [{ name, hostPath: { path: url.replace('hostpath://', ''), type: 'Directory' } }],
    volumeMounts: [{ name, mountPath, readOnly: true }],
    before: [],
  }),
  write: (parent, path, config) => {
    const folder = `${config.storage.hostPath.path}/${folderOf(parent)}`
    const volumes = [{ name: 'artifacts', hostPath: { path: folder, type: 'DirectoryOrCreate' } }]
    return {
      work: {
        volumes,
        volumeMounts: [{ name: 'artifacts', mountPath: artifacts, subPath: path }],
        before: [
          {
            name: 'prepare',
            image: config.images.seal,
            command: ['/bin/sh', '-c', 'chgrp 3003 /storage && chmod 2775 /storage'],
            resources: toolResources(config),
            volumeMounts: [{ name: 'artifacts', mountPath: '/storage' }],
          },
        ],
      },
      seal: { ...sealed(path), volumes },
    }
  },
  written: () => 'inPlace',
  isOnNode: true,
  claims: () => [],
  note: () => '',
}
