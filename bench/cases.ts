import type { Parent } from '../crds/kind.ts'
import { kindNamed } from '../crds/kinds.ts'
import { base as largeBase, data as largeData, largestWith } from '../test/largest.ts'
import {
  aDataset,
  aModel,
  aModelServer,
  aNotebook,
  aPod,
  applied,
  type Child,
  complete,
  completed,
  requestFor,
  type Seen,
  sync,
} from '../test/objects.ts'
import { mostAttempts } from './attempts.ts'
import { fieldsOf } from './managedfields.ts'

export interface Case {
  readonly name: string
  readonly path: string
  readonly body: string
  /** The least acceptable throughput, as a fraction of the bare route's; null: the case is informational. */
  readonly target: number | null
  /** How many attempts report their progress each second; it is measured with and without them. */
  readonly reporting?: number
}

const model = complete(aModel({ source: 'hf://org/falcon' }), {
  url: 'pvc://falcon-model-artifacts/run/1',
})
const data = complete(aDataset({ source: 's3://bucket/squad' }), {
  url: 'pvc://squad-dataset-artifacts/load/1',
})

const env = { HUB_TOKEN: '${{ secrets.hub.token }}', MODE: 'fast' }
const gpu = { gpu: { type: 'nvidia-l4', count: 1 } }
const trainedFor = (epochs: number) =>
  aModel(
    {
      image: 'example.com/trainer:1',
      model: { name: 'falcon' },
      dataset: { name: 'squad' },
      params: { epochs, 'learning-rate': 0.0002 },
      env,
      resources: gpu,
    },
    { name: 'trained' },
  )
const trained = trainedFor(3)
const server = aModelServer({ model: { name: 'falcon' }, env, resources: gpu, replicas: 1 })

const notebook = aNotebook({ model: { name: 'falcon' }, idleTimeout: '2h', env })

/** The children of a parent after several changes: twenty, with finished Jobs among them. */
function twenty(parent: Parent, seen: readonly Seen[]): readonly Child[] {
  const children = applied(sync(parent, seen), completed)
  // Each has the name and the annotations of the spec that it was made for.
  const older = Array.from({ length: 20 - children.length }, (_, number) => {
    const answer = sync(trainedFor(100 + number), [model, data])
    return applied(answer, completed).find(({ kind }) => kind === 'Job') as Child
  })
  return [...children, ...older]
}

const pluralOf = ({ kind }: Parent): string => kindNamed(kind).plural

const syncOf = (
  what: string,
  parent: Parent,
  seen: readonly Seen[],
  target: number | null = 0.7,
): Case => ({
  name: `sync ${pluralOf(parent)}, ${what}`,
  path: `/hooks/${pluralOf(parent)}/sync`,
  body: JSON.stringify(requestFor(parent, ...seen)),
  target,
})

const syncOfTwenty = (parent: Parent, ...seen: readonly Seen[]): Case =>
  syncOf('20 children', parent, [...seen, ...twenty(parent, seen)])

/** A Pod that is ready, as the kubelet describes it. */
const readyPod = (owner: Child, number: number): Child =>
  aPod(
    owner,
    {
      phase: 'Running',
      conditions: ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) => ({
        type,
        status: 'True',
        lastTransitionTime: '2026-01-01T00:00:10Z',
      })),
      containerStatuses: [
        {
          name: owner.spec.template.spec.containers[0].name,
          ready: true,
          started: true,
          restartCount: 0,
          state: { running: { startedAt: '2026-01-01T00:00:09Z' } },
        },
      ],
    },
    { name: `${owner.metadata.name}-${number}` },
  )

/** A served object, whose workload and Pods are ready. */
function served(what: string, parent: Parent, replicas: number, ...seen: readonly Seen[]): Case {
  const status = {
    observedGeneration: 1,
    replicas,
    readyReplicas: replicas,
    updatedReplicas: replicas,
    availableReplicas: replicas,
  }
  const children = applied(sync(parent, seen), status)
  const workload = children.find(({ kind }) => /^(Deployment|StatefulSet)$/.test(kind)) as Child
  const pods = Array.from({ length: replicas }, (_, number) => readyPod(workload, number))
  return syncOf(what, parent, [...seen, ...children, ...pods])
}

/** An object whose image is the model, so that many Pods can serve it. */
const inImage = complete(aModel({ image: 'example.com/m:1' }), {
  image: 'example.com/m:1',
  inImage: true,
})

/** Nothing that admission allows is larger. */
const largest = (): readonly Case[] =>
  largestWith('"').map((parent) => {
    const seen = [largeBase, largeData]
    return syncOf('the largest', parent, [...seen, ...applied(sync(parent, seen), completed)], null)
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
const admission = (verb: string, target: number): Case => ({
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
  target,
})

export const cases = (): readonly Case[] => [
  syncOfTwenty(aDataset({ source: 's3://bucket/squad', env })),
  syncOfTwenty(trained, model, data),
  syncOfTwenty(server, model),
  syncOfTwenty(notebook, model),
  {
    ...syncOfTwenty(trained, model, data),
    name: 'sync models, 3,000 report',
    reporting: mostAttempts,
    target: null,
  },
  served('its Pod', notebook, 1, model),
  served('50 Pods', aModelServer({ model: { name: 'falcon' }, env, replicas: 50 }), 50, inImage),
  ...largest(),
  admission('mutate', 0.9),
  admission('validate', 0.8),
]
