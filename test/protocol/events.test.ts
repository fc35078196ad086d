import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Events, watchEvents, withEvents } from '../../server/events.ts'
import { until } from '../cluster/cluster.ts'
import { aModel, anEvent, type Child } from '../objects.ts'
import { type ListApi, listApi } from './listapi.ts'

/** The server's memory of Events, against an API server that lists and watches them. */

const pod: Child = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'it-x', namespace: 'team', uid: 'u1' },
}
const stored = (name: string, message: string, more: object = {}) => ({
  ...anEvent(pod, 'FailedMount', message),
  metadata: { name, namespace: 'team', resourceVersion: '1', managedFields: ['large'] },
  ...more,
})

const mounts = 'reason=FailedMount,involvedObject.kind=Pod'

let api: ListApi
let pages: readonly (readonly object[])[]
let lists: string[]
let events: Events

beforeEach(async () => {
  ;[pages, lists] = [[[]], []]
  api = await listApi(({ searchParams: query }) => {
    const selector = query.get('fieldSelector') ?? ''
    const at = Number(query.get('continue') ?? 0)
    lists.push(`${selector} ${query.get('limit')} ${at}`)
    const items = selector === mounts ? (pages[at] ?? []) : []
    const isLast = selector !== mounts || at + 1 >= pages.length
    const metadata = { resourceVersion: '1', ...(!isLast && { continue: String(at + 1) }) }
    return { kind: 'EventList', apiVersion: 'v1', metadata, items }
  })
})
afterEach(() => api.close())

function start(): void {
  events = watchEvents(api.kubeConfig, api.log, api.signal)
}

const messages = () => events.about('team', 'u1').map(({ message }) => message)
const told = (count: number) =>
  until(
    async () => messages(),
    (found) => found.length === count,
  )
const watching = () => api.watching(3)
const send = (type: string, object: object) => api.send(type, object, mounts)

test('each reason is listed and watched, filtered by the API server, in small pages', async () => {
  pages = [[stored('a', 'first')], [stored('b', 'second')]]
  start()
  await watching()
  expect(lists.toSorted()).toEqual([
    'reason=FailedAttachVolume,involvedObject.kind=Pod 50 0',
    'reason=FailedCreate,involvedObject.kind!=ReplicaSet 50 0',
    'reason=FailedMount,involvedObject.kind=Pod 50 0',
    'reason=FailedMount,involvedObject.kind=Pod 50 1',
  ])
  expect(messages()).toEqual(['first', 'second'])
})

test('an Event is updated, and goes when it expires', async () => {
  pages = [[stored('a', 'first')]]
  start()
  await watching()
  send('MODIFIED', stored('a', 'changed'))
  send('ADDED', stored('b', 'second'))
  await told(2)
  expect(messages()).toEqual(['changed', 'second'])
  send('DELETED', stored('a', 'changed'))
  await told(1)
  expect(messages()).toEqual(['second'])
})

test('little is kept of an Event', async () => {
  const series = { lastObservedTime: '2026-01-01T00:09:00.000000Z' }
  pages = [
    [
      stored('a', 'x'.repeat(100_000), { series }),
      stored('b', 'of nothing', { involvedObject: {} }),
      stored('c', 'of a forged uid', { involvedObject: { kind: 'Pod', uid: 'u'.repeat(100) } }),
    ],
  ]
  start()
  await watching()
  expect(events.about('team', 'u1')).toEqual([
    {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'a', namespace: 'team' },
      involvedObject: { kind: 'Pod', uid: 'u1' },
      reason: 'FailedMount',
      message: `${'x'.repeat(1024)}…`,
      lastTimestamp: '2026-01-01T00:09:00.000000Z',
    },
  ])
})

test('without permission there are no Events, which is logged once', async () => {
  api.code = 403
  start()
  await until(
    async () => lists.length,
    (count) => count === 3,
  )
  await sleep(1500)
  expect(lists).toHaveLength(3)
  expect(api.lines).toHaveLength(1)
  expect(api.lines[0]).toContain('no permission to watch Events')
  expect(messages()).toEqual([])
})

describe('a request', () => {
  const model = aModel({})
  const parent = { ...model, metadata: { ...model.metadata, namespace: 'team' } }
  const job: Child = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'it', namespace: 'team', uid: 'j1' },
  }
  const children = { 'Job.batch/v1': { 'team/it': job } }
  const owned: Child = {
    ...pod,
    metadata: { ...pod.metadata, ownerReferences: [{ uid: 'j1' }] } as Child['metadata'],
  }
  const settled: string[] = []
  const known: Omit<Events, 'watch'> = {
    about: (namespace, uid) => [
      anEvent({ ...pod, metadata: { ...pod.metadata, namespace, uid } }, 'R', uid),
    ],
    settle: (namespace, uid) => void settled.push(`${namespace}/${uid}`),
  }
  const eventsIn = (related: Parameters<typeof withEvents>[0], source?: Omit<Events, 'watch'>) =>
    Object.values(withEvents(related, { parent, children }, source)['Event.v1'] ?? {}).map(
      (event) => (event as { message?: string }).message,
    )

  test('gets the Events of its Pods and Jobs', () => {
    expect(eventsIn({ 'Pod.v1': { p: pod } }, known)).toEqual(['u1', 'j1'])
  })

  test('gets none from a server without a cluster', () => {
    expect(eventsIn({ 'Pod.v1': { p: pod } })).toEqual([])
  })

  test('that brings Events keeps its own', () => {
    expect(eventsIn({ 'Event.v1': { e: anEvent(pod, 'R', 'own') } }, known)).toEqual(['own'])
  })

  test('with a Pod drops the refusals of its workload, only in its own namespace', () => {
    settled.length = 0
    const stranger = { ...owned, metadata: { ...owned.metadata, namespace: 'other' } }
    eventsIn({ 'Pod.v1': { s: stranger } }, known)
    expect(settled).toEqual([])
    eventsIn({ 'Pod.v1': { p: owned } }, known)
    expect(settled).toEqual(['team/j1'])
  })
})
