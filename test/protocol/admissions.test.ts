import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Admission } from '../../hooks/children/manifesttypes.ts'
import { type Admissions, watchAdmissions, withAdmissions } from '../../server/admissions.ts'
import { until } from '../cluster/cluster.ts'
import type { Child } from '../objects.ts'
import { type ListApi, listApi } from './listapi.ts'

/** The server's memory of Kueue's Workloads, against an API server that lists and watches them. */

const workload = (name: string, uid: string, message = 'no quota') => ({
  apiVersion: 'kueue.x-k8s.io/v1beta2',
  kind: 'Workload',
  metadata: {
    name,
    namespace: 'team',
    resourceVersion: '1',
    labels: { 'kueue.x-k8s.io/job-uid': uid, other: 'label' },
    managedFields: ['large'],
  },
  spec: { podSets: ['large'] },
  status: {
    conditions: [
      { type: 'QuotaReserved', status: 'False', message },
      { type: 'Admitted', status: 'True', message: 'large' },
    ],
    admissionChecks: [{ name: 'nodes', state: 'Pending', message, podSetUpdates: ['large'] }],
  },
})

let api: ListApi
let stored: readonly object[]
let lists: string[]
let admissions: Admissions

beforeEach(async () => {
  ;[stored, lists] = [[], []]
  api = await listApi(({ pathname, searchParams }) => {
    lists.push(`${pathname} ${searchParams.get('labelSelector')}`)
    return { items: stored }
  })
})
afterEach(() => api.close())

function start(): void {
  admissions = watchAdmissions(api.kubeConfig, api.log, api.signal)
}

const namesOf = (uid: string) => admissions.about('team', uid).map(({ metadata }) => metadata.name)

test('Workloads of Jobs are listed and watched', async () => {
  stored = [workload('a', 'j1'), workload('b', 'j2')]
  start()
  await api.watching()
  expect(lists).toEqual(['/apis/kueue.x-k8s.io/v1beta2/workloads kueue.x-k8s.io/job-uid'])
  expect(namesOf('j1')).toEqual(['a'])
  expect(admissions.about('other', 'j1')).toEqual([])
  api.send('ADDED', workload('c', 'j1'))
  api.send('DELETED', workload('a', 'j1'))
  await until(
    async () => namesOf('j1'),
    ([name, ...more]) => name === 'c' && !more.length,
  )
})

test('little is kept of a Workload', async () => {
  stored = [workload('a', 'j1', 'x'.repeat(100_000))]
  start()
  await api.watching()
  const message = `${'x'.repeat(1024)}…`
  expect(admissions.about('team', 'j1')).toEqual([
    {
      apiVersion: 'kueue.x-k8s.io/v1beta2',
      kind: 'Workload',
      metadata: { name: 'a', namespace: 'team', labels: { 'kueue.x-k8s.io/job-uid': 'j1' } },
      status: {
        conditions: [{ type: 'QuotaReserved', status: 'False', message }],
        admissionChecks: [{ name: 'nodes', state: 'Pending', message }],
      },
    },
  ])
})

test.each([
  { without: 'Kueue', answer: 404 },
  { without: 'permission', answer: 403 },
])('without $without there are none, which is logged once', async ({ answer }) => {
  api.code = answer
  start()
  await until(async () => lists.length, Boolean)
  await sleep(1500)
  expect(lists).toHaveLength(1)
  expect(api.lines).toHaveLength(1)
  expect(admissions.about('team', 'j1')).toEqual([])
})

describe('a request', () => {
  const job = (name: string, labels?: Readonly<Record<string, string>>): Child => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace: 'team', uid: `uid-of-${name}`, ...(labels && { labels }) },
  })
  const jobs = { queued: job('queued', { 'kueue.x-k8s.io/queue-name': 'q' }), free: job('free') }
  const known: Admissions = {
    about: (_namespace, uid) => [workload(`about-${uid}`, uid) as Admission],
  }
  const group = 'Workload.kueue.x-k8s.io/v1beta2'
  const namesIn = (related: Parameters<typeof withAdmissions>[0], source?: Admissions) =>
    Object.keys(
      withAdmissions(related, { children: { 'Job.batch/v1': jobs } }, source)[group] ?? {},
    )

  test('gets the Workloads of its queued Jobs', () => {
    expect(namesIn({}, known)).toEqual(['team/about-uid-of-queued'])
  })

  test('gets those of the Pods that Kueue holds', () => {
    const pod = (name: string, gate: string): Child => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace: 'team',
        uid: `uid-of-${name}`,
        labels: { 'kueue.x-k8s.io/queue-name': 'q' },
      },
      spec: { containers: [], schedulingGates: [{ name: gate }] },
    })
    const pods = { a: pod('a', 'kueue.x-k8s.io/admission'), b: pod('b', 'example.com/gate') }
    expect(namesIn({ 'Pod.v1': pods }, known)).toEqual([
      'team/about-uid-of-queued',
      'team/about-uid-of-a',
    ])
  })

  test('gets none from a server without a cluster', () => {
    expect(namesIn({})).toEqual([])
  })

  test('that brings Workloads keeps its own', () => {
    expect(namesIn({ [group]: { 'team/own': workload('own', 'u') } }, known)).toEqual(['team/own'])
  })
})
