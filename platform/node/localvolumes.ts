import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { nodeName } from './addresses.ts'

/**
 * Volumes of the node's own disk, made beforehand: `local` ones, for the kubelet sets their group,
 * as it does for those of a real driver, and does not for hostPath.
 */
export const localClass = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: {
    name: 'local',
    annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
  },
  provisioner: 'kubernetes.io/no-provisioner',
  volumeBindingMode: 'WaitForFirstConsumer',
}

export function localVolume(folder: string, index: number): object {
  const name = `local-${String(index).padStart(3, '0')}`
  const path = join(folder, 'volumes', name)
  mkdirSync(path, { recursive: true })
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      capacity: { storage: '1Ti' },
      accessModes: ['ReadWriteOnce', 'ReadWriteMany'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: localClass.metadata.name,
      local: { path },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            {
              matchExpressions: [
                { key: 'kubernetes.io/hostname', operator: 'In', values: [nodeName] },
              ],
            },
          ],
        },
      },
    },
  }
}
