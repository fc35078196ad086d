import type { Config } from '../../crds/config.ts'
import { adapterVolume } from '../../crds/names.ts'
import type { Reference } from '../observe/references.ts'
import { resultAt } from '../storage/storage.ts'
import { roomFor, toolResources } from './resources.ts'
import { containerSecurity } from './security.ts'
import { type Mounts, noMounts } from './volumes.ts'

/** Where a result is mounted: the name of its volume, and the folder that its image has it in. */
interface Where {
  readonly name: string
  readonly mountPath: string
  readonly inImage: 'model' | 'data'
}

const content = (role: 'model' | 'data'): Where => ({
  name: role,
  mountPath: `/content/${role}`,
  inImage: role,
})

/** A Model at /content/adapters/NAME. */
export const adapterAt = (name: string): Where => ({
  name: adapterVolume(name),
  mountPath: adapterFolder(name),
  inImage: 'model',
})

export const adapterFolder = (name: string): string => `/content/adapters/${name}`

/**
 * A result at /content/model or /content/data, or elsewhere, read-only. It comes from its image if the cluster can
 * mount images, else from storage, else from an init container that copies it out of the image. A copy
 * requests `disk` of the node's disk, or the size of the artifacts.
 */
export function resultMount(
  where: 'model' | 'data' | Where,
  reference: Reference,
  config: Config,
  disk?: number | string,
): Mounts {
  if (reference.state !== 'ready') return noMounts
  const { image, inImage, url, bytes } = reference.artifacts
  const room = roomFor(config, disk, bytes)
  const { name, mountPath, inImage: folder } = typeof where === 'string' ? content(where) : where
  if (image && inImage && config.imageVolumes === 'Enabled')
    return {
      volumes: [{ name, image: { reference: image, pullPolicy: 'IfNotPresent' } }],
      volumeMounts: [{ name, mountPath, subPath: `content/${folder}`, readOnly: true }],
      before: [],
    }
  if (url) return resultAt(name, url, mountPath, config, room)
  if (!image) return noMounts
  return {
    volumes: [{ name, emptyDir: {} }],
    volumeMounts: [{ name, mountPath, readOnly: true }],
    before: [
      {
        name: `copy-${name}`,
        image,
        command: ['cp', '-a', `/content/${folder}/.`, '/copy/'],
        resources: toolResources(config, room),
        volumeMounts: [{ name, mountPath: '/copy' }],
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
