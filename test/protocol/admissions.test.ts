import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { KubeConfig } from '@kubernetes/client-node'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Admission } from '../../hooks/children/manifesttypes.ts'
import { type Admissions, watchAdmissions, withAdmissions } from '../../server/admissions.ts'
import { until } from '../cluster/cluster.ts'
import type { Child } from '../objects.ts'

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

let api: Server
let stored: readonly object[]
let code: number
let lists: string[]
let watching: ServerResponse | undefined
let lines: string[]
let admissions: Admissions
let watched: AbortController

beforeEach(async () => {
  ;[stored, code, lists, lines, watching] = [[], 200, [], [], undefined]
  api = createServer(({ url = '' }, response) => {
    const { pathname, searchParams: query } = new URL(url, 'http://it')
    response.setHeader('content-type', 'application/json')
    response.statusCode = code
    if (query.has('watch')) {
      watching = response
      return response.flushHeaders()
    }
    lists.push(`${pathname} ${query.get('labelSelector')}`)
    response.end(JSON.stringify({ metadata: { resourceVersion: '1' }, items: stored }))
  })
  await new Promise<void>((done) => api.listen(0, '127.0.0.1', done))
})
afterEach(() => {
  watched.abort()
  api.close()
  api.closeAllConnections()
})

function start(): void {
  const server = `http://127.0.0.1:${(api.address() as AddressInfo).port}`
  const kubeConfig = new KubeConfig()
  // The client speaks plain HTTP only where TLS would not be verified.
  kubeConfig.loadFromClusterAndUser({ name: 'it', server, skipTLSVerify: true }, { name: 'it' })
  watched = new AbortController()
  const log = pino({}, { write: (line) => void lines.push(line) })
  admissions = watchAdmissions(kubeConfig, log, watched.signal)
}

const namesOf = (uid: string) => admissions.about('team', uid).map(({ metadata }) => metadata.name)

test('Workloads of Jobs are listed and watched', async () => {
  stored = [workload('a', 'j1'), workload('b', 'j2')]
  start()
  await until(async () => watching, Boolean)
  expect(lists).toEqual(['/apis/kueue.x-k8s.io/v1beta2/workloads kueue.x-k8s.io/job-uid'])
  expect(namesOf('j1')).toEqual(['a'])
  expect(admissions.about('other', 'j1')).toEqual([])
  const send = (type: string, object: object) =>
    watching?.write(`${JSON.stringify({ type, object })}\n`)
  send('ADDED', workload('c', 'j1'))
  send('DELETED', workload('a', 'j1'))
  await until(
    async () => namesOf('j1'),
    ([name, ...more]) => name === 'c' && !more.length,
  )
})

test('little is kept of a Workload', async () => {
  stored = [workload('a', 'j1', 'x'.repeat(100_000))]
  start()
  await until(async () => watching, Boolean)
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
  code = answer
  start()
  await until(async () => lists.length, Boolean)
  await sleep(1500)
  expect(lists).toHaveLength(1)
  expect(lines).toHaveLength(1)
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

  test('gets none from a server without a cluster', () => {
    expect(namesIn({})).toEqual([])
  })

  test('that brings Workloads keeps its own', () => {
    expect(namesIn({ [group]: { 'team/own': workload('own', 'u') } }, known)).toEqual(['team/own'])
  })
})
