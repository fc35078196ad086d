import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { nodeName } from './addresses.ts'

/**
 * Volumes on the node's own disk, created in advance. They are of type `local`, because the kubelet
 * applies fsGroup to those, as it does with a real driver, but not to hostPath.
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
