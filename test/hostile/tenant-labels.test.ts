import { describe, expect, test } from 'vitest'
import type { Parent } from '../../crds/kind.ts'
import type { SyncResponse } from '../../hooks/observe/protocol.ts'
import { validate } from '../../webhooks/review.ts'
import type { Child } from '../objects.ts'
import {
  aConfig,
  aDataset,
  aModel,
  aModelServer,
  aNotebook,
  complete,
  type Seen,
  sync,
} from '../objects.ts'

/**
 * A tenant who may only create our kinds gives them labels that controllers select by, so that another
 * controller adopts a Job or Pod, or kube-proxy ignores a Service.
 */

const reserved = [
  'controller-uid',
  'job-name',
  'pod-template-hash',
  'pod-template-generation',
  'controller-revision-hash',
  'batch.kubernetes.io/controller-uid',
  'batch.kubernetes.io/job-name',
  'batch.kubernetes.io/job-completion-index',
  'apps.kubernetes.io/pod-index',
  'statefulset.kubernetes.io/pod-name',
  'controller.kubernetes.io/hash',
  'service.kubernetes.io/service-proxy-name',
  'service.kubernetes.io/headless',
  'endpointslice.kubernetes.io/managed-by',
  'endpointslice.kubernetes.io/skip-mirror',
  'kubernetes.io/service-name',
  'kubernetes.io/os',
  'kubernetes.io/cluster-service',
  'addonmanager.kubernetes.io/mode',
  'applyset.kubernetes.io/part-of',
  'topology.kubernetes.io/zone',
  'rbac.authorization.k8s.io/aggregate-to-admin',
  'metacontroller.k8s.io/resource',
  'new.in.kubernetes.io/anything',
  'substratus.ai/parent-uid',
  'substratus.ai/name',
  'substratus.ai/anything',
  'deep.substratus.ai/anything',
] as const

const free = {
  team: 'a',
  'job-names': 'a',
  'app.kubernetes.io/name': 'a',
  'app.kubernetes.io/managed-by': 'a',
  'kueue.x-k8s.io/queue-name': 'a',
  'kueue.x-k8s.io/priority-class': 'a',
  'scheduling.sigs.k8s.io/pod-group': 'a',
  'sidecar.istio.io/inject': 'a',
  'azure.workload.identity/use': 'a',
  'mykubernetes.io/job-name': 'a',
  'example.com/controller-uid': 'a',
}

const planted = 'planted'
const labels = { ...Object.fromEntries(reserved.map((label) => [label, planted])), ...free }

const model = { name: 'base' }
const base = complete(aModel({ image: 'example.com/base:1' }, { name: 'base' }), {
  image: 'example.com/base:1',
})
const build = { git: { url: 'https://example.com/code.git' } }
const gpu = { gpu: { type: 'claimed', count: 1 } }
const config = aConfig({
  gpus: { default: 'claimed', profiles: { claimed: { deviceClassName: 'gpu.example.com' } } },
})

const objects: readonly {
  readonly of: string
  readonly made: (labels: Readonly<Record<string, string>>) => Parent
  readonly seen?: readonly Seen[]
  readonly kinds: readonly string[]
}[] = [
  {
    of: 'a build',
    made: (labels) => aModel({ build }, { labels }),
    kinds: ['Job'],
  },
  {
    of: 'a load',
    made: (labels) => aDataset({ source: 's3://bucket/it', resources: gpu }, { labels }),
    kinds: ['PersistentVolumeClaim', 'ResourceClaimTemplate', 'Job'],
  },
  {
    of: 'a training',
    made: (labels) => aModel({ image: 'example.com/it:1', model }, { labels }),
    seen: [base],
    kinds: ['PersistentVolumeClaim', 'Job'],
  },
  {
    of: 'a ModelServer',
    made: (labels) => aModelServer({ model, image: 'example.com/it:1' }, { labels }),
    seen: [base],
    kinds: ['Deployment', 'Service'],
  },
  {
    of: 'a Notebook',
    made: (labels) => aNotebook({}, { labels }),
    kinds: ['PersistentVolumeClaim', 'StatefulSet', 'Service', 'NetworkPolicy'],
  },
]

/** The labels of each child, and of the Pods that it creates. */
const labelsIn = (answer: SyncResponse): readonly Readonly<Record<string, string>>[] =>
  answer.children.flatMap(({ metadata, spec }: Child) => [
    metadata.labels ?? {},
    ...(spec.template ? [spec.template.metadata.labels] : []),
  ])

describe('a reserved label is not passed on to the children', () => {
  test.each(objects)('of $of', ({ made, seen = [], kinds }) => {
    const answer = sync(made(labels), seen, config)
    expect(answer.children.map(({ kind }) => kind)).toEqual(kinds)
    const plain = sync(made({}), seen, config)
    expect(labelsIn(answer)).toEqual(labelsIn(plain).map((ours) => ({ ...free, ...ours })))
  })
})

describe('admission warns about a label that is not passed on', () => {
  const warnings = (object: Parent, oldObject?: Parent) =>
    validate(
      {
        uid: '1',
        operation: oldObject ? 'UPDATE' : 'CREATE',
        object,
        oldObject: oldObject ?? null,
      },
      config,
      {},
    ).response.warnings
  const labelled = (labels: Readonly<Record<string, string>>, image = 'example.com/it:1') =>
    aModel({ image }, { labels })

  test.each(reserved)('%s', (label) => {
    expect(warnings(labelled({ ...free, [label]: planted }))).toEqual([
      `metadata.labels: "${label}": reserved for Kubernetes and this project, so not passed on to Jobs, Pods and other children: use a label of your own`,
    ])
  })

  test('and about no other', () => {
    expect(warnings(labelled(free))).toBeUndefined()
  })

  test('again only when it has changed', () => {
    const before = labelled({ 'job-name': 'a' })
    expect(warnings(labelled({ 'job-name': 'a' }, 'example.com/it:2'), before)).toBeUndefined()
    expect(warnings(labelled({ 'job-name': 'b' }, 'example.com/it:2'), before)).toHaveLength(1)
  })

  test('in a sentence that stays short, however many there are', () => {
    const many = Object.fromEntries(
      Array.from({ length: 2000 }, (_, i) => [`batch.kubernetes.io/label-${i}`, 'x']),
    )
    const [warning = ''] = warnings(labelled(many)) ?? []
    expect(warning).toContain(' and 1995 more: ')
    expect(warning.length).toBeLessThan(1000)
  })
})

test('a reserved annotation is not passed on to a Deployment, and no annotation to its Pods', () => {
  const annotations = {
    ...labels,
    'deployment.kubernetes.io/revision': planted,
    'metacontroller.k8s.io/last-applied-configuration': planted,
    'substratus.ai/inputs': planted,
  }
  const server = aModelServer({ model }, { annotations })
  const deployment = sync(server, [base], config).children.find(({ kind }) => kind === 'Deployment')
  expect(deployment?.metadata.annotations).toMatchObject(free)
  expect(JSON.stringify(deployment?.metadata)).not.toContain(planted)
  const { metadata } = (deployment as Child).spec.template
  expect(Object.keys(metadata.annotations).sort()).toEqual([
    'kubectl.kubernetes.io/default-container',
    'substratus.ai/params',
  ])
})
