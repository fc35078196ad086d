import { describe, expect, test } from 'vitest'
import type { ConfigFile } from '../../../../crds/config.ts'
import type { Parent } from '../../../../crds/kind.ts'
import type { Artifacts } from '../../../../crds/status.ts'
import {
  aConfig,
  aDataset,
  aModel,
  aModelServer,
  aNotebook,
  type Child,
  complete,
  type Json,
  type Seen,
  sync,
} from '../../../objects.ts'

/** What containers request of a node, ours as well as the user's. */

const s3: ConfigFile['storage'] = { driver: 's3', s3: { bucket: 'b' } }
const trained: Artifacts = { url: 's3://b/default/model-base/run/1', bytes: 3 * 2 ** 30 + 1 }
const base = complete(aModel({ source: 'hf://a/b' }, { name: 'base' }), trained)

const containersOf = (parent: Parent, file: ConfigFile, seen: readonly Seen[] = [base]): Json[] => {
  const children: readonly Child[] = sync(parent, seen, aConfig(file)).children
  return children.flatMap(({ spec }) => {
    const pod = spec?.template?.spec
    return pod ? [...(pod.initContainers ?? []), ...pod.containers] : []
  })
}

describe('with limits All, every container has requests and limits', () => {
  test.each<{ what: string; parent: Parent }>([
    { what: 'a build', parent: aModel({ build: { git: { url: 'https://example.com/r' } } }) },
    { what: 'a load', parent: aDataset({ source: 'https://example.com/a' }) },
    { what: 'a training', parent: aModel({ image: 'i', model: { name: 'base' } }) },
    { what: 'a server', parent: aModelServer({ image: 'i', model: { name: 'base' } }) },
    { what: 'a notebook', parent: aNotebook({ idleTimeout: '1h', model: { name: 'base' } }) },
  ])('of $what', ({ parent }) => {
    for (const storage of [s3, { former: ['s3://b'] }]) {
      const containers = containersOf(parent, { limits: 'All', storage })
      expect(containers.length).toBeGreaterThan(0)
      for (const { name, resources } of containers)
        expect([name, Object.keys(resources.limits ?? {})]).toEqual([name, ['cpu', 'memory']])
    }
  })

  test('and without limits, none of ours has any', () => {
    const [fetch] = containersOf(aModelServer({ image: 'i', model: { name: 'base' } }), {
      storage: s3,
    })
    expect(fetch.resources).not.toHaveProperty('limits')
  })
})

describe('the space on the node’s disk', () => {
  const storage = s3
  const roomOf = (parent: Parent, file: ConfigFile, container: string) =>
    containersOf(parent, file).find(({ name }) => name === container).resources.requests[
      'ephemeral-storage'
    ]

  test('of a copy is the size of the artifacts', () => {
    const server = aModelServer({ image: 'i', model: { name: 'base' } })
    expect(roomOf(server, { storage }, 'fetch-model')).toBe('3073Mi')
  })

  test('of a server is what it requests', () => {
    const server = aModelServer({ image: 'i', model: { name: 'base' }, resources: { disk: 20 } })
    expect(roomOf(server, { storage }, 'fetch-model')).toBe('20Gi')
  })

  test('of a training without a claim is what it requests, and nothing by default', () => {
    const asks = aModel({ image: 'i', params: { a: 1 }, resources: { disk: 50 } })
    expect(roomOf(asks, { storage }, 'run')).toBe('50Gi')
    expect(roomOf(aModel({ image: 'i', params: { a: 1 } }), { storage }, 'run')).toBeUndefined()
    expect(roomOf(asks, {}, 'run')).toBeUndefined()
  })

  test('is not requested where the nodes do not count it', () => {
    const file: ConfigFile = { storage, ephemeralStorage: 'Ignore', builder: { disk: 30 } }
    const server = aModelServer({ image: 'i', model: { name: 'base' }, resources: { disk: 20 } })
    expect(roomOf(server, file, 'fetch-model')).toBeUndefined()
    const build = aModel({ build: { git: { url: 'https://example.com/r' } } })
    expect(roomOf(build, file, 'build')).toBeUndefined()
  })

  test('of a build is what the administrator sets', () => {
    const build = aModel({ build: { git: { url: 'https://example.com/r' } } })
    expect(roomOf(build, { builder: { disk: 30 } }, 'build')).toBe('30Gi')
    expect(roomOf(build, {}, 'build')).toBeUndefined()
  })
})

test.each([
  [0, '0'],
  [2 ** 30, '1Gi'],
  [2 ** 20 + 1, '2Mi'],
])('the space for a copy of %d bytes is as the API server stores it', (bytes, room) => {
  const of = complete(aModel({ source: 'hf://a/b' }, { name: 'base' }), { ...trained, bytes })
  const server = aModelServer({ image: 'i', model: { name: 'base' } })
  const [fetch] = containersOf(server, { storage: s3 }, [of])
  expect(fetch.resources.requests['ephemeral-storage']).toBe(room)
})
