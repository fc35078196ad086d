import type { Config } from '../../crds/config.ts'
import type { Reference } from '../observe/references.ts'
import { resultAt } from '../storage/storage.ts'
import { roomFor, toolResources } from './resources.ts'
import { containerSecurity } from './security.ts'
import { type Mounts, noMounts } from './volumes.ts'

/**
 * A result at /content/model or /content/data, read-only. It comes from its image if the cluster can
 * mount images, else from storage, else from an init container that copies it out of the image. A copy
 * requests `disk` of the node's disk, or the size of the artifacts.
 */
export function resultMount(
  role: 'model' | 'data',
  reference: Reference,
  config: Config,
  disk?: number | string,
): Mounts {
  if (reference.state !== 'ready') return noMounts
  const { image, inImage, url, bytes } = reference.artifacts
  const room = roomFor(config, disk, bytes)
  const mountPath = `/content/${role}`
  if (image && inImage && config.imageVolumes === 'Enabled')
    return {
      volumes: [{ name: role, image: { reference: image, pullPolicy: 'IfNotPresent' } }],
      volumeMounts: [{ name: role, mountPath, subPath: `content/${role}`, readOnly: true }],
      before: [],
    }
  if (url) return resultAt(role, url, mountPath, config, room)
  if (!image) return noMounts
  return {
    volumes: [{ name: role, emptyDir: {} }],
    volumeMounts: [{ name: role, mountPath, readOnly: true }],
    before: [
      {
        name: `copy-${role}`,
        image,
        command: ['cp', '-a', `${mountPath}/.`, '/copy/'],
        resources: toolResources(config, room),
        volumeMounts: [{ name: role, mountPath: '/copy' }],
        ...containerSecurity(config),
      },
    ],
  }
}

/** /content/params.json, from an annotation of the Pod, so that no ConfigMap is needed. */
export const paramsMount: Mounts = {
  volumes: [
    {
      name: 'params',
      downwardAPI: {
        items: [
          {
            path: 'params.json',
            fieldRef: {
              apiVersion: 'v1',
              fieldPath: "metadata.annotations['substratus.ai/params']",
            },
          },
        ],
      },
    },
  ],
  volumeMounts: [
    { name: 'params', mountPath: '/content/params.json', subPath: 'params.json', readOnly: true },
  ],
  before: [],
}

/** GPU libraries share memory between processes; the default of 64 MiB is too little for them. */
export const sharedMemory = (gpus: number): Mounts =>
  gpus === 0
    ? noMounts
    : {
        volumes: [{ name: 'shm', emptyDir: { medium: 'Memory' } }],
        volumeMounts: [{ name: 'shm', mountPath: '/dev/shm' }],
        before: [],
      }
