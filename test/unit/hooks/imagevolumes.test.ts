import { describe, expect, test } from 'vitest'
import type { ConfigFile } from '../../../crds/config.ts'
import type { NodeFacts } from '../../../crds/imagevolumes.ts'
import { hooks } from '../../../hooks/hooks.ts'
import type { SyncResponse } from '../../../hooks/observe/protocol.ts'
import type { Child, Seen } from '../../objects.ts'
import {
  aConfig,
  aModel,
  aModelServer,
  complete,
  observed,
  readyOf,
  requestFor,
  running,
  theChild,
  throughJson,
} from '../../objects.ts'

/** Whether the nodes' runtimes can mount images decides how a Pod gets a packaged model. */

const packaged = complete(aModel({ image: 'i' }), {
  url: 'pvc://falcon-model-artifacts/run/1',
  image: 'registry.test/falcon@sha256:1',
  inImage: true,
  program: false,
})
const aNode = (mountsImages?: boolean, more: Partial<NodeFacts> = {}): NodeFacts => ({
  labels: { 'kubernetes.io/os': 'linux' },
  taints: [],
  ...more,
  mountsImages,
})
const can = aNode(true)
const cannot = aNode(false)
const gpuTaint = { key: 'nvidia.com/gpu', effect: 'NoSchedule' }
const l4 = (mounts: boolean) => aNode(mounts, { labels: { accelerator: 'l4' }, taints: [gpuTaint] })

const file: ConfigFile = {
  imageVolumes: 'Enabled',
  gpus: {
    default: 'l4',
    profiles: {
      l4: {
        resourceName: 'nvidia.com/gpu',
        nodeSelector: { accelerator: 'l4' },
        tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists' }],
      },
    },
  },
}
const onGpu = { resources: { gpu: { count: 1 } } }

function answer(
  parent: ReturnType<typeof aModelServer>,
  nodes: readonly NodeFacts[] | undefined,
  seen: readonly Seen[] = [],
  more: ConfigFile = {},
): SyncResponse {
  const hook = hooks.find(({ kind }) => kind.kind === parent.kind)
  const request = { ...requestFor(parent, packaged, ...seen), nodes }
  return throughJson(
    hook?.sync(throughJson(request), aConfig({ ...file, ...more })),
  ) as SyncResponse
}

const volumeIn = (template: Child['spec']): string => {
  const { name: _, ...source } = template.spec.volumes.find(
    ({ name }: { name: string }) => name === 'model',
  )
  return Object.keys(source).join()
}

describe('a new server', () => {
  test.each<{
    when: string
    nodes?: readonly NodeFacts[]
    spec?: object
    more?: ConfigFile
    volume: string
  }>([
    { when: 'no nodes are known', volume: 'image' },
    { when: 'there are none', nodes: [], volume: 'image' },
    { when: 'all nodes can', nodes: [can, can], volume: 'image' },
    { when: 'one cannot', nodes: [can, cannot], volume: 'persistentVolumeClaim' },
    { when: 'a runtime is not known', nodes: [can, aNode()], volume: 'image' },
    { when: 'none of the runtimes is known', nodes: [aNode()], volume: 'image' },
    { when: 'only others cannot', nodes: [cannot, l4(true)], spec: onGpu, volume: 'image' },
    {
      when: 'only those that it selects cannot',
      nodes: [can, l4(false)],
      spec: onGpu,
      volume: 'persistentVolumeClaim',
    },
    { when: 'those that it selects are gone', nodes: [cannot], spec: onGpu, volume: 'image' },
    { when: 'one that cannot is tainted', nodes: [can, l4(false)], volume: 'image' },
    {
      when: 'one that cannot is cordoned',
      nodes: [
        can,
        aNode(false, {
          taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }],
        }),
      ],
      volume: 'persistentVolumeClaim',
    },
    {
      when: 'one that cannot runs Windows',
      nodes: [can, aNode(false, { labels: { 'kubernetes.io/os': 'windows' } })],
      volume: 'image',
    },
    {
      when: 'the configuration forbids it',
      nodes: [can],
      more: { imageVolumes: 'Disabled' },
      volume: 'persistentVolumeClaim',
    },
  ])('when $when', ({ nodes, spec, more, volume }) => {
    const server = aModelServer({ model: { name: 'falcon' }, image: 's', ...spec })
    const { spec: made } = theChild(answer(server, nodes, [], more), 'Deployment')
    expect(volumeIn(made.template)).toBe(volume)
  })
})

describe('a change of nodes leaves what runs alone', () => {
  const available = {
    replicas: 1,
    updatedReplicas: 1,
    availableReplicas: 1,
    conditions: [{ type: 'Available', status: 'True' }],
  }
  const spec = { model: { name: 'falcon' }, image: 's' }
  const served = (nodes: readonly NodeFacts[] | undefined, status: object) =>
    answer(aModelServer(spec), nodes).children.map((child) =>
      observed(child, child.kind === 'Deployment' ? status : undefined),
    )

  test.each([{ rollout: 'OnRequest' }, { rollout: 'Always' }] as const)(
    'of a server that is available, with rollout $rollout',
    ({ rollout }) => {
      for (const [before, now] of [
        [[can], [can, cannot]],
        [[cannot], [can]],
        [[cannot], undefined],
      ] as const) {
        const seen = served(before, available)
        const later = answer(aModelServer(spec), now, seen, { rollout })
        const template = seen.find(({ kind }) => kind === 'Deployment')?.spec.template
        expect(theChild(later, 'Deployment').spec.template).toEqual(template)
        expect(readyOf(later)).toBe('True Serving: 1 of 1 replicas available')
      }
    },
  )

  test.each([
    { when: 'it is not available', status: {}, parent: aModelServer(spec) },
    {
      when: 'it now selects other nodes',
      status: available,
      parent: aModelServer({ ...spec, pod: { nodeSelector: { 'kubernetes.io/os': 'linux' } } }),
    },
    {
      when: 'somebody requests a rollout',
      status: available,
      parent: aModelServer(spec, { annotations: { 'substratus.ai/rollout': 'now' } }),
    },
  ])('but the nodes decide again if $when', ({ status, parent }) => {
    const later = answer(parent, [cannot], served([can], status))
    expect(volumeIn(theChild(later, 'Deployment').spec.template)).toBe('persistentVolumeClaim')
  })

  test('of a Job whose Pod is starting', () => {
    const tuned = aModel({ image: 't', model: { name: 'falcon' } }, { name: 'tuned' })
    const jobOf = (made: SyncResponse) => theChild(made, 'Job')
    const seen = answer(tuned, [can]).children.map((child) =>
      observed(child, child.kind === 'Job' ? running : undefined),
    )
    const later = answer(tuned, [cannot], seen)
    expect(volumeIn(jobOf(later).spec.template)).toBe('image')
    expect(readyOf(later)).not.toContain('removing Job')
  })
})
