import type { Config } from '../../crds/config.ts'
import type { Reference } from '../observe/references.ts'
import { resultAt } from '../storage/storage.ts'
import { toolResources } from './resources.ts'
import { containerSecurity } from './security.ts'
import { type Mounts, noMounts } from './volumes.ts'

/**
 * A result at /content/model or /content/data, read-only: from its image where the cluster mounts
 * images, else from storage, else copied out of the image by an init container.
 */
export function resultMount(word: 'model' | 'data', reference: Reference, config: Config): Mounts {
  if (reference.state !== 'ready') return noMounts
  const { image, inImage, url } = reference.artifacts
  const mountPath = `/content/${word}`
  if (image && inImage && config.imageVolumes === 'Enabled')
    return {
      volumes: [{ name: word, image: { reference: image, pullPolicy: 'IfNotPresent' } }],
      volumeMounts: [{ name: word, mountPath, subPath: `content/${word}`, readOnly: true }],
      before: [],
    }
  if (url) return resultAt(word, url, mountPath, config)
  if (!image) return noMounts
  return {
    volumes: [{ name: word, emptyDir: {} }],
    volumeMounts: [{ name: word, mountPath, readOnly: true }],
    before: [
      {
        name: `copy-${word}`,
        image,
        command: ['cp', '-a', `${mountPath}/.`, '/copy/'],
        resources: toolResources,
        volumeMounts: [{ name: word, mountPath: '/copy' }],
        ...containerSecurity(config),
      },
    ],
  }
}

/** /content/params.json, out of an annotation of the Pod: no ConfigMap is needed. */
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

/** GPU libraries share memory between processes; 64 MiB, the default, is too little for them. */
export const sharedMemory = (gpus: number): Mounts =>
  gpus === 0
    ? noMounts
    : {
        volumes: [{ name: 'shm', emptyDir: { medium: 'Memory' } }],
        volumeMounts: [{ name: 'shm', mountPath: '/dev/shm' }],
        before: [],
      }
