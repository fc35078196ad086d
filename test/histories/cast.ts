import type { ConfigFile } from '../../crds/config.ts'
import type { KindName } from '../../crds/kind.ts'

/** The objects of histories, what their specs may say, and the configurations. */

export const cast = {
  data: 'Dataset',
  base: 'Model',
  tuned: 'Model',
  server: 'ModelServer',
  notebook: 'Notebook',
} as const satisfies Readonly<Record<string, KindName>>

export type Name = keyof typeof cast

export type Spec = Readonly<Record<string, unknown>>

const image = 'example.com/train:1'
const git = { url: 'https://example.com/repo' }
const model = (name: Name) => ({ model: { name } })
const dataset = { dataset: { name: 'data' } }
const trained = { image, params: { epochs: 1 } }

/** The simplest first: a failing history shrinks to it. */
export const specs: Readonly<Record<Name, readonly Spec[]>> = {
  data: [
    { source: 'https://example.com/data' },
    { source: 'https://example.com/other' },
    { image: 'example.com/load:1' },
    { image: 'example.com/load:1', params: { part: 2 } },
    { build: { git } },
    { source: 'pvc://given/data' },
  ],
  base: [
    { ...trained, package: 'Never' },
    { ...trained, params: { epochs: 2 }, package: 'Never' },
    trained,
    { ...trained, params: { epochs: 2 } },
    { image },
    { source: 'hf://org/model' },
    { build: { git }, params: { epochs: 1 }, package: 'Never' },
    { ...trained, ...dataset, package: 'Never' },
    { ...trained, resources: { gpu: { type: 'big' } }, package: 'Never' },
  ],
  tuned: [
    { image, ...model('base'), package: 'Never' },
    { image, ...model('base'), ...dataset },
    { ...model('base'), params: { epochs: 3 } },
    { build: { git }, ...dataset, package: 'Never' },
  ],
  server: [
    model('base'),
    model('tuned'),
    { ...model('base'), image: 'example.com/serve:1' },
    { ...model('base'), replicas: 2 },
    { ...model('tuned'), replicas: 0 },
    { ...model('base'), build: { git } },
    { ...model('base'), runtime: 'llamacpp', idleTimeout: '1h' },
    { ...model('base'), image: 'example.com/serve:1', idleTimeout: '1h' },
    { ...model('tuned'), idleTimeout: '2h', replicas: 0 },
  ],
  notebook: [
    { image: 'example.com/lab:1' },
    { idleTimeout: '1h' },
    { ...model('base'), ...dataset, idleTimeout: '1h' },
    { build: { git }, ...model('tuned') },
  ],
}

/** Fields that may be added to the spec of what runs as a Job: none is part of its result. */
export const policies: readonly Spec[] = [
  {},
  { runPolicy: { ttlSecondsAfterFinished: 0 } },
  { resources: { memory: 64 } },
  { runPolicy: { ttlSecondsAfterFinished: 60, backoffLimit: 1, maxDisruptions: 0 } },
  { runPolicy: { activeDeadlineSeconds: 100 }, resources: { memory: 128 } },
  { pod: { annotations: { team: 'a' } } },
]

const registry = { prefix: 'registry.test' }
const big = { resourceName: 'example.com/gpu' }
const gpus = { default: 'big', profiles: { big } }

export const configurations = {
  standard: { registry, gpus },
  threeResults: { registry, gpus, storage: { keepResults: 3 } },
  workspace: {
    registry,
    gpus,
    storage: { driver: 's3', s3: { bucket: 'b', workspace: { className: 'fast' } } },
  },
  bucket: { registry, gpus, storage: { driver: 's3', s3: { bucket: 'b' } } },
  node: {
    registry,
    gpus,
    storage: { driver: 'hostPath', hostPath: { path: '/data', allowed: true } },
  },
  formerBucket: { registry, gpus, storage: { former: ['s3://b'] } },
  otherImages: {
    registry,
    gpus,
    images: { loader: 'example.com/loader:2', seal: 'example.com/seal:2' },
    rollout: 'Always',
  },
  otherGpus: { registry, gpus: { default: 'small', profiles: { small: big } } },
  unpackaged: { registry, gpus, packaging: { enabled: false } },
} as const satisfies Readonly<Record<string, ConfigFile>>

export type ConfigurationName = keyof typeof configurations
