import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { KubeConfig } from '@kubernetes/client-node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Parent } from '../../crds/kind.ts'
import {
  clusterLookup,
  clusterServers,
  type FindServers,
  factsFor,
  type Lookup,
} from '../../server/lookup.ts'
import type { AdmissionRequest } from '../../webhooks/review.ts'

/** A fake API server, which records the requests. */
const objects = new Map<string, object>()
let requests: string[] = []
let instead: ((res: ServerResponse) => void) | undefined
let lookup: Lookup
let kubeConfig: KubeConfig

const apiServer = createServer(({ method, url = '' }, res) => {
  requests.push(`${method} ${url}`)
  if (instead) return instead(res)
  const found = objects.get(url)
  res.writeHead(found ? 200 : 404, { 'content-type': 'application/json' })
  res.end(JSON.stringify(found ?? { kind: 'Status', code: 404, reason: 'NotFound' }))
})

beforeEach(async () => {
  objects.clear()
  requests = []
  instead = undefined
  await new Promise<void>((resolve) => apiServer.listen(0, '127.0.0.1', resolve))
  const { port } = apiServer.address() as AddressInfo
  kubeConfig = new KubeConfig()
  kubeConfig.loadFromOptions({
    // The client speaks plain HTTP only where TLS would not be verified.
    clusters: [{ name: 'local', server: `http://127.0.0.1:${port}`, skipTLSVerify: true }],
    users: [{ name: 'nobody' }],
    contexts: [{ name: 'local', cluster: 'local', user: 'nobody' }],
    currentContext: 'local',
  })
  lookup = clusterLookup(kubeConfig, 2000)
})
afterEach(async () => {
  apiServer.closeAllConnections()
  await new Promise((resolve) => apiServer.close(resolve))
})

const pathOf = (plural: string, name: string) =>
  `/apis/substratus.ai/v1/namespaces/team/${plural}/${name}`

const object = (kind: Parent['kind'], name: string, spec: object = {}): Parent => ({
  apiVersion: 'substratus.ai/v1',
  kind,
  metadata: { name, namespace: 'team' },
  spec,
})

const put = (...all: readonly Parent[]) => {
  for (const one of all) objects.set(pathOf(`${one.kind.toLowerCase()}s`, one.metadata.name), one)
}

const json = (code: number, body: unknown) => (res: ServerResponse) => {
  res.writeHead(code, { 'content-type': 'application/json' })
  res.end(JSON.stringify(body))
}

describe('a lookup is one live GET', () => {
  test('of an object that exists', async () => {
    const squad = object('Dataset', 'squad')
    put(squad)
    expect(await lookup('Dataset', 'team', 'squad')).toEqual(squad)
    expect(requests).toEqual([`GET ${pathOf('datasets', 'squad')}`])
  })

  test('of an object that does not exist: null', async () => {
    expect(await lookup('Model', 'team', 'falcon')).toBeNull()
    expect(requests).toEqual([`GET ${pathOf('models', 'falcon')}`])
  })

  test('each time, so that an object applied a moment ago is found', async () => {
    expect(await lookup('Dataset', 'team', 'squad')).toBeNull()
    put(object('Dataset', 'squad'))
    expect(await lookup('Dataset', 'team', 'squad')).not.toBeNull()
    expect(requests).toHaveLength(2)
  })

  test.each([
    { when: 'it has an error', answer: json(500, { message: 'etcdserver: request timed out' }) },
    { when: 'it forbids', answer: json(403, { message: 'datasets is forbidden' }) },
    { when: 'it is too busy', answer: json(429, {}) },
    { when: 'a proxy answers in its place', answer: json(502, 'bad gateway') },
    { when: 'it does not answer in time', answer: () => {} },
    { when: 'it hangs up', answer: (res: ServerResponse) => void res.destroy() },
  ])('a failed look-up is an error, never a missing object: $when', async ({ answer }) => {
    instead = answer
    await expect(lookup('Dataset', 'team', 'squad')).rejects.toThrow()
    expect(requests).toHaveLength(1)
  })
})

describe('an admission looks up the objects that its rules need, each once', () => {
  const base = (name: string, of?: string) =>
    object('Model', name, { image: 'm', ...(of && { model: { name: of } }) })
  const create = (made: Parent): AdmissionRequest => ({
    uid: '1',
    operation: 'CREATE',
    namespace: 'team',
    object: made,
  })
  test.each<{ when: string; there?: Parent[]; request: AdmissionRequest; gets: string[] }>([
    {
      when: 'no reference',
      request: create(object('Dataset', 'squad', { source: 'https://example.com/x' })),
      gets: [],
    },
    {
      when: 'a model and a dataset',
      request: create(
        object('Model', 'tuned', { model: { name: 'falcon' }, dataset: { name: 'squad' } }),
      ),
      gets: ['datasets/squad', 'models/falcon'],
    },
    {
      when: 'an update that keeps its reference',
      request: {
        ...create(object('Notebook', 'n', { dataset: { name: 'squad' }, suspend: true })),
        operation: 'UPDATE',
        oldObject: object('Notebook', 'n', { dataset: { name: 'squad' } }),
      },
      gets: [],
    },
    {
      when: 'a deletion',
      request: {
        uid: '1',
        operation: 'DELETE',
        namespace: 'team',
        oldObject: base('tuned', 'falcon'),
      },
      gets: [],
    },
    {
      when: 'bases, up to the first that has none',
      there: [base('a', 'b'), base('b', 'c'), base('c')],
      request: create(base('tuned', 'a')),
      gets: ['models/a', 'models/b', 'models/c'],
    },
    {
      when: 'bases that lead back to the new one',
      there: [base('a', 'b'), base('b', 'tuned')],
      request: create(base('tuned', 'a')),
      gets: ['models/a', 'models/b'],
    },
    {
      when: 'bases that form a cycle without the new one',
      there: [base('a', 'b'), base('b', 'a')],
      request: create(base('tuned', 'a')),
      gets: ['models/a', 'models/b'],
    },
    {
      when: 'a base that does not exist',
      there: [base('a', 'b')],
      request: create(base('tuned', 'a')),
      gets: ['models/a', 'models/b'],
    },
    { when: 'itself', request: create(base('tuned', 'tuned')), gets: ['models/tuned'] },
  ])('$when', async ({ there = [], request, gets }) => {
    put(...there)
    const facts = await factsFor(request, lookup)
    expect(requests.sort()).toEqual(
      gets.map((path) => `GET ${pathOf(...(path.split('/') as [string, string]))}`),
    )
    expect(Object.keys(facts)).toHaveLength(gets.length)
  })

  test('bases are followed only until the time runs out', async () => {
    const chain = Array.from({ length: 30 }, (_, i) => base(`m${i}`, `m${i + 1}`))
    const slow: Lookup = async (kind, namespace, name) => {
      await new Promise((resolve) => setTimeout(resolve, 100))
      return lookup(kind, namespace, name)
    }
    put(...chain)
    const start = performance.now()
    const facts = await factsFor(create(base('m31', 'm0')), slow, { patience: 450 })
    expect(performance.now() - start).toBeLessThan(1500)
    const known = Object.keys(facts)
    expect(known.length).toBeGreaterThan(0)
    expect(known).toEqual(chain.slice(0, known.length).map((one) => `Model/${one.metadata.name}`))
    expect(known.length).toBeLessThan(6)
  })

  test('a base whose look-up takes too long is unknown, the reference itself is not', async () => {
    put(base('a', 'b'))
    const never = new Promise<null>(() => {})
    const stuck: Lookup = (kind, namespace, name) =>
      name === 'b' ? never : lookup(kind, namespace, name)
    const facts = await factsFor(create(base('tuned', 'a')), stuck, { patience: 300 })
    expect(Object.keys(facts)).toEqual(['Model/a'])
  })

  test('the namespace is the request’s, not the object’s', async () => {
    const made = object('Model', 'tuned', { dataset: { name: 'squad' } })
    const elsewhere = { ...made, metadata: { name: 'tuned', namespace: 'other' } }
    await factsFor(create(elsewhere), lookup)
    expect(requests).toEqual([`GET ${pathOf('datasets', 'squad')}`])
  })
})

describe('the servers that may share the claim of a Model', () => {
  const server = object('ModelServer', 'b', { model: { name: 'falcon' } })
  const request: AdmissionRequest = {
    uid: '1',
    operation: 'CREATE',
    namespace: 'team',
    object: server,
  }
  const find: FindServers = (...what) => clusterServers(kubeConfig, 300)(...what)
  const list =
    'GET /apis/substratus.ai/v1/namespaces/team/modelservers?fieldSelector=spec.model.name%3Dfalcon&limit=20'
  const recorded = (url: string) => ({
    ...object('Model', 'falcon'),
    status: { artifacts: { id: '1', url } },
  })

  test('are found by one bounded list', async () => {
    put(recorded('pvc://falcon-model-artifacts/run/1'))
    const items = [object('ModelServer', 'a', { model: { name: 'falcon' } })]
    objects.set(list.slice(4), { kind: 'ModelServerList', items })
    const facts = await factsFor(request, lookup, { servers: find })
    expect(requests).toEqual([`GET ${pathOf('models', 'falcon')}`, list])
    expect(Object.keys(facts)).toEqual(['Model/falcon', 'ModelServer/a'])
  })

  test.each([
    { when: 'the Model is in a bucket', model: recorded('s3://b/1'), more: {} },
    { when: 'the new one is suspended', more: { suspend: true } },
  ])('are not asked for if $when', async ({ model, more }) => {
    if (model) put(model)
    const object = { ...server, spec: { ...(server.spec as object), ...more } }
    await factsFor({ ...request, object }, lookup, { servers: find })
    expect(requests).not.toContain(list)
  })

  test('are unknown if the list fails or takes too long, and the apply goes on', async () => {
    put(recorded('pvc://falcon-model-artifacts/run/1'))
    const failing: FindServers = () => Promise.reject(new Error('forbidden'))
    const stuck: FindServers = () => new Promise(() => {})
    for (const servers of [failing, stuck])
      expect(Object.keys(await factsFor(request, lookup, { servers, patience: 300 }))).toEqual([
        'Model/falcon',
      ])
  })
})
