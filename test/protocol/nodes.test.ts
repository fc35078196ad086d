import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Group } from '../../hooks/observe/protocol.ts'
import { enabledKubelet, type Nodes, watchNodes, withNodes } from '../../server/nodes.ts'
import { until } from '../cluster/cluster.ts'
import type { Child } from '../objects.ts'
import { type ListApi, listApi } from './listapi.ts'

/** The server's cache of nodes, against an API server that lists and watches them. */

const node = (name: string, status: string) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, resourceVersion: '1' },
  status: { conditions: [{ type: 'Ready', status, message: 'so it is' }], images: ['large'] },
})

let api: ListApi
let lists = 0
let nodes: Nodes

beforeEach(async () => {
  lists = 0
  api = await listApi(() => {
    lists++
    return { kind: 'NodeList', apiVersion: 'v1', items: [node('a', 'True'), node('b', 'Unknown')] }
  })
})
afterEach(() => api.close())

function start(firstKubelet?: typeof enabledKubelet): void {
  nodes = watchNodes(api.kubeConfig, api.log, api.signal, firstKubelet)
}

const readiness = () =>
  Object.fromEntries(
    [...(nodes.byName() ?? [])].map(([name, { status }]: [string, Child]) => {
      const [{ status: ready, message }] = status.conditions
      return [name, `${ready}: ${message}`]
    }),
  )
const event = (type: string, object: object) => api.send(type, object)

test('nodes are listed, then watched, and a deleted node is remembered', async () => {
  start()
  expect(nodes.byName()).toBeUndefined()
  await api.watching()
  expect(readiness()).toEqual({ a: 'True: so it is', b: 'Unknown: so it is' })
  const { metadata, ...rest } = node('a', 'False')
  event('MODIFIED', { ...rest, metadata: { ...metadata, resourceVersion: '2' } })
  event('DELETED', node('b', 'Unknown'))
  await until(
    async () => readiness(),
    ({ b }) => b === 'Unknown: it was deleted',
  )
  expect(readiness().a).toBe('False: so it is')
})

test.each([
  { runtime: 'containerd://2.1.0', kubelet: 'v1.35.0', mounts: true },
  { runtime: 'containerd://2.3.1-k3s1', kubelet: 'v1.36.1-gke.5', mounts: true },
  { runtime: 'containerd://2.0.7', kubelet: 'v1.35.0', mounts: false },
  { runtime: 'containerd://1.7.27', kubelet: 'v1.35.0', mounts: false },
  { runtime: 'cri-o://1.31.0', kubelet: 'v1.35.2', mounts: true },
  { runtime: 'cri-o://1.30.9', kubelet: 'v1.35.2', mounts: false },
  { runtime: 'containerd://2.2.0', kubelet: 'v1.34.1', mounts: false },
  { runtime: 'containerd://2.2.0', kubelet: 'v1.34.9', enabled: true, mounts: true },
  { runtime: 'kwok://simulated', kubelet: 'v1.36.0', mounts: undefined },
  { runtime: '', kubelet: '', mounts: undefined },
])('a node with $runtime and kubelet $kubelet', async ({ runtime, kubelet, enabled, mounts }) => {
  start(enabled ? enabledKubelet : undefined)
  await api.watching()
  const made = node('new', 'True')
  const labels = { 'kubernetes.io/os': 'linux' }
  const taint = { key: 'nvidia.com/gpu', effect: 'NoSchedule', timeAdded: 'now' }
  event('ADDED', {
    ...made,
    metadata: { ...made.metadata, resourceVersion: '2', labels },
    spec: { taints: [taint] },
    status: {
      ...made.status,
      nodeInfo: { containerRuntimeVersion: runtime, kubeletVersion: kubelet },
    },
  })
  await until(
    async () => nodes.facts()?.length,
    (count) => count === 3,
  )
  expect(nodes.facts()?.at(-1)).toEqual({
    labels,
    taints: [{ key: 'nvidia.com/gpu', effect: 'NoSchedule' }],
    mountsImages: mounts,
  })
  event('DELETED', made)
  await until(
    async () => nodes.facts()?.length,
    (count) => count === 2,
  )
})

test('without permission there are no nodes, and the list is retried after a minute', async () => {
  api.code = 403
  start()
  await until(
    async () => api.lines.length,
    (count) => count > 0,
  )
  await sleep(2500)
  expect(lists).toBe(1)
  expect(api.lines).toHaveLength(1)
  expect(nodes.byName()).toBeUndefined()
  expect(nodes.watch.state()).toEqual({ isRefused: true })
})

describe('a request', () => {
  const known = new Map([['a', { ...node('a', 'True') }]])
  const pod = { ...node('p', 'True'), kind: 'Pod', spec: { nodeName: 'a' } }
  const lonely = { ...pod, spec: { nodeName: 'z' } }

  test.each<{
    when: string
    nodes: ReadonlyMap<string, Child> | undefined
    given: Group
    names: readonly string[] | undefined
  }>([
    { when: 'no nodes are known', nodes: undefined, given: {}, names: undefined },
    { when: 'it has Pods', nodes: known, given: { 'Pod.v1': { p: pod, l: lonely } }, names: ['a'] },
    { when: 'it has none', nodes: known, given: {}, names: [] },
    { when: 'it brings nodes', nodes: known, given: { 'Node.v1': { b: pod } }, names: ['b'] },
  ])('$when', ({ nodes, given, names }) => {
    const group = withNodes(given, nodes)['Node.v1']
    expect(group && Object.keys(group)).toEqual(names)
  })
})
