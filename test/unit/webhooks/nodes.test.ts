import { describe, expect, test } from 'vitest'
import type { ConfigFile } from '../../../crds/config.ts'
import type { NodeFacts } from '../../../crds/imagevolumes.ts'
import type { Parent } from '../../../crds/kind.ts'
import { validate } from '../../../webhooks/review.ts'
import { aConfig, aModel, aModelServer, complete } from '../../objects.ts'

/** Admission judges by the nodes' runtimes whether a packaged Model is mounted as an image, as sync does. */

const node = (mountsImages: boolean, pool = 'a'): NodeFacts => ({
  labels: { pool },
  taints: [],
  mountsImages,
})
const packaged = complete(aModel({ image: 't' }), {
  id: 'x',
  url: 'pvc://falcon-model-artifacts/run/1',
  image: 'registry.test/falcon@sha256:1',
  inImage: true,
  program: true,
})
const serving = (more: object = {}, name = 'b') =>
  aModelServer({ model: { name: 'falcon' }, image: 'i', ...more }, { name })
const inPool = (pool: string) => ({ pod: { nodeSelector: { pool } } })

interface Case {
  readonly object: Parent
  readonly oldObject?: Parent
  readonly nodes: readonly NodeFacts[] | undefined
  readonly config?: ConfigFile
  readonly other?: Parent
}

function review({ object, oldObject, nodes, config, other }: Case) {
  const operation = oldObject ? 'UPDATE' : 'CREATE'
  const facts = { 'Model/falcon': packaged, ...(other && { 'ModelServer/a': other }) }
  const all = aConfig({ imageVolumes: 'Enabled', ...config })
  return validate({ uid: '1', operation, object, oldObject }, all, facts, { nodes }).response
}

describe('two replicas of a server that mounts a packaged Model', () => {
  const two = serving({ replicas: 2 })
  test.each<{ when: string; says?: boolean } & Omit<Case, 'object'> & { object?: Parent }>([
    { when: 'the nodes are not known', nodes: undefined },
    { when: 'there are none', nodes: [] },
    { when: 'all can mount images', nodes: [node(true), node(true, 'b')] },
    { when: 'one cannot', nodes: [node(true), node(false)], says: true },
    {
      when: 'one that it does not select cannot',
      nodes: [node(true), node(false, 'b')],
      object: serving({ replicas: 2, ...inPool('a') }),
    },
    {
      when: 'all that the administrator’s selector matches can',
      nodes: [node(true), node(false, 'b')],
      config: { pods: { ModelServer: { nodeSelector: { pool: 'a' } } } },
    },
    {
      when: 'the configuration forbids it',
      nodes: [node(true)],
      config: { imageVolumes: 'Disabled' },
      says: true,
    },
  ])('when $when', ({ object = two, says = false, ...given }) => {
    const { allowed, status } = review({ object, ...given })
    expect(allowed).toBe(!says)
    if (says)
      expect(status?.message).toContain(
        'Model "falcon" is in a ReadWriteOnce claim, which serves one: remove spec.image, so that the Model’s own image serves, or use nodes that mount images (imageVolumes)',
      )
  })

  test('of an existing server, whose Pods may mount the image, are a warning', () => {
    const { allowed, warnings } = review({
      object: two,
      oldObject: serving(),
      nodes: [node(false)],
    })
    expect(allowed).toBe(true)
    expect(warnings).toEqual([expect.stringContaining('which serves one')])
  })
})

describe('a second server of a packaged Model', () => {
  const both = [node(false), node(false, 'b')]
  test.each<{ when: string; warns?: string } & Omit<Case, 'object'> & { object?: Parent }>([
    { when: 'all nodes mount images', nodes: [node(true)] },
    { when: 'no node does', nodes: both, warns: 'ModelServer "a" mounts it too' },
    {
      when: 'only those of the first do',
      nodes: [node(true), node(false, 'b')],
      other: serving(inPool('a'), 'a'),
      object: serving(inPool('b')),
    },
    {
      when: 'no node does, and they select different ones',
      nodes: both,
      other: serving(inPool('a'), 'a'),
      object: serving(inPool('b')),
      warns: 'selects other nodes: pool is "a" there and "b" here',
    },
  ])('when $when', ({ object = serving(), other = serving({}, 'a'), warns, ...given }) => {
    const { allowed, warnings } = review({ object, other, ...given })
    expect(allowed).toBe(true)
    expect(warnings).toEqual(warns ? [expect.stringContaining(warns)] : undefined)
  })
})

describe('an image volume of the user’s own', () => {
  const volumes = [{ name: 'weights', image: { reference: 'example.com/w:1' } }]
  const config: ConfigFile = { podFields: ['volumes.image', 'nodeSelector'] }
  const object = serving({ pod: { volumes } })
  test.each<{ when: string; nodes: readonly NodeFacts[] | undefined; warns?: boolean }>([
    { when: 'the nodes are not known', nodes: undefined },
    { when: 'all can mount it', nodes: [node(true)] },
    { when: 'one cannot', nodes: [node(true), node(false)], warns: true },
  ])('when $when', ({ nodes, warns }) => {
    const { allowed, warnings } = review({ object, nodes, config })
    expect(allowed).toBe(true)
    expect(warnings).toEqual(
      warns
        ? [
            'spec.pod.volumes: "weights": some nodes that the Pods may run on cannot mount images (containerd 2.1, CRI-O 1.31 and newer can), and the Pods never start there: select others with spec.pod.nodeSelector',
          ]
        : undefined,
    )
  })
})
