import type { Parent } from '../crds/kind.ts'
import type { Child } from '../hooks/observe/protocol.ts'
import {
  aDataset,
  aModel,
  aModelServer,
  aNotebook,
  applied,
  complete,
  completed,
  requestFor,
  type Seen,
  sync,
} from '../test/objects.ts'
import { fieldsOf } from './managedfields.ts'

export interface Case {
  readonly name: string
  readonly path: string
  readonly body: string
  /** The least acceptable throughput, as a fraction of the bare route's. */
  readonly target: number
}

const model = complete(aModel({ source: 'hf://org/falcon' }), {
  url: 'pvc://falcon-model-artifacts/run/1',
})
const data = complete(aDataset({ source: 's3://bucket/squad' }), {
  url: 'pvc://squad-dataset-artifacts/load/1',
})

const env = { HUB_TOKEN: '${{ secrets.hub.token }}', MODE: 'fast' }
const gpu = { gpu: { type: 'nvidia-l4', count: 1 } }
const trained = aModel(
  {
    image: 'example.com/trainer:1',
    model: { name: 'falcon' },
    dataset: { name: 'squad' },
    params: { epochs: 3, 'learning-rate': 0.0002 },
    env,
    resources: gpu,
  },
  { name: 'trained' },
)
const server = aModelServer({ model: { name: 'falcon' }, env, resources: gpu, replicas: 1 })

/** The children of a parent after several changes: twenty, with finished Jobs among them. */
function twenty(parent: Parent, seen: readonly Seen[]): readonly Child[] {
  const children = applied(sync(parent, seen), completed)
  const [job] = applied(sync(trained, [model, data]), completed).filter(
    ({ kind }) => kind === 'Job',
  )
  const older = Array.from({ length: 20 - children.length }, (_, number): Child => {
    const name = `older-${number}`
    return { ...(job as Child), metadata: { ...job?.metadata, name } }
  })
  return [...children, ...older]
}

const syncOf = (plural: string, parent: Parent, ...seen: readonly Seen[]): Case => ({
  name: `sync ${plural}, 20 children`,
  path: `/hooks/${plural}/sync`,
  body: JSON.stringify(requestFor(parent, ...seen, ...twenty(parent, seen))),
  target: 0.7,
})

/** The server as the API server stores it after `kubectl apply` and several syncs. */
const stored = {
  ...server,
  metadata: {
    ...server.metadata,
    resourceVersion: '123456',
    creationTimestamp: '2026-01-01T00:00:00Z',
    annotations: { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(server) },
    managedFields: ['kubectl-client-side-apply', 'metacontroller'].map((manager) => ({
      manager,
      operation: 'Update',
      apiVersion: server.apiVersion,
      time: '2026-01-01T00:00:00Z',
      fieldsType: 'FieldsV1',
      fieldsV1: fieldsOf({
        'f:metadata': {},
        spec: server.spec,
        status: sync(server, [model]).status,
      }),
    })),
  },
  status: sync(server, [model]).status,
}

const named = { group: 'substratus.ai', version: 'v1' }

/** An AdmissionReview for an update. */
const admission = (verb: string): Case => ({
  name: `admission ${verb}`,
  path: `/admission/${verb}`,
  body: JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: '6a1d7a0e-0000-4000-8000-000000000001',
      kind: { ...named, kind: 'ModelServer' },
      resource: { ...named, resource: 'modelservers' },
      requestKind: { ...named, kind: 'ModelServer' },
      requestResource: { ...named, resource: 'modelservers' },
      name: server.metadata.name,
      namespace: 'default',
      operation: 'UPDATE',
      userInfo: {
        username: 'kubernetes-admin',
        groups: ['kubeadm:cluster-admins', 'system:authenticated'],
      },
      object: { ...stored, spec: { ...(server.spec as object), port: 9000 } },
      oldObject: stored,
      dryRun: false,
      options: {
        kind: 'PatchOptions',
        apiVersion: 'meta.k8s.io/v1',
        fieldManager: 'kubectl-client-side-apply',
      },
    },
  }),
  target: 0.8,
})

export const cases = (): readonly Case[] => [
  syncOf('datasets', aDataset({ source: 's3://bucket/squad', env })),
  syncOf('models', trained, model, data),
  syncOf('modelservers', server, model),
  syncOf('notebooks', aNotebook({ model: { name: 'falcon' }, idleTimeout: '2h', env }), model),
  admission('mutate'),
  admission('validate'),
]
