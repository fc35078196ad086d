import { pino } from 'pino'
import request from 'supertest'
import { describe, expect, test } from 'vitest'
import { defaultConfig } from '../../crds/config.ts'
import { labels, type Parent } from '../../crds/kind.ts'
import { type AppOptions, app } from '../../server/app.ts'
import type { Lookup } from '../../server/lookup.ts'
import { metrics } from '../../server/metrics.ts'
import type { Pods } from '../../server/pods.ts'
import type { NewEvent } from '../../server/readyevent.ts'
import { silentSince } from '../../server/watches.ts'
import type { Child } from '../objects.ts'
import { aConfig, mistyped } from '../objects.ts'

/** A server, and the lines that it has logged. */
function serverWith(options: Partial<AppOptions> = {}) {
  const lines: string[] = []
  const log = pino({ base: null }, { write: (line: string) => void lines.push(line) })
  const server = app({
    config: { ...defaultConfig, registry: { prefix: 'registry.test' } },
    log,
    metrics: metrics(),
    ...options,
  })
  return {
    post: (path: string, body: object) => request(server).post(path).send(body),
    get: (path: string) => request(server).get(path),
    lines: () => lines.map((line) => JSON.parse(line)),
    text: () => lines.join(''),
  }
}

const parent: Parent = {
  apiVersion: 'substratus.ai/v1',
  kind: 'Dataset',
  metadata: { name: 'squad', namespace: 'team', uid: 'uid-of-squad', generation: 1 },
  spec: { source: 'https://example.com/squad.json' },
}

const podsOf = (pods: readonly Child[], secondsAgo: number | null = 1): Pods => {
  const time = new Date('2026-01-01T00:00:00.5Z')
  const state = () => ({
    isRefused: false,
    ...(secondsAgo !== null && { heard: { secondsAgo, time } }),
  })
  return {
    of: ({ metadata: { uid } }) =>
      pods.filter((pod) => pod.metadata.labels?.[labels.parentUid] === uid),
    isCurrent: () => true,
    follow: () => {},
    silentSince: () => silentSince(state(), new Date('2025-12-31T00:00:00Z')),
    watch: { name: 'Pods', isRequired: true, state },
  }
}

const watchOfNodes = {
  name: 'nodes',
  isRequired: false,
  state: () => ({ isRefused: true }),
} as const

/** The Job of the first response, once it runs. */
async function runningJob(): Promise<Child> {
  const { body } = await serverWith().post('/hooks/datasets/sync', { parent })
  const job = body.children.find(({ kind }: Child) => kind === 'Job')
  return { ...job, status: { active: 1 } }
}

const pendingPod = (job: Child, message: string, uid = 'uid-of-squad'): Child => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: `${job.metadata.name}-x7k2p`,
    namespace: 'team',
    labels: {
      ...job.spec.template.metadata.labels,
      'batch.kubernetes.io/job-name': job.metadata.name,
      [labels.parentUid]: uid,
    },
  },
  status: {
    phase: 'Pending',
    conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
  },
})

const keyed = (object: Child) => ({ [`team/${object.metadata.name}`]: object })

describe('Pods are those of the request, else those of the server’s own watch', () => {
  test.each([
    { when: 'neither has any', own: [], sent: undefined, says: 'no Pod yet' },
    { when: 'the watch has one', own: ['from the watch'], sent: undefined, says: 'from the watch' },
    { when: 'the request has one', own: [], sent: ['from curl'], says: 'from curl' },
    {
      when: 'both have one',
      own: ['from the watch'],
      sent: ['from curl'],
      says: 'from curl',
    },
    {
      when: 'the request says there are none',
      own: ['from the watch'],
      sent: [],
      says: 'no Pod yet',
    },
  ])('$when', async ({ own, sent, says }) => {
    const job = await runningJob()
    const pods = podsOf(own.map((message) => pendingPod(job, message)))
    const group = sent?.map((message) => keyed(pendingPod(job, message)))
    const { body } = await serverWith({ pods }).post('/hooks/datasets/sync', {
      parent,
      children: { 'Job.batch/v1': keyed(job) },
      related: group ? { 'Pod.v1': Object.assign({}, ...group) } : {},
    })
    expect(body.status.conditions[0].message).toContain(says)
  })

  test('the node of a Pod comes from the server’s own watch', async () => {
    const job = await runningJob()
    const pod = pendingPod(job, 'at work')
    const conditions = [{ type: 'Ready', status: 'Unknown', message: 'Kubelet is silent.' }]
    const node: Child = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'a' },
      status: { conditions },
    }
    const nodes = { byName: () => new Map([['a', node]]), facts: () => [], watch: watchOfNodes }
    const pods = podsOf([{ ...pod, spec: { nodeName: 'a' } }])
    const { body } = await serverWith({ pods, nodes }).post('/hooks/datasets/sync', {
      parent,
      children: { 'Job.batch/v1': keyed(job) },
    })
    expect(body.status.conditions[0]).toMatchObject({
      reason: 'NodeNotReady',
      message: `Pod "${pod.metadata.name}": node "a" is not ready: Kubelet is silent`,
    })
  })

  test('a Pod with another parent is ignored, whoever sent it', async () => {
    const job = await runningJob()
    const stranger = pendingPod(job, 'somebody else’s', 'uid-of-another')
    const { body } = await serverWith().post('/hooks/datasets/sync', {
      parent,
      children: { 'Job.batch/v1': keyed(job) },
      related: { 'Pod.v1': keyed(stranger) },
    })
    expect(body.status.conditions[0].message).toContain('no Pod yet')
  })
})

test('each change of Ready of a stored object becomes an Event, and nothing else does', async () => {
  const told: string[] = []
  const story = { tell: ({ reason }: NewEvent) => void told.push(reason) }
  const { post } = serverWith({ story })
  await post('/hooks/datasets/sync', { parent })
  expect(told).toEqual([])
  const stored = { ...parent, metadata: { ...parent.metadata, resourceVersion: '1' } }
  const { body } = await post('/hooks/datasets/sync', { parent: stored })
  const { status } = body
  await post('/hooks/datasets/sync', { parent: { ...stored, status } })
  expect(told).toEqual([])
  await post('/hooks/datasets/sync', { parent: { ...stored, status, spec: {} } })
  expect(told).toEqual(['InvalidSpec'])
})

const review = (object: Parent, more: object = {}) => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: { uid: '1', operation: 'CREATE', namespace: 'team', object, ...more },
})

const trained: Parent = {
  apiVersion: 'substratus.ai/v1',
  kind: 'Model',
  metadata: { name: 'falcon', namespace: 'team' },
  spec: { image: 'example.com/trainer:1', dataset: { name: 'squad' } },
}

const failing = async () => {
  throw new Error('connect ECONNREFUSED 10.0.0.1:6443')
}

/** A rule reads config.registry, and that throws. */
const brokenConfig = Object.defineProperty({ ...defaultConfig }, 'registry', {
  get: () => {
    throw new Error('connect ECONNREFUSED 10.0.0.1:6443')
  },
})

describe('an internal error is a 500 with a message, and never a refusal', () => {
  test.each<{
    when: string
    options: Partial<AppOptions>
    path: string
    body: object
    says?: string
  }>([
    {
      when: 'a reference cannot be looked up',
      options: { lookup: failing },
      path: '/admission/validate',
      body: review(trained),
      says: 'the references cannot be looked up: apply again in a few seconds',
    },
    {
      when: 'a rule fails',
      options: { config: brokenConfig },
      path: '/admission/validate',
      body: review(trained),
    },
    {
      when: 'the Pods cannot be listed',
      options: {
        pods: {
          ...podsOf([]),
          of: () => {
            throw new Error('connect ECONNREFUSED 10.0.0.1:6443')
          },
        },
      },
      path: '/hooks/datasets/sync',
      body: { parent },
    },
  ])('$when', async ({ options, path, body, says = 'internal error: see the server’s log' }) => {
    const server = serverWith(options)
    const answer = await server.post(path, body)
    expect(answer.status).toBe(500)
    // The API server shows the message of a Status, and nothing of other bodies.
    expect(answer.body).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      message: says,
      code: 500,
    })
    expect(server.lines()[0]).toMatchObject({
      level: 50,
      path,
      err: { message: 'connect ECONNREFUSED 10.0.0.1:6443' },
    })
  })

  test('and the next request is answered', async () => {
    let calls = 0
    const lookup: Lookup = async () => (calls++ ? null : failing())
    const { post } = serverWith({ lookup })
    expect((await post('/admission/validate', review(trained))).status).toBe(500)
    expect((await post('/admission/validate', review(trained))).status).toBe(200)
  })

  test('no reference, no lookup: admission works without the API server', async () => {
    const { post } = serverWith({ lookup: failing })
    const { body } = await post('/admission/validate', review(parent))
    expect(body.response).toMatchObject({ uid: '1', allowed: true })
  })
})

test.each([
  { when: 'can mount images', mountsImages: true, warnings: undefined },
  {
    when: 'cannot',
    mountsImages: false,
    warnings: [expect.stringContaining('"w": some nodes that the Pods may run on cannot mount')],
  },
])('admission knows whether the nodes $when', async ({ mountsImages, warnings }) => {
  const nodes = {
    byName: () => new Map(),
    facts: () => [{ labels: {}, taints: [], mountsImages }],
    watch: watchOfNodes,
  }
  const config = aConfig({ podFields: ['volumes.image'] })
  const volumes = [{ name: 'w', image: { reference: 'example.com/w:1' } }]
  const spec = { source: 'https://example.com/squad.json', pod: { volumes } }
  const object = { ...parent, spec }
  const { body } = await serverWith({ config, nodes }).post('/admission/validate', {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: { uid: '1', operation: 'CREATE', namespace: 'team', object },
  })
  expect(body.response.allowed).toBe(true)
  expect(body.response.warnings).toEqual(warnings)
})

describe('readyz', () => {
  const nodes = { byName: () => undefined, facts: () => undefined, watch: watchOfNodes }
  test.each<{ when: string; options: Partial<AppOptions>; code: number; body: object }>([
    { when: 'there is no cluster', options: {}, code: 200, body: { status: 'ok' } },
    {
      when: 'Pods are listed, and nodes may not be',
      options: { pods: podsOf([]), nodes },
      code: 200,
      body: { status: 'ok', watches: { Pods: 'current', nodes: 'not watched: no permission' } },
    },
    {
      when: 'Pods are not listed yet',
      options: { pods: podsOf([], null), nodes },
      code: 503,
      body: { message: 'waiting for the first list of Pods' },
    },
    {
      when: 'the watch of Pods is silent',
      options: { pods: podsOf([], 75.5) },
      code: 200,
      body: { status: 'ok', watches: { Pods: 'stale: silent for 75 s' } },
    },
  ])('$when: $code', async ({ options, code, body }) => {
    const { get } = serverWith(options)
    const answer = await get('/readyz')
    expect(answer.status).toBe(code)
    expect(answer.body).toMatchObject(body)
    // Still alive, because a restart would not list faster.
    expect((await get('/healthz')).status).toBe(200)
  })
})

describe('a server whose watch of Pods has been silent for a minute', () => {
  const silent = podsOf([], 75)

  test('says so in conditions, and tells Metacontroller to close the connection', async () => {
    const job = await runningJob()
    const body = { parent, children: { 'Job.batch/v1': keyed(job) } }
    const answer = await serverWith({ pods: silent }).post('/hooks/datasets/sync', body)
    expect(answer.body.status.conditions[0]).toMatchObject({
      reason: 'PodsUnknown',
      message:
        'the state of Pods has been unknown since 2026-01-01T00:00:00Z: kubectl get pods shows it',
    })
    expect(answer.headers.connection).toBe('close')
  })

  test('believes a request that has Pods', async () => {
    const job = await runningJob()
    const related = { 'Pod.v1': keyed(pendingPod(job, 'no room')) }
    const body = { parent, children: { 'Job.batch/v1': keyed(job) }, related }
    const answer = await serverWith({ pods: silent }).post('/hooks/datasets/sync', body)
    expect(answer.body.status.conditions[0].message).toContain('no room')
  })

  test('still admits', async () => {
    const review = {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: { uid: '1', operation: 'CREATE', namespace: 'team', object: parent },
    }
    const answer = await serverWith({ pods: silent }).post('/admission/validate', review)
    expect(answer.body.response.allowed).toBe(true)
  })
})

describe('one log line per request', () => {
  const secretive: Parent = {
    ...trained,
    metadata: { ...trained.metadata, annotations: { note: 'swordfish' } },
    spec: {
      image: 'swordfish.example.com/m',
      env: { TOKEN: 'swordfish' },
      params: { a: 'swordfish' },
    },
  }
  const refused: Parent = {
    ...secretive,
    spec: { image: 'm', env: { TOKEN: 'swordfish' }, resources: { memory: 'swordfish' } },
  }
  const facts = { code: 200, kind: 'Model', namespace: 'team', name: 'falcon', msg: 'answered' }
  test.each([
    {
      what: 'a sync',
      path: '/hooks/models/sync',
      body: { parent: secretive },
      line: { ...facts, stage: 'Pending' },
    },
    {
      what: 'a customize',
      path: '/hooks/models/customize',
      body: { parent: secretive },
      line: facts,
    },
    { what: 'a mutation', path: '/admission/mutate', body: review(secretive), line: facts },
    { what: 'a validation', path: '/admission/validate', body: review(secretive), line: facts },
    { what: 'a refusal', path: '/admission/validate', body: review(refused), line: facts },
    {
      what: 'a deletion',
      path: '/admission/validate',
      body: review(secretive, { operation: 'DELETE', object: null, oldObject: secretive }),
      line: facts,
    },
    {
      what: 'a request that is not understood',
      path: '/hooks/models/sync',
      body: { swordfish: 1 },
      line: { code: 400, msg: 'answered' },
    },
  ])('$what is logged with its fields, and without its content', async ({ path, body, line }) => {
    const server = serverWith()
    await server.post(path, body)
    expect(server.lines()).toEqual([
      { level: 30, time: expect.any(Number), path, ms: expect.any(Number), ...line },
    ])
    expect(server.text()).not.toContain('swordfish')
  })

  test('a body that is no JSON is not quoted', async () => {
    const server = serverWith()
    const body = mistyped<object>('{"env":{"TOKEN":swordfish}}')
    await server.post('/hooks/models/sync', body).type('application/json')
    expect(server.lines()).toMatchObject([{ path: '/hooks/models/sync', code: 400 }])
    expect(server.text()).not.toContain('swordfish')
  })

  test('an error during a look-up logs no body', async () => {
    const server = serverWith({ lookup: failing })
    await server.post('/admission/validate', review({ ...secretive, spec: trained.spec }))
    expect(server.lines()).toMatchObject([{ level: 50 }, { code: 500, kind: 'Model' }])
    expect(server.text()).not.toContain('swordfish')
  })

  test.each(['/healthz', '/readyz', '/metrics'])('none for %s', async (path) => {
    const server = serverWith()
    await server.get(path)
    expect(server.lines()).toEqual([])
  })
})

describe('/metrics', () => {
  const series = async (get: ReturnType<typeof serverWith>['get'], name: string) =>
    (await get('/metrics')).text.split('\n').filter((line) => line.startsWith(name))

  test('time of each route and code; unknown paths share one series', async () => {
    const { post, get } = serverWith()
    await post('/hooks/datasets/sync?revision=2', { parent })
    await post('/hooks/datasets/sync', { parent })
    await post('/hooks/datasets/sync', {})
    for (const path of ['/a', '/b', '/hooks/datasets/sync/']) await post(path, {})
    expect(await series(get, 'substratus_request_duration_seconds_count')).toEqual([
      'substratus_request_duration_seconds_count{route="/hooks/datasets/sync",code="200"} 2',
      'substratus_request_duration_seconds_count{route="/hooks/datasets/sync",code="400"} 1',
      'substratus_request_duration_seconds_count{route="unknown",code="404"} 3',
    ])
  })

  test('refusals by kind', async () => {
    const { post, get } = serverWith()
    const bad = { ...parent, spec: { ...(parent.spec as object), resources: { memory: '10' } } }
    await post('/admission/validate', review(bad))
    await post('/admission/validate', review(bad, { operation: 'UPDATE', oldObject: parent }))
    await post('/admission/validate', review(parent))
    expect(await series(get, 'substratus_admission_refused_total')).toEqual([
      'substratus_admission_refused_total{kind="Dataset"} 2',
    ])
  })

  test('updates that are pending, until the next answer', async () => {
    const { post, get } = serverWith()
    const pod = {
      labels: { [labels.parentUid]: 'uid-of-notebook', 'substratus.ai/stage': 'serve' },
    }
    const notebook = {
      ...parent,
      kind: 'Notebook',
      metadata: { ...parent.metadata, name: 'notes', uid: 'uid-of-notebook' },
      spec: {},
    }
    const { body } = await post('/hooks/notebooks/sync', { parent: notebook })
    const children = Object.groupBy(
      body.children as readonly Child[],
      ({ kind, apiVersion }) => `${kind}.${apiVersion}`,
    )
    const answer = (updateRevision: string) =>
      post('/hooks/notebooks/sync', {
        parent: notebook,
        children: Object.fromEntries(
          Object.entries(children).map(([group, list = []]) => [
            group,
            Object.fromEntries(
              list.map((child) => [
                `team/${child.metadata.name}`,
                { ...child, status: { readyReplicas: 1, updateRevision } },
              ]),
            ),
          ]),
        ),
        related: {
          'Pod.v1': {
            'team/notes-0': {
              apiVersion: 'v1',
              kind: 'Pod',
              metadata: {
                name: 'notes-0',
                namespace: 'team',
                labels: { ...pod.labels, 'controller-revision-hash': 'old' },
              },
            },
          },
        },
      })
    await answer('new')
    const name = 'substratus_update_pending{'
    expect(await series(get, name)).toEqual(['substratus_update_pending{kind="Notebook"} 1'])
    await answer('old')
    expect(await series(get, name)).toEqual([])
  })

  test('how long a watch has been silent', async () => {
    const pods = podsOf([], 75.5)
    const { get } = serverWith({ pods, metrics: metrics([pods.watch, watchOfNodes]) })
    expect(await series(get, 'substratus_watch_silence_seconds')).toEqual([
      'substratus_watch_silence_seconds{watch="Pods"} 75.5',
    ])
  })

  test('the process itself', async () => {
    expect(await series(serverWith().get, 'process_resident_memory_bytes')).toHaveLength(1)
  })
})

describe('the time of the server', () => {
  const conditionsOf = async (now: string | undefined, status?: object) => {
    const server = serverWith(now ? { now: () => now } : {})
    const sent = { parent: { ...parent, ...(status && { status }) }, now: '1970-01-01T00:00:00Z' }
    const { body } = await server.post('/hooks/datasets/sync', sent)
    return body.status
  }
  const timesIn = ({ conditions }: { conditions: readonly { lastTransitionTime?: string }[] }) =>
    new Set(conditions.map(({ lastTransitionTime }) => lastTransitionTime))

  test('is in new conditions, and that of the request is not', async () => {
    expect(timesIn(await conditionsOf(undefined))).toEqual(new Set([undefined]))
    const status = await conditionsOf('2026-11-23T08:00:00Z')
    expect(timesIn(status)).toEqual(new Set(['2026-11-23T08:00:00Z']))
    const later = await conditionsOf('2026-11-24T08:00:00Z', status)
    expect(timesIn(later)).toEqual(new Set(['2026-11-23T08:00:00Z']))
  })
})
