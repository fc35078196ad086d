import { describe, expect, test } from 'vitest'
import type { Parent } from '../../../crds/kind.ts'
import type { Child } from '../../objects.ts'
import {
  aConfig,
  aModel,
  aModelServer,
  aNotebook,
  complete,
  observed,
  type Seen,
  sync,
  theChild,
} from '../../objects.ts'

/** What changes in a serving workload when another version has other images of the tools. */

const s3 = {
  driver: 's3',
  s3: { bucket: 'b', endpoint: 'http://store', secretName: 'store' },
} as const
const configOf = (version: string, more = {}) =>
  aConfig({
    registry: { prefix: 'registry.test' },
    images: { loader: `loader:${version}`, idle: `idle:${version}` },
    storage: s3,
    ...more,
  })
const weights = complete(aModel({ source: 'hf://a/b' }, { name: 'weights' }), {
  url: 's3://b/default/model-weights/run/1',
})

const images = ({ spec }: Child): readonly string[] => {
  const { initContainers = [], containers } = spec.template.spec
  return [...initContainers, ...containers]
    .filter(({ name }: { name: string }) => name === 'idle' || name.startsWith('fetch-'))
    .map(({ image }: { image: string }) => image)
}

test('a label that only an earlier version passed on does not replace the Pods', () => {
  const labelled = (labels: object) =>
    aModelServer({ image: 'serve:1', model: { name: 'weights' } }, { labels: { ...labels } })
  const parent = labelled({ 'kubernetes.io/cluster-service': 'true' })
  const wanted = theChild(sync(parent, [weights], configOf('1')), 'Deployment')
  expect(wanted.spec.template.metadata.labels).not.toHaveProperty('kubernetes.io/cluster-service')
  const before = structuredClone(wanted)
  before.spec.template.metadata.labels['kubernetes.io/cluster-service'] = 'true'
  const answer = sync(parent, [weights, observed(before)], configOf('1'))
  expect(theChild(answer, 'Deployment').spec.template).toEqual(before.spec.template)
  const changed = { ...parent, spec: { ...(parent.spec as object), image: 'serve:2' } }
  const next = sync(changed, [weights, observed(before)], configOf('1'))
  expect(theChild(next, 'Deployment').spec.template.metadata.labels).not.toHaveProperty(
    'kubernetes.io/cluster-service',
  )
})

describe.each<{
  kind: 'Deployment' | 'StatefulSet'
  parent: (more?: object) => Parent
  former: readonly string[]
  latter: readonly string[]
}>([
  {
    kind: 'Deployment',
    parent: (more) => aModelServer({ image: 'serve:1', model: { name: 'weights' }, ...more }),
    former: ['loader:1'],
    latter: ['loader:2'],
  },
  {
    kind: 'StatefulSet',
    parent: (more) => aNotebook({ idleTimeout: '2h', model: { name: 'weights' }, ...more }),
    former: ['loader:1', 'idle:1'],
    latter: ['loader:2', 'idle:2'],
  },
])('the tools of a $kind', ({ kind, parent, former, latter }) => {
  const first = theChild(sync(parent(), [weights], configOf('1')), kind)
  const answered = (seen: readonly Seen[], more?: object, config = configOf('2')) =>
    theChild(sync(parent(more), [weights, ...seen], config), kind)

  test('are those of the former version', () => {
    expect(images(first)).toEqual(former)
  })

  test.each<{ when: string; answer: () => Child; tools: readonly string[] }>([
    { when: 'nothing else has changed', answer: () => answered([observed(first)]), tools: former },
    {
      when: 'it is suspended',
      answer: () => answered([observed(first)], { suspend: true }),
      tools: former,
    },
    {
      when: 'its object changes',
      answer: () => answered([observed(first)], { env: { A: 'b' } }),
      tools: latter,
    },
    {
      when: 'the configuration changes',
      answer: () => answered([observed(first)], {}, configOf('2', { limits: 'All' })),
      tools: latter,
    },
    { when: 'it does not exist yet', answer: () => answered([]), tools: latter },
  ])('when $when', ({ answer, tools }) => {
    expect(images(answer())).toEqual(tools)
  })

  test('the whole template is unchanged if nothing else has changed', () => {
    expect(answered([observed(first)]).spec.template).toEqual(first.spec.template)
  })
})
