import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ClusterWorld, clusterWorld } from '../../gateway/clusterworld.ts'
import { gatewayBed, soon } from './gatewaybed.ts'
import { type ListApi, listApi } from './listapi.ts'

/** What the gateway knows of a cluster, by watches. */

const server = (namespace: string, name: string, model = 'falcon') => ({
  metadata: { namespace, name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { model: { name: model } },
})
const slice = (namespace: string, service: string, address: string) => ({
  metadata: {
    ...{ namespace, name: `${service}-x`, resourceVersion: '1' },
    labels: { 'kubernetes.io/service-name': service },
  },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080 }],
  endpoints: [{ addresses: [address], conditions: {} }],
})

let api: ListApi
let world: ClusterWorld
const many = Array.from({ length: 5000 }, (_, at) => server(`team-${at % 100}`, `server-${at}`))

beforeEach(async () => {
  api = await listApi(({ pathname }) => ({
    items: pathname.endsWith('/modelservers')
      ? [...many, server('team', 'chat'), server('other', 'chat')]
      : [slice('team', 'chat-server', '10.0.0.1'), slice('other', 'chat-server', '10.0.0.2')],
  }))
  world = clusterWorld(api.kubeConfig, api.log, api.signal)
  await soon(() => world.isSynced())
})
afterEach(() => api.close())

/** `chat 10.0.0.1:8080`, for each name of a model. */
const known = (namespace: string) =>
  [...(world.namesIn(namespace) ?? [])].map(([name, servers]) =>
    [name, ...servers.flatMap(({ replicas }) => replicas.map(({ address }) => address))].join(' '),
  )

test('each namespace has its own servers and Pods, as they change', async () => {
  expect(known('team')).toEqual(['chat 10.0.0.1:8080', 'falcon 10.0.0.1:8080'])
  expect(known('other')).toEqual(['chat 10.0.0.2:8080', 'falcon 10.0.0.2:8080'])
  expect(known('team-7')).toHaveLength(51)
  await api.watching(2)
  const slices = 'substratus.ai/kind=modelserver,substratus.ai/stage=serve'
  const news = (name: string) => new Promise<void>((resolve) => void world.onChange(name, resolve))
  let change = news('team')
  api.send('MODIFIED', slice('team', 'chat-server', '10.0.0.3'), slices)
  await change
  expect(known('team')).toEqual(['chat 10.0.0.3:8080', 'falcon 10.0.0.3:8080'])
  change = news('team')
  api.send('DELETED', slice('team', 'chat-server', '10.0.0.3'), slices)
  await change
  expect(known('team')).toEqual(['chat', 'falcon'])
  change = news('team')
  api.send('DELETED', server('team', 'chat'), '')
  await change
  expect(known('team')).toEqual([])
  expect(known('other')).toEqual(['chat 10.0.0.2:8080', 'falcon 10.0.0.2:8080'])
})

test('questions about namespaces that somebody makes up cost next to nothing', () => {
  const began = performance.now()
  let found = 0
  for (let at = 0; at < 5000; at++) found += world.namesIn(`made-up-${at}`)?.size ?? 1
  expect(found).toBe(0)
  // 5,000 servers would be looked at each time: a second at least.
  expect(performance.now() - began).toBeLessThan(300)
})

test('the answer to a request without a namespace looks at no servers', async () => {
  const looked: string[] = []
  const bed = await gatewayBed({
    world: {
      namesIn: (namespace) => {
        looked.push(namespace)
        return new Map()
      },
    },
  })
  try {
    expect((await fetch(bed.gateway.url)).status).toBe(404)
    await soon(() => bed.lines.length === 1)
    expect(looked).toEqual([])
  } finally {
    await bed.end()
  }
})
