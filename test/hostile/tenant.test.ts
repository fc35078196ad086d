import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Parent } from '../../crds/kind.ts'
import { kinds } from '../../crds/kinds.ts'
import { sentence } from '../../crds/schema/validator.ts'
import { hooks } from '../../hooks/hooks.ts'
import type { SyncResponse } from '../../hooks/observe/protocol.ts'
import { statusFaults } from '../../hooks/observe/trusted.ts'
import type { Child } from '../objects.ts'
import {
  aConfig,
  aDataset,
  aJob,
  aModel,
  aModelServer,
  aNotebook,
  aPod,
  applied,
  complete,
  completed,
  ended,
  mistyped,
  namesOf,
  observed,
  readyOf,
  report,
  requestFor,
  running,
  type Seen,
  statusOf,
  stored,
  sync,
  theChild,
} from '../objects.ts'

/**
 * Attacks by a tenant, who may edit Jobs, claims, workloads and our objects in one namespace, with their
 * annotations, labels and statuses. Metacontroller applies our responses with its own rights.
 */

const lastApplied = 'metacontroller.k8s.io/last-applied-configuration'

const data = complete(aDataset({ source: 'https://example.com/squad' }), {
  url: 'pvc://squad-dataset-artifacts/load/0123456789abcdef',
})
const base = complete(aModel({ source: 'hf://a/b' }, { name: 'base' }), {
  url: 'pvc://base-model-artifacts/run/0123456789abcdef',
})

/** An object of each kind, with all children that it can have at one time. */
const parents: readonly {
  readonly what: string
  readonly parent: Parent
  readonly references: readonly Seen[]
}[] = [
  { what: 'a Dataset', parent: aDataset({ image: 'i' }), references: [] },
  {
    what: 'a trained Model',
    parent: aModel({ image: 'i', dataset: { name: 'squad' } }),
    references: [data],
  },
  {
    what: 'a built Model',
    parent: aModel({ build: { git: { url: 'https://example.com/r' } } }),
    references: [],
  },
  { what: 'a ModelServer', parent: aModelServer({ model: { name: 'base' } }), references: [base] },
  {
    what: 'a ModelServer that may sleep',
    parent: aModelServer({ model: { name: 'base' }, image: 'i', idleTimeout: '1h' }),
    references: [base],
  },
  { what: 'a Notebook', parent: aNotebook({ image: 'i', idleTimeout: '1h' }), references: [] },
]

/** In all relevant states: in progress, invalid, suspended, waiting for a reference that is gone. */
const states = parents.flatMap(({ what, parent, references }) => {
  const spec = parent.spec as object
  const children = sync(parent, references).children.map((child) => observed(child, running))
  const before = stored(parent, sync(parent, references))
  return [
    { state: 'in progress', parent: before, references, children },
    {
      state: 'done',
      parent: before,
      references,
      children: children.map((child) =>
        child.kind === 'Job' ? { ...child, status: completed } : child,
      ),
    },
    {
      state: 'suspended',
      parent: { ...before, spec: { ...spec, suspend: true } },
      references,
      children,
    },
    {
      state: 'invalid',
      parent: { ...before, spec: { ...spec, image: 7 } },
      references,
      children,
    },
    { state: 'waiting', parent: before, references: [], children },
  ].map((one) => ({ ...one, title: `${what}, ${one.state}` }))
})

const annotated = (child: Child, annotations: Record<string, string>): Child => ({
  ...child,
  metadata: { ...child.metadata, annotations: { ...child.metadata.annotations, ...annotations } },
})

/** What a response may contain of an existing child: its identity, and a spec that is its own or ours. */
function expectHarmless(answer: SyncResponse, parent: Parent, children: readonly Child[]): void {
  const hook = hooks.find(({ kind }) => kind.kind === parent.kind)
  for (const child of answer.children) {
    expect(hook?.children.map(({ kind }) => kind)).toContain(child.kind)
    expect(['default', undefined]).toContain(child.metadata.namespace)
    expect(Object.keys(child).sort()).toEqual(['apiVersion', 'kind', 'metadata', 'spec'])
    expect(['name', 'labels', 'annotations']).toEqual(
      expect.arrayContaining(Object.keys(child.metadata)),
    )
    expect(JSON.stringify(child)).not.toContain('planted')
  }
  const claims = children.filter(({ kind }) => kind === 'PersistentVolumeClaim')
  for (const { metadata } of claims)
    expect(namesOf(answer)).toContain(`PersistentVolumeClaim ${metadata.name}`)
  const kind = kinds.find(({ kind: name }) => name === parent.kind)
  expect(kind && statusFaults(kind, answer.status).map(sentence)).toEqual([])
}

const planted = [
  {
    what: 'a RoleBinding of another namespace',
    applied: {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'planted', namespace: 'kube-system' },
      roleRef: { kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'User', name: 'planted' }],
    },
  },
  {
    what: 'a privileged Job of another namespace',
    applied: {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'planted', namespace: 'kube-system' },
      spec: { template: { spec: { hostPID: true, containers: [{ image: 'planted' }] } } },
    },
  },
  {
    what: 'owners, finalizers and labels',
    applied: {
      metadata: {
        name: 'planted',
        ownerReferences: [{ uid: 'planted' }],
        finalizers: ['planted'],
        labels: { planted: 'planted', 'controller-uid': 'planted' },
        annotations: { planted: 'planted' },
      },
      spec: { volumeName: 'planted', template: { spec: { nodeName: 'planted' } } },
    },
  },
  { what: 'nothing', applied: {} },
  { what: 'a spec that is a string', applied: { spec: 'planted' } },
  { what: 'a spec that is a list', applied: { spec: ['planted'], metadata: ['planted'] } },
  { what: 'metadata that is null', applied: { metadata: null, spec: null } },
]

describe.each(planted)(
  'a last-applied annotation with $what has no effect on the response',
  ({ applied }) => {
    test.each(states)('$title', ({ parent, references, children }) => {
      const hostile = children.map((child) =>
        annotated(child, { [lastApplied]: JSON.stringify(applied) }),
      )
      const answer = sync(parent, [...references, ...hostile])
      expectHarmless(answer, parent, children)
      expect(readyOf(answer)).not.toMatch(/ApplyBlocked|InternalError/)
    })
  },
)

test('no last-applied annotation of any JSON shape reaches a response', () => {
  const text = fc.oneof(
    fc.json(),
    fc.string(),
    fc.object().map((value) => JSON.stringify({ spec: value, metadata: value, kind: 'planted' })),
    fc.anything().map((value) => JSON.stringify({ metadata: { name: value }, spec: { a: value } })),
    fc.nat(12_000).map((depth) => '['.repeat(depth) + ']'.repeat(depth)),
    fc.nat(12_000).map((depth) => `${'{"spec":'.repeat(depth)}1${'}'.repeat(depth)}`),
  )
  fc.assert(
    fc.property(fc.constantFrom(...states), text, ({ parent, references, children }, value) => {
      const hostile = children.map((child) => annotated(child, { [lastApplied]: value ?? '' }))
      const answer = sync(parent, [...references, ...hostile])
      expectHarmless(answer, parent, children)
      expect(readyOf(answer)).not.toMatch(/InternalError/)
    }),
    { numRuns: 200 },
  )
}, 120_000)

/** Milliseconds of this thread, in the best of three syncs: other processes do not count. */
function cpuTimeOf(parent: Parent, ...seen: readonly Seen[]): number {
  const hook = hooks.find(({ kind }) => kind.kind === parent.kind)
  const text = JSON.stringify(requestFor(parent, ...seen))
  const took = [1, 2, 3].map(() => {
    const request = JSON.parse(text)
    const before = process.threadCpuUsage()
    hook?.sync(request, aConfig())
    const { user, system } = process.threadCpuUsage(before)
    return (user + system) / 1000
  })
  return Math.min(...took)
}

describe('many children with huge annotations', () => {
  const text = JSON.stringify({ a: Array.from({ length: 85_000 }, () => ({})) })
  const parent = aDataset({ image: 'i' })
  const first = sync(parent)
  const job = observed(theChild(first, 'Job'), running)
  const jobs = Array.from({ length: 27 }, (_, number) =>
    annotated(
      { ...job, metadata: { ...job.metadata, name: `squad-${number}` } },
      { [lastApplied]: text },
    ),
  )

  test.each([
    { when: 'the object is valid', now: parent },
    {
      when: 'the object is invalid, so that all Jobs are retained',
      now: aDataset({ image: 'i', source: 'https://example.com/x' }),
    },
  ])('take less than 300 ms when $when', ({ now }) => {
    expect(cpuTimeOf(stored(now, first), ...jobs)).toBeLessThan(300)
  })

  test('lose nothing, and Ready names one that is ignored', () => {
    const excessive = JSON.stringify({ a: Array.from({ length: 210_000 }, () => ({})) })
    const current = annotated(job, { [lastApplied]: excessive })
    const answer = sync(stored(parent, first), [...jobs, current])
    expect(readyOf(answer)).toBe(
      `False ApplyBlocked: Job "${job.metadata.name}" cannot be changed because its annotation ${lastApplied} contains too much to be read: kubectl annotate job ${job.metadata.name} ${lastApplied}- removes it`,
    )
    const { labels, annotations } = theChild(answer, 'Job').metadata
    expect({ ...annotations, ...labels }).toEqual({
      ...job.metadata.annotations,
      ...job.metadata.labels,
      [lastApplied]: undefined,
    })
  })
})

describe('a status that is huge and breaks its schema takes less than 300 ms', () => {
  const many = (count: number, item: (number: number) => unknown) =>
    Object.fromEntries(Array.from({ length: count }, (_, number) => [`k${number}`, item(number)]))

  test.each([
    { what: 'unknown fields', status: many(200_000, () => 1) },
    { what: 'records of unknown stages', status: { stages: many(200_000, () => ({})) } },
    {
      what: 'records of fields that are none',
      status: { stages: { load: many(200_000, () => 'x') } },
    },
    {
      what: 'an upstream of long names',
      status: { stages: { load: { upstream: many(50_000, () => 'x'.repeat(100)) } } },
    },
    {
      what: 'conditions without end',
      status: { conditions: Array.from({ length: 100_000 }, () => ({ type: 1 })) },
    },
    { what: 'a long text', status: { conditions: [{ type: 'Ready', message: 'é'.repeat(3e6) }] } },
    { what: 'a long address', status: { artifacts: { url: 'a'.repeat(6e6) } } },
  ])('$what', ({ status }) => {
    expect(cpuTimeOf({ ...aDataset({ image: 'i' }), status })).toBeLessThan(300)
  })
})

describe('no annotation is slow to parse or to compare', () => {
  const { parent, references, children } = states.find(
    ({ title }) => title === 'a ModelServer, in progress',
  ) as (typeof states)[number]
  const size = 250_000
  const env = Array.from({ length: 3000 }, (_, number) => ({ name: `A${number}` }))
  const keys = Object.fromEntries(Array.from({ length: 19_000 }, (_, i) => [`name${i}`, 0]))

  test.each([
    {
      what: 'runs of digits',
      text: `{"a":"${`${'1'.repeat(308)}x`.repeat(size / 309)}"}`,
    },
    {
      what: 'an item of many keys, beside many observed ones',
      text: JSON.stringify({ spec: { template: { spec: { containers: [{ env: [keys] }] } } } }),
    },
  ])('$what', ({ text }) => {
    const hostile = children.map((child) => {
      const edited = structuredClone(child)
      if (child.kind === 'Deployment') edited.spec.template.spec.containers[0].env = env
      return annotated(edited, { [lastApplied]: text })
    })
    expect(cpuTimeOf(parent, ...references, ...hostile)).toBeLessThan(300)
  })
})

test('a valid annotation is returned unchanged', () => {
  for (const { parent, references, children } of states) {
    const answer = sync(parent, [...references, ...children])
    for (const child of answer.children.filter(({ kind }) => kind === 'Job')) {
      const before = children.find(({ metadata }) => metadata.name === child.metadata.name)
      // The next stage may be created in the same answer.
      if (!before) continue
      const { spec } = JSON.parse(before.metadata.annotations?.[lastApplied] ?? '{}')
      expect({ ...child.spec, suspend: undefined }).toEqual({ ...spec, suspend: undefined })
    }
  }
})

describe('an annotation that Metacontroller cannot parse is reported with the command that removes it', () => {
  test.each([
    { what: 'a list', text: '[]' },
    { what: 'a string', text: '"text"' },
    { what: 'a number', text: '7' },
    { what: 'a boolean', text: 'true' },
    { what: 'half an object', text: '{' },
    { what: 'an object with a number of a huge exponent', text: '{"spec":1e999}' },
    { what: 'an object with 300 digits and an exponent', text: `{"spec":${'9'.repeat(300)}e20}` },
    { what: 'an object with 310 digits', text: `{"spec":${'9'.repeat(310)}}` },
    {
      what: 'an object that is too deep for Go',
      text: `{"a":${'['.repeat(10_001)}${']'.repeat(10_001)}}`,
    },
  ])('$what', ({ text }) => {
    const parent = aModel({ image: 'i', dataset: { name: 'squad' }, suspend: true })
    const first = sync(aModel({ image: 'i', dataset: { name: 'squad' } }), [data])
    const job = annotated(observed(theChild(first, 'Job'), running), { [lastApplied]: text })
    const answer = sync(stored(parent, first), [data, job])
    expect(readyOf(answer)).toBe(
      `False ApplyBlocked: Job "${job.metadata.name}" cannot be changed because its annotation ${lastApplied} is not a JSON object: kubectl annotate job ${job.metadata.name} ${lastApplied}- removes it`,
    )
  })

  test.each(['', 'null', '{}', '{"spec":{"a":1e300}}'])('%j blocks nothing', (text) => {
    const parent = aDataset({ image: 'i' })
    const first = sync(parent)
    const children = first.children.map((child) =>
      annotated(observed(child, running), { [lastApplied]: text }),
    )
    expect(readyOf(sync(stored(parent, first), children))).not.toMatch('ApplyBlocked')
  })
})

test('a claim with an invalid size stays unchanged', () => {
  const parent = aDataset({ image: 'i' })
  const first = sync(parent)
  const claim = observed(theChild(first, 'PersistentVolumeClaim'))
  const resized = { ...claim, spec: { ...claim.spec, resources: { requests: { storage: '5n' } } } }
  const answer = sync(stored(parent, first), [resized])
  expect(theChild(answer, 'PersistentVolumeClaim').spec.resources.requests.storage).toBe('5n')
})

test('an internal error leaves children unchanged, and adopts no foreign ones', () => {
  const hook = hooks.find(({ kind }) => kind.kind === 'Dataset')
  const parent = aDataset({ image: 'i' })
  const claim = observed(theChild(sync(parent), 'PersistentVolumeClaim'))
  const stranger = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'planted' } }
  let heard: unknown
  const answer = hook?.sync(
    {
      ...requestFor(parent, claim, stranger),
      related: { 'Pod.v1': { a: { kind: 'Pod' } } },
    } as never,
    aConfig(),
    (error) => {
      heard = error
    },
  )
  expect(heard).toBeInstanceOf(Error)
  expect(answer && readyOf(answer)).toMatch(/^False InternalError: /)
  expect(answer && namesOf(answer)).toEqual(['PersistentVolumeClaim squad-dataset-artifacts'])
})

describe('a server that retains its template while another configuration is pending', () => {
  const configOf = (image: string) =>
    aConfig({ servers: { default: 'vllm', presets: { vllm: { image } } } })
  const parent = aModelServer({ model: { name: 'base' } })
  const first = sync(parent, [base], configOf('example.com/vllm:1'))
  const available = {
    replicas: 1,
    updatedReplicas: 1,
    availableReplicas: 1,
    conditions: [{ type: 'Available', status: 'True' }],
  }
  const service = observed(theChild(first, 'Service'))
  const deployment = observed(theChild(first, 'Deployment'), available)
  const answered = (child: Child) =>
    sync(parent, [base, service, child], configOf('example.com/vllm:2'))
  const imagesIn = (answer: SyncResponse): readonly string[] =>
    theChild(answer, 'Deployment').spec.template.spec.containers.map(
      ({ image }: Child['spec']) => image,
    )

  test('emits the applied one', () => {
    const answer = answered(deployment)
    expect(imagesIn(answer)).toEqual(['example.com/vllm:1'])
    expect(readyOf(answer)).toMatch(/^True UpdatePending: .*image vllm 1 → 2/)
  })

  test.each(planted)('emits no template out of an annotation with $what', ({ applied }) => {
    const answer = answered(annotated(deployment, { [lastApplied]: JSON.stringify(applied) }))
    expectHarmless(answer, parent, [deployment])
    expect(imagesIn(answer)).toEqual(['example.com/vllm:2'])
  })

  test('emits no template that only an annotation contains', () => {
    const { spec } = structuredClone(deployment)
    spec.template.spec.containers[0].image = 'planted'
    const answer = answered(annotated(deployment, { [lastApplied]: JSON.stringify({ spec }) }))
    expectHarmless(answer, parent, [deployment])
    expect(imagesIn(answer)).toEqual(['example.com/vllm:2'])
  })

  test.each([
    {
      what: 'of another image',
      edit: (container: { image: string }) => (container.image = 'planted'),
    },
    {
      what: 'that is privileged',
      edit: (container: object) =>
        Object.assign(container, { securityContext: { privileged: true, planted: 'planted' } }),
    },
  ])('retains no container $what that somebody edited into it', ({ edit }) => {
    const edited = structuredClone(deployment)
    edit(edited.spec.template.spec.containers[0])
    const answer = answered(edited)
    expectHarmless(answer, parent, [deployment])
    expect(imagesIn(answer)).toEqual(['example.com/vllm:2'])
  })

  test('takes less than 300 ms to name an image that is as long as may be', () => {
    const { spec } = structuredClone(deployment)
    spec.template.spec.containers[0].image = `x${':'.repeat(200_000)}/`
    const edited = annotated({ ...deployment, spec }, { [lastApplied]: JSON.stringify({ spec }) })
    expect(cpuTimeOf(parent, base, service, edited)).toBeLessThan(300)
  })

  test.each([
    { what: 'without containers', template: { metadata: {}, spec: {} } },
    { what: 'with an empty list of them', template: { metadata: {}, spec: { containers: [] } } },
    { what: 'that is empty', template: {} },
  ])('emits no template $what, even if both agree', ({ template }) => {
    const spec = { ...deployment.spec, template }
    const hollow = annotated({ ...deployment, spec }, { [lastApplied]: JSON.stringify({ spec }) })
    expect(imagesIn(answered(hollow))).toEqual(['example.com/vllm:2'])
  })

  test.each([
    '',
    'planted',
    '../../x',
    'g'.repeat(16),
    '0'.repeat(17),
    '{"planted":1}',
    '-1',
    '1e9',
  ])('uses no annotation of ours that is %j', (value) => {
    const forged = annotated(deployment, {
      'substratus.ai/inputs': value,
      'substratus.ai/template-generation': value,
    })
    const answer = answered(forged)
    expectHarmless(answer, parent, [deployment])
    expect(readyOf(answer)).toMatch(/^True UpdatePending/)
  })

  test('has the present template once its hash is another one, whoever wrote it', () => {
    const answer = answered(annotated(deployment, { 'substratus.ai/inputs': '0'.repeat(16) }))
    expect(imagesIn(answer)).toEqual(['example.com/vllm:2'])
  })

  test('is as before when its generation is forged, and nothing is written for ever', () => {
    const forged = annotated(deployment, { 'substratus.ai/template-generation': '999999999999999' })
    const answer = answered({ ...forged, metadata: { ...forged.metadata, generation: 3 } })
    const { annotations } = theChild(answer, 'Deployment').metadata
    expect(annotations?.['substratus.ai/template-generation']).toBe('3')
  })

  test('an image that no status may name is not in the status', () => {
    const edited = structuredClone(deployment)
    edited.spec.template.spec.containers[0].image = 'a b'
    const both = annotated(edited, { [lastApplied]: JSON.stringify({ spec: edited.spec }) })
    const answer = answered(both)
    expect(readyOf(answer)).toMatch(/^True UpdatePending/)
    expect(statusOf(answer).image).toBe('example.com/vllm:2')
  })
})

describe('the annotations of a Job are trusted only if its name proves them', () => {
  const parent = aDataset({ image: 'i' })
  const job = aJob(sync(parent), completed)
  const pod = aPod(job, ended(0, report({ bytes: 1 })))
  const honest = statusOf(sync(parent, [job, pod])).stages?.written

  test.each([
    { what: 'an attempt that leads out of its folder', annotations: { attempt: '../../../etc' } },
    { what: 'an attempt of another Job', annotations: { attempt: 'f'.repeat(16) } },
    { what: 'inputs that are none', annotations: { inputs: 'x'.repeat(100_000) } },
    { what: 'no attempt', annotations: { attempt: '' } },
  ])('$what changes no record', ({ annotations }) => {
    const named = Object.fromEntries(
      Object.entries(annotations).map(([name, value]) => [`substratus.ai/${name}`, value]),
    )
    const answer = sync(parent, [annotated(job, named), pod])
    expect(honest).toBeDefined()
    expect(statusOf(answer).stages?.written).toEqual(honest)
  })

  test('another Job is trusted only if its name ends in its attempt', () => {
    const other = {
      ...annotated(job, { 'substratus.ai/attempt': 'abcdef0123456789' }),
      metadata: { ...job.metadata, name: 'squad-dataset-load-00000000' },
    }
    expect(readyOf(sync(parent, [other]))).toMatch(/^False Pending: starting Job/)
  })

  test('its upstreams are recorded only as known fields with bounded values', () => {
    const model = aModel({ image: 'i', dataset: { name: 'squad' } })
    const run = aJob(sync(model, [data]), completed)
    const noted = (upstream: unknown) => {
      const seen = annotated(run, { 'substratus.ai/upstream': JSON.stringify(upstream) })
      const answer = sync(model, [data, seen, aPod(run, ended(0, report({ bytes: 1 })))])
      return statusOf(answer).stages?.written?.upstream
    }
    expect(noted({ dataset: 'one', model: 'planted', planted: 'x' })).toEqual({ dataset: 'one' })
    expect(noted({ dataset: 'x'.repeat(5000) })).toBeUndefined()
    expect(noted({ dataset: { planted: 1 } })).toBeUndefined()
    expect(noted(['planted'])).toBeUndefined()
  })
})

describe('a status cannot refer to anything outside the storage of its object', () => {
  const trains = aModel({ image: 'i', dataset: { name: 'squad' } })
  const s3 = { driver: 's3', s3: { bucket: 'b', prefix: 'p' } } as const
  const mine = 'default/dataset-squad/load/0123456789abcdef'

  test.each([
    'hostpath:///etc',
    'hostpath:///var/lib/substratus/default/dataset-squad/load/0123456789abcdef',
    'pvc://squad-dataset-artifacts/load/../../x',
    'pvc://squad-dataset-artifacts/load/..',
    'pvc://squad-dataset-artifacts//load',
    'pvc://other-dataset-artifacts/load/0123456789abcdef',
    'pvc://squad-dataset-artifacts-2/load/0123456789abcdef',
    `s3://other/p/${mine}`,
    `s3://b/p/${mine}`,
    'file:///etc/passwd',
    'gs://b/p',
  ])('%s is not mounted', (url) => {
    const answer = sync(trains, [complete(aDataset({ image: 'i' }), { url })])
    expect(namesOf(answer).filter((name) => name.startsWith('Job'))).toEqual([])
    expect(readyOf(answer)).toMatch(/^False Waiting: waiting for Dataset "squad": /)
  })

  test.each([
    {
      what: 'of its own claim',
      url: 'pvc://squad-dataset-artifacts/load/0123456789abcdef',
      spec: { image: 'i' },
      storage: {},
    },
    {
      what: 'that is its own source',
      url: 'pvc://corpus/2026/may',
      spec: { source: 'pvc://corpus/2026/may' },
      storage: {},
    },
    { what: 'of the present bucket', url: `s3://b/p/${mine}`, spec: { image: 'i' }, storage: s3 },
    {
      what: 'of a former bucket',
      url: `s3://b/p/${mine}`,
      spec: { image: 'i' },
      storage: { former: ['s3://b/p'] },
    },
    {
      what: 'of a former folder',
      url: `hostpath:///old/${mine}`,
      spec: { image: 'i' },
      storage: { former: ['hostpath:///old'], hostPath: { allowed: true } },
    },
  ])('an address $what is mounted', ({ url, spec, storage }) => {
    const answer = sync(trains, [complete(aDataset(spec), { url })], aConfig({ storage }))
    expect(namesOf(answer).filter((name) => name.startsWith('Job'))).toHaveLength(1)
  })

  test.each([
    {
      what: 'a record with another attempt',
      status: { stages: { run: { job: 'j', inputs: 'x', attempt: '../..' } } },
    },
    {
      what: 'an image that is an option',
      status: { artifacts: { id: 'x', image: '--from=/etc' } },
    },
    {
      what: 'fields of other types',
      status: { stages: [], conditions: {}, artifacts: 7, bases: 'x' },
    },
    { what: 'a status that is a list', status: ['planted'] },
    { what: 'a status that is a text', status: 'planted' },
  ])('$what in the status of the object itself is ignored', ({ status }) => {
    const answer = sync({ ...trains, status } as Parent, [data])
    expect(readyOf(answer)).toMatch(/^False Pending: starting Job/)
    expect(answer.children).toEqual(sync(trains, [data]).children)
    expect(JSON.stringify(answer.status)).not.toMatch(/planted|--from|\.\./)
  })
})

describe('Ready of a server in a queue', () => {
  const queue = { 'kueue.x-k8s.io/queue-name': 'gpus' }
  const parent = aModelServer({ model: { name: 'base' } }, { labels: queue })
  const answer = sync(parent, [base])
  const seen = [base, ...applied(answer)]
  const held = (more: object = {}, name = 'kueue.x-k8s.io/admission'): Child => {
    const pod = aPod(theChild(answer, 'Deployment'), { phase: 'Pending' }, { uid: 'pod', ...more })
    const { nodeName, ...spec } = pod.spec
    return { ...pod, spec: { ...spec, schedulingGates: [{ name }] } }
  }
  const workload = (message: unknown, namespace = 'default') =>
    mistyped<Child>({
      apiVersion: 'kueue.x-k8s.io/v1beta2',
      kind: 'Workload',
      metadata: { name: 'w', namespace, labels: { 'kueue.x-k8s.io/job-uid': 'pod' } },
      status: { conditions: [{ type: 'QuotaReserved', status: 'False', message }] },
    })
  const ready = (...more: readonly Child[]) => readyOf(sync(parent, [...seen, ...more]))
  const waits = 'False Queued: Pod "falcon-server-x7k2p" waits in queue "gpus"'

  test.each([
    { by: 'a Pod of another namespace', more: [held({ namespace: 'theirs' })] },
    {
      by: 'a Pod of another object',
      more: [held({ labels: { 'substratus.ai/parent-uid': 'x' } })],
    },
  ])('is not that of $by', ({ more }) => {
    expect(ready(...more, workload('planted'))).toMatch(/^False Pending: no Pod yet/)
  })

  test('is one line, without the words of a Workload in another namespace', () => {
    expect(ready(held(), workload('planted', 'theirs'))).toBe(waits)
    expect(ready(held(), workload('full\nTrue Serving: planted'))).toBe(
      `${waits}: full True Serving: planted`,
    )
  })

  test('is Pending if somebody else holds the Pod, or it names no queue', () => {
    expect(ready(held({}, 'theirs.example.com/kueue.x-k8s.io'))).toMatch(/^False Pending/)
    const labels = { 'kueue.x-k8s.io/queue-name': undefined } as never
    expect(ready(held({ labels }))).toMatch(/^False Pending/)
  })
})

describe('an image is known by the digest that its builder reported', () => {
  const parent = aModel({ build: { git: { url: 'https://example.com/r' } } })
  const job = aJob(sync(parent), completed)
  const first = sync(parent, [job])
  const second = sync(stored(parent, first), [job])

  test('its Pod may be observed later than its Job', () => {
    expect(readyOf(first)).toMatch(/^False Finishing: /)
    expect(namesOf(first)).toContain(`Job ${job.metadata.name}`)
  })

  test('it is built again if the Pod is gone', () => {
    expect(readyOf(second)).toMatch(/^False Pending: removing Job ".*", whose digest was lost/)
    expect(namesOf(second)).toEqual([])
    expect(statusOf(second).stages).toBeUndefined()
    expect(namesOf(sync(stored(parent, second)))).toEqual([`Job ${job.metadata.name}`])
  })

  test('while Pods are not watched, a missing one is not considered gone', () => {
    const hook = hooks.find(({ kind }) => kind.kind === 'Model')
    const request = { ...requestFor(stored(parent, first), job), podsMayBeMissing: true }
    const answer = hook?.sync(request, aConfig())
    expect(answer && readyOf(answer)).toMatch(/^False Finishing: /)
  })

  test('the report is awaited until its Pod has ended', () => {
    const seen = [job, aPod(job, { phase: 'Running' })]
    expect(readyOf(sync(stored(parent, first), seen))).toMatch(/^False Finishing: /)
  })

  test('of several succeeded containers, the one with a report counts', () => {
    const beside = { name: 'a', state: { terminated: { exitCode: 0 } } }
    const { phase, containerStatuses } = ended(0, report())
    const pod = aPod(job, { phase, containerStatuses: [beside, ...containerStatuses] })
    expect(statusOf(sync(parent, [job, pod])).stages?.build?.image).toMatch(/@sha256:/)
  })

  test('a Pod without a report is an error', () => {
    const answer = sync(stored(parent, first), [job, aPod(job, ended(0, 'built'))])
    expect(readyOf(answer)).toMatch(/^False Failed: Job ".*" is complete but reported no digest/)
    expect(namesOf(answer)).toContain(`Job ${job.metadata.name}`)
    const seen = [job, aPod(job, ended(0, 'built'))]
    expect(readyOf(sync(stored(parent, answer), seen))).toBe(readyOf(answer))
  })

  test('nothing else is reported while the Job is being deleted', () => {
    const leaving = { ...job, metadata: { ...job.metadata, deletionTimestamp: 'now' } }
    expect(readyOf(sync(stored(parent, second), [leaving]))).toBe(readyOf(second))
  })
})

describe('a forged status of an adapter puts nothing into the command line of its server', () => {
  const adapters = [{ name: 'polite' }]
  const parent = aModelServer({ model: { name: 'base' }, runtime: 'vllm', adapters })
  const served = (forged: object) => {
    const adapter = complete(aModel({ image: 'i', model: { name: 'base' } }, { name: 'polite' }), {
      image: 'registry.test/polite@sha256:1',
      inImage: true,
      adapter: { format: 'peft', rank: 16, base: 'one', ...forged },
    })
    const answer = sync(parent, [base, adapter], aConfig({ imageVolumes: 'Enabled' }))
    const [deployment] = answer.children.filter(({ kind }) => kind === 'Deployment') as Child[]
    return { ready: readyOf(answer), args: deployment?.spec.template.spec.containers[0].args }
  }

  test.each([
    { what: 'a path that leads elsewhere', forged: { path: '../../model' } },
    { what: 'a path that is another flag', forged: { path: 'a --trust-remote-code' } },
    { what: 'a path that is a list', forged: { path: 'a,b=/content/model' } },
    { what: 'a path with a placeholder', forged: { path: '{rank}' } },
    { what: 'a path with a line feed', forged: { path: 'a\nb' } },
  ])('with $what', ({ forged }) => {
    expect(served(forged).args).toContain('polite=/content/adapters/polite')
  })

  test.each([
    { what: 'a rank that is a word', forged: { rank: '16 --port=1' } },
    { what: 'a rank below 1', forged: { rank: -1 } },
    { what: 'an unknown format', forged: { format: 'pickle' } },
  ])('with $what it is no adapter', ({ forged }) => {
    expect(served(forged)).toEqual({
      ready: expect.stringContaining('the result of Model "polite" is no adapter'),
      args: undefined,
    })
  })

  test('with the largest rank there is, it is refused', () => {
    const { ready } = served({ rank: Number.MAX_SAFE_INTEGER })
    expect(ready).toContain('preset "vllm" serves ranks up to 512')
  })
})
