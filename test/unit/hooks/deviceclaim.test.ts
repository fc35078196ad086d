import { describe, expect, test } from 'vitest'
import type { Config } from '../../../crds/config.ts'
import type { Parent } from '../../../crds/kind.ts'
import {
  aConfig,
  aDataset,
  aModel,
  aModelServer,
  aNotebook,
  applied,
  childrenOf,
  complete,
  running,
  stored,
  sync,
  theChild,
} from '../../objects.ts'

const classNamed = (deviceClassName: string): Config =>
  aConfig({ gpus: { default: 'h100', profiles: { h100: { deviceClassName } } } })
const config = classNamed('gpu.nvidia.com')

const resources = { gpu: { type: 'h100', count: 2 } }
const image = 'example.com/train:1'
const trained = aModel({ image, params: { epochs: 1 }, resources })
const base = complete(aModel({}, { name: 'base' }), { image, inImage: true, program: true })

const templateIn = (parent: Parent, kind: string, seen: readonly Parent[] = []) => {
  const answer = sync(parent, seen, config)
  return {
    template: theChild(answer, 'ResourceClaimTemplate'),
    pod: theChild(answer, kind).spec.template.spec,
  }
}

describe('GPUs of a DeviceClass are claimed for each Pod', () => {
  test.each([
    { parent: trained, workload: 'Job', seen: [] },
    { parent: aDataset({ image, resources }), workload: 'Job', seen: [] },
    {
      parent: aModelServer({ model: { name: 'base' }, resources }),
      workload: 'Deployment',
      seen: [base],
    },
    { parent: aNotebook({ resources }), workload: 'StatefulSet', seen: [] },
  ])('$parent.kind', ({ parent, workload, seen }) => {
    const { template, pod } = templateIn(parent, workload, seen)
    expect(template.spec.spec.devices.requests).toEqual([
      { name: 'gpu', exactly: { deviceClassName: 'gpu.nvidia.com', count: 2 } },
    ])
    expect(pod.resourceClaims).toEqual([
      { name: 'gpu', resourceClaimTemplateName: template.metadata.name },
    ])
    const claiming = [...(pod.initContainers ?? []), ...pod.containers].filter(
      ({ resources }) => resources?.claims,
    )
    expect(claiming.map(({ resources }) => resources.claims)).toEqual([[{ name: 'gpu' }]])
    expect(JSON.stringify(pod)).not.toContain('limits')
  })

  test('work with 0 GPUs claims none', () => {
    const none = aModel({ image, params: { epochs: 1 }, resources: { gpu: { count: 0 } } })
    expect(childrenOf(sync(none, [], config), 'ResourceClaimTemplate')).toEqual([])
  })
})

describe('a template is immutable', () => {
  test('another count makes another template, and the old one is deleted with its Job', () => {
    const first = sync(trained, [], config)
    const more = aModel({
      image,
      params: { epochs: 1 },
      resources: { gpu: { type: 'h100', count: 4 } },
    })
    const second = sync(stored(more, first), applied(first), config)
    const [before, after] = [first, second].map(
      (answer) => theChild(answer, 'ResourceClaimTemplate').metadata.name,
    )
    expect(after).not.toBe(before)
  })

  test('a running workload keeps its template when the administrator changes the class', () => {
    const first = sync(trained, [], config)
    const job = applied(first, running)
    const second = sync(stored(trained, first), job, classNamed('big.nvidia.com'))
    expect(
      childrenOf(second, 'ResourceClaimTemplate').map(({ metadata }) => metadata.name),
    ).toEqual(childrenOf(first, 'ResourceClaimTemplate').map(({ metadata }) => metadata.name))
    expect(theChild(second, 'ResourceClaimTemplate').spec).toEqual(
      theChild(first, 'ResourceClaimTemplate').spec,
    )
  })

  test('an object keeps its template while its spec is invalid', () => {
    const first = sync(trained, [], config)
    const broken = { ...trained, spec: { ...(trained.spec as object), params: { a: [] } } }
    const second = sync(stored(broken, first), applied(first, running), config)
    expect(childrenOf(second, 'ResourceClaimTemplate')).toHaveLength(1)
  })
})
