import { describe, expect, test } from 'vitest'
import type { Config, ConfigFile } from '../../../crds/config.ts'
import type { Parent } from '../../../crds/kind.ts'
import type { SyncResponse } from '../../../hooks/observe/protocol.ts'
import {
  aConfig,
  aModel,
  aModelServer,
  aNotebook,
  aPod,
  type Child,
  complete,
  type Json,
  observed,
  readyOf,
  type Seen,
  sync,
  theChild,
} from '../../objects.ts'

/** When a server gets another Pod template, and what Ready reports until then. */

const presetOf = (image: string, more: object = {}): ConfigFile => ({
  servers: { default: 'vllm', presets: { vllm: { image, args: ['--port={port}'], ...more } } },
})
const older = presetOf('example.com/org/vllm-openai:v0.18')
const newer = presetOf('example.com/org/vllm-openai:v0.33')
const take =
  'kubectl annotate --overwrite modelserver falcon substratus.ai/rollout="$(date)" rolls it out'
const pending = `update pending: image vllm-openai v0.18 → v0.33: ${take}`

const falcon = (id = 'one') =>
  complete(aModel({ source: 'hf://org/falcon' }), { url: 'pvc://falcon-model-artifacts/run/1', id })
const spec = { model: { name: 'falcon' } }
const gpu = { resources: { gpu: { type: 'nvidia-l4' } } }

/** A cluster in which one ModelServer serves. Its Pods answer unless they are told otherwise. */
interface Cluster {
  parent: Parent
  config: Config
  model: Seen
  deployment?: Child
  /** How often the Deployment was written, and how often its Pods were replaced. */
  writes: number
  rollouts: number
  answers: boolean
  /** Whether the Deployment controller is late to observe what was written. */
  isLate: boolean
}

const start = (file: ConfigFile, more: object = {}): Cluster => ({
  parent: aModelServer({ ...spec, ...more }),
  config: aConfig(file),
  model: falcon(),
  writes: 0,
  rollouts: 0,
  answers: true,
  isLate: false,
})

function viewOf({ deployment, model, answers, isLate, rollouts }: Cluster): readonly Seen[] {
  if (!deployment) return [model]
  const { replicas } = deployment.spec
  const availableReplicas = answers ? replicas : 0
  const observedGeneration = (deployment.metadata.generation ?? 0) - (isLate ? 1 : 0)
  const status = {
    observedGeneration,
    replicas,
    updatedReplicas: replicas,
    availableReplicas,
    conditions: [{ type: 'Available', status: answers ? 'True' : 'False' }],
  }
  const pod = aPod(
    deployment,
    { phase: 'Running', containerStatuses: [{ name: 'server', ready: answers }] },
    { labels: { 'pod-template-hash': String(rollouts) } },
  )
  return [model, { ...deployment, status }, ...(replicas ? [pod] : [])]
}

/** Metacontroller writes what differs, and the Deployment controller replaces the Pods. */
function write(cluster: Cluster, answer: SyncResponse): void {
  const child = theChild(answer, 'Deployment')
  const now = observed(child)
  const before = cluster.deployment
  const generation = before?.metadata.generation ?? 0
  const { generation: _, ...metadata } = before?.metadata ?? {}
  if (before && JSON.stringify({ ...before, metadata }) === JSON.stringify(now)) return
  cluster.writes++
  if (JSON.stringify(before?.spec.template) !== JSON.stringify(now.spec.template))
    cluster.rollouts++
  cluster.deployment = { ...now, metadata: { ...now.metadata, generation: generation + 1 } }
}

/** Syncs until nothing changes. In between the controller is late, and Ready must not care. */
function settle(cluster: Cluster): string {
  const rolled = cluster.rollouts
  const ready: string[] = []
  for (let round = 0; round < 4; round++) {
    const { writes } = cluster
    const answer = sync(cluster.parent, [...viewOf(cluster), service], cluster.config)
    write(cluster, answer)
    ready.push(readyOf(answer))
    cluster.isLate = cluster.writes !== writes
    if (cluster.isLate) {
      const late = readyOf(sync(cluster.parent, [...viewOf(cluster), service], cluster.config))
      // While the same Pods answer, no answer says anything else than the first.
      if (cluster.rollouts === rolled && ready[0]?.startsWith('True')) expect(late).toBe(ready[0])
    }
    cluster.isLate = false
  }
  const { writes } = cluster
  write(cluster, sync(cluster.parent, [...viewOf(cluster), service], cluster.config))
  expect(cluster.writes).toBe(writes)
  return ready.at(-1) ?? ''
}

const service = observed(theChild(sync(aModelServer(spec), [falcon()]), 'Service'))

const annotate =
  (annotations: Record<string, string>, part: 'annotations' | 'labels' = 'annotations') =>
  (cluster: Cluster) => {
    const { metadata } = cluster.parent
    cluster.parent = {
      ...cluster.parent,
      metadata: { ...metadata, [part]: { ...metadata[part], ...annotations } },
    }
  }
const configure = (file: ConfigFile) => (cluster: Cluster) => {
  cluster.config = aConfig(file)
}
const change = (more: object) => (cluster: Cluster) => {
  cluster.parent = { ...cluster.parent, spec: { ...(cluster.parent.spec as object), ...more } }
}
const stopAnswering = (cluster: Cluster) => {
  cluster.answers = false
}
const answerAgain = (cluster: Cluster) => {
  cluster.answers = true
}
/** What a version without the annotations writes. */
const downgrade = (cluster: Cluster) => {
  const answer = sync(cluster.parent, [cluster.model], cluster.config)
  const { metadata, ...child } = theChild(answer, 'Deployment')
  const { annotations: _, ...bare } = metadata
  write(cluster, { ...answer, children: [{ ...child, metadata: bare }] })
}

const serving = 'True Serving: 1 of 1 replicas available'
const isPending = `True UpdatePending: 1 of 1 replicas available; ${pending}`

type Step = readonly [
  what: string,
  act: (cluster: Cluster) => void,
  ready: string | RegExp,
  rollouts: number,
]

describe.each<{ history: string; more?: object; steps: readonly Step[] }>([
  {
    history: 'another preset waits for the annotation',
    more: gpu,
    steps: [
      ['the configuration changes', configure(newer), isPending, 1],
      ['it is annotated', annotate({ 'substratus.ai/rollout': 'now' }), serving, 2],
      ['the configuration returns', configure(older), /^True UpdatePending: .* v0\.33 → v0\.18/, 2],
      [
        'the annotation stays as it is',
        annotate({ 'substratus.ai/rollout': 'now' }),
        /^True Up/,
        2,
      ],
      ['it gets another value', annotate({ 'substratus.ai/rollout': 'again' }), serving, 3],
    ],
  },
  {
    history: 'a configuration that returns changes nothing',
    steps: [
      ['the configuration changes', configure(newer), isPending, 1],
      ['it returns', configure(older), serving, 1],
    ],
  },
  {
    history: 'the object, and what it serves, decide at once',
    more: gpu,
    steps: [
      ['the configuration changes', configure(newer), isPending, 1],
      ['the object changes', change({ env: { A: 'b' } }), serving, 2],
      [
        'the Model changes',
        (cluster) => {
          cluster.model = falcon('two')
        },
        serving,
        2,
      ],
      ['the configuration changes', configure(older), /^True UpdatePending/, 2],
      [
        'the Model changes',
        (cluster) => {
          cluster.model = falcon('three')
        },
        serving,
        3,
      ],
    ],
  },
  {
    history: 'replicas, strategy and suspend are no part of the template',
    steps: [
      ['the configuration changes', configure(newer), isPending, 1],
      ['the strategy changes', change({ strategy: 'Recreate' }), isPending, 1],
      ['it is suspended', change({ suspend: true }), /^True Suspended/, 2],
      ['it is resumed', change({ suspend: false }), serving, 2],
    ],
  },
  {
    history: 'a server whose Pods do not answer takes it at once',
    more: gpu,
    steps: [
      ['its Pod stops answering', stopAnswering, /^False Starting/, 1],
      ['the configuration changes', configure(newer), /^False Starting/, 2],
      ['it answers', answerAgain, serving, 2],
    ],
  },
  {
    history: 'a pending template is applied when the last Pod is gone',
    steps: [
      ['the configuration changes', configure(newer), isPending, 1],
      ['its Pod stops answering', stopAnswering, /^False Starting/, 2],
      ['it answers', answerAgain, serving, 2],
    ],
  },
  {
    history: 'an earlier version without the annotations, and back',
    more: gpu,
    steps: [
      ['the earlier version answers', downgrade, serving, 1],
      ['another configuration comes with the next version', configure(newer), isPending, 1],
      ['the earlier version answers', downgrade, serving, 2],
    ],
  },
  {
    history: 'an old request in the annotation restarts nothing after a downgrade',
    steps: [
      ['it is annotated', annotate({ 'substratus.ai/rollout': 'now' }), serving, 1],
      ['the earlier version answers', downgrade, serving, 1],
      ['the configuration changes', configure(newer), isPending, 1],
      ['it gets another value', annotate({ 'substratus.ai/rollout': 'again' }), serving, 2],
    ],
  },
  {
    history: 'labels and annotations reach the Deployment at once, its Pods with the next template',
    more: gpu,
    steps: [
      ['a label changes', annotate({ 'helm.sh/chart': 'a-1' }, 'labels'), serving, 1],
      ['an annotation changes', annotate({ 'example.com/note': 'b' }), serving, 1],
      ['a label changes', annotate({ 'helm.sh/chart': 'a-2' }, 'labels'), serving, 1],
      ['the object changes', change({ env: { A: 'b' } }), serving, 2],
    ],
  },
  {
    history: 'rollout: Always',
    more: gpu,
    steps: [['the configuration changes', configure({ ...newer, rollout: 'Always' }), serving, 2]],
  },
  {
    history: 'rolloutRevision renews all',
    steps: [
      ['the configuration changes', configure(newer), isPending, 1],
      ['its revision, too', configure({ ...newer, rolloutRevision: '2' }), serving, 2],
      ['only the revision', configure({ ...newer, rolloutRevision: '3' }), serving, 2],
    ],
  },
  {
    history: 'other images of the tools',
    steps: [
      [
        'they change',
        (cluster) => {
          cluster.config = aConfig({ ...older, images: { loader: 'loader:2', idle: 'idle:2' } })
        },
        serving,
        1,
      ],
    ],
  },
])('$history', ({ more = {}, steps }) => {
  test(`${steps.map(([what]) => what).join(', ')}`, () => {
    const cluster = start(older, more)
    expect(settle(cluster)).toBe(serving)
    for (const [what, act, ready, rollouts] of steps) {
      act(cluster)
      expect(settle(cluster), what).toMatch(ready)
      expect(cluster.rollouts, what).toBe(rollouts)
    }
  })
})

describe('the Deployment of an earlier version', () => {
  const said = (type: string, status: string, observedGeneration = 1) => ({
    type,
    status,
    reason: status === 'True' ? 'Serving' : 'Waiting',
    message: 'x',
    observedGeneration,
  })

  test.each([
    { when: 'served this spec', conditions: [said('Ready', 'True')], rollouts: 1 },
    { when: 'never saw this spec', conditions: [said('Ready', 'True', 0)], rollouts: 2 },
    { when: 'waited for another Model', conditions: [said('Ready', 'False')], rollouts: 2 },
  ])('that $when has had $rollouts rollouts', ({ conditions, rollouts }) => {
    const cluster = start(older)
    settle(cluster)
    downgrade(cluster)
    const status = { ready: true, conditions: [...conditions, said('Serving', 'True')] }
    cluster.parent = { ...cluster.parent, status } as Parent
    change({ env: { A: 'b' } })(cluster)
    settle(cluster)
    expect(cluster.rollouts).toBe(rollouts)
  })
})

test('labels and annotations are on the Deployment at once', () => {
  const cluster = start(older)
  settle(cluster)
  annotate({ team: 'a' }, 'labels')(cluster)
  annotate({ 'example.com/note': 'b', 'kubectl.kubernetes.io/x': 'c', 'substratus.ai/y': 'd' })(
    cluster,
  )
  settle(cluster)
  const { metadata, spec: made } = cluster.deployment as Child
  expect(metadata.labels).toMatchObject({ team: 'a' })
  expect(metadata.annotations).toMatchObject({ 'example.com/note': 'b' })
  expect(Object.keys(metadata.annotations ?? {})).not.toContain('kubectl.kubernetes.io/x')
  expect(Object.keys(metadata.annotations ?? {})).not.toContain('substratus.ai/y')
  expect(made.template.metadata.labels).not.toHaveProperty('team')
  annotate({ 'substratus.ai/rollout': 'now' })(cluster)
  settle(cluster)
  expect(cluster.deployment?.spec.template.metadata.labels).toMatchObject({ team: 'a' })
})

test('they follow even while its Model is gone, and nothing else does', () => {
  const cluster = start(older)
  settle(cluster)
  annotate({ 'example.com/old': 'a' })(cluster)
  settle(cluster)
  const before = cluster.deployment as Child
  const parent = aModelServer(spec, {
    labels: { team: 'a' },
    annotations: { 'example.com/note': 'b' },
  })
  const answer = sync(parent, [before, service], aConfig(newer))
  expect(readyOf(answer)).toMatch(/^False ReferenceMissing/)
  const { metadata, spec: made } = theChild(answer, 'Deployment')
  const { 'example.com/old': _, ...own } = before.metadata.annotations ?? {}
  expect(metadata.labels).toEqual({ ...before.metadata.labels, team: 'a' })
  expect(metadata.annotations).toEqual({
    'example.com/note': 'b',
    'substratus.ai/inputs': own['substratus.ai/inputs'],
    'substratus.ai/template-generation': '1',
  })
  expect(made).toEqual(before.spec)
})

test('annotations that do not fit on the Deployment are left out', () => {
  const long = { 'example.com/note': 'x'.repeat(120_000) }
  const parent = (more: object) => aModelServer({ ...spec, ...more }, { annotations: long })
  const noted = (more: object) =>
    theChild(sync(parent(more), [falcon()]), 'Deployment').metadata.annotations
  expect(noted({})).not.toHaveProperty('example.com/note')
  const short = aModelServer(spec, { annotations: { 'example.com/note': 'x'.repeat(9000) } })
  const { metadata } = theChild(sync(short, [falcon()]), 'Deployment')
  expect(metadata.annotations).toHaveProperty('example.com/note')
})

describe('what would change', () => {
  const { presets: { vllm } = {} } = aConfig(older).servers
  test.each<{ what: string; file: ConfigFile; says: string }>([
    {
      what: 'another registry',
      file: presetOf('other.example.com/vllm:v1'),
      says: 'image example.com/org/vllm-openai:v0.18 → other.example.com/vllm:v1',
    },
    {
      what: 'arguments and variables',
      file: presetOf(vllm?.image ?? '', { args: ['--fast'], env: { A: 'b', C: 'd' } }),
      says: 'args, env A, env C',
    },
    {
      what: 'a health path',
      file: presetOf(vllm?.image ?? '', { health: '/up' }),
      says: 'readinessProbe',
    },
    {
      what: 'other requests, as limits too',
      file: { ...older, limits: 'Memory', resources: { ModelServer: { memory: 12 } } },
      says: 'requests memory 10Gi → 12Gi, limits memory none → 12Gi',
    },
    {
      what: 'a pull secret and an account',
      file: {
        ...older,
        registry: { pullSecretName: 'pull' },
        serviceAccounts: { ModelServer: 'serve' },
      },
      says: 'imagePullSecrets, serviceAccountName',
    },
    {
      what: 'Pod Security',
      file: { ...older, podSecurity: 'restricted', userNamespaces: true },
      says: 'securityContext, hostUsers, securityContext',
    },
    {
      what: 'more than a person reads',
      file: {
        ...presetOf('example.com/org/vllm-openai:v0.33', {
          command: ['serve'],
          args: ['--fast'],
          env: { A: 'b', C: 'd', E: 'f' },
          health: '/up',
        }),
      },
      says: 'image vllm-openai v0.18 → v0.33, command, args, env A, env C, env E, 1 more',
    },
  ])('$what', ({ file, says }) => {
    const cluster = start(older)
    settle(cluster)
    configure(file)(cluster)
    expect(settle(cluster)).toBe(
      `True UpdatePending: 1 of 1 replicas available; update pending: ${says}: ${take}`,
    )
  })

  test('the image of a tool, with its container', () => {
    const s3 = (loader: string): ConfigFile => ({
      ...older,
      images: { loader },
      storage: { driver: 's3', s3: { bucket: 'b', endpoint: 'http://s', secretName: 's' } },
    })
    const cluster = start(s3('example.com/loader:1'))
    cluster.model = complete(aModel({ source: 'hf://a/b' }), {
      url: 's3://b/default/model-falcon/run/1',
    })
    settle(cluster)
    configure(s3('example.com/loader:2'))(cluster)
    expect(settle(cluster)).toContain(
      'update pending: image loader 1 → 2 of container "fetch-model": kubectl',
    )
    expect(cluster.rollouts).toBe(1)
  })
})

describe('Pods of several templates', () => {
  const twice = { ...spec, replicas: 2, strategy: 'RollingUpdate' }
  const packaged = complete(aModel({ image: 'i' }), {
    url: 'pvc://falcon-model-artifacts/run/1',
    image: 'registry.test/falcon@sha256:1',
    inImage: true,
    program: false,
  })
  const images = { imageVolumes: 'Enabled' } as const
  const first = sync(aModelServer(twice), [packaged], aConfig({ ...older, ...images }))
  const deployment = observed(theChild(first, 'Deployment'), {
    replicas: 2,
    updatedReplicas: 1,
    availableReplicas: 1,
    conditions: [{ type: 'Available', status: 'True' }],
  })
  const podOf = (name: string, template: string, status: Json, second: number) =>
    aPod(deployment, status, {
      name,
      creationTimestamp: `2026-01-01T00:00:0${second}Z`,
      labels: { 'pod-template-hash': template },
    })
  const ready = { phase: 'Running', containerStatuses: [{ name: 'server', ready: true }] }
  const unschedulable = {
    phase: 'Pending',
    conditions: [
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'Unschedulable',
        message: '0/2 nodes are available',
      },
    ],
  }
  const answered = (...pods: readonly Child[]) =>
    sync(
      aModelServer(twice),
      [packaged, deployment, observed(theChild(first, 'Service')), ...pods],
      aConfig({ ...newer, ...images }),
    )
  const imageIn = (answer: SyncResponse): string =>
    theChild(answer, 'Deployment').spec.template.spec.containers[0].image

  test('an available Pod retains the applied template, and Ready names one that cannot start', () => {
    const answer = answered(podOf('a', 'x', ready, 1), podOf('b', 'x', unschedulable, 2))
    expect(imageIn(answer)).toMatch(/v0\.18$/)
    expect(readyOf(answer)).toBe(
      `True UpdatePending: rolling out: 1 of 2 Pods are new; 0/2 nodes are available; Pod "b" cannot start; ${pending}`,
    )
  })

  test('if only Pods of an older template are available, the present one is applied at once', () => {
    const answer = answered(podOf('a', 'old', ready, 1), podOf('b', 'x', unschedulable, 2))
    expect(imageIn(answer)).toMatch(/v0\.33$/)
  })
})

test('a StatefulSet takes each template: OnDelete protects its Pod', () => {
  const parent = aNotebook({ idleTimeout: '2h' })
  const images = (version: string) => aConfig({ images: { idle: `idle:${version}` } })
  const before = theChild(sync(parent, [], images('1')), 'StatefulSet')
  const answer = sync(
    parent,
    [observed(before, { readyReplicas: 1 }), aPod(before, {})],
    images('2'),
  )
  const { spec: made } = theChild(answer, 'StatefulSet')
  expect(made.template.spec.containers[1].image).toBe('idle:2')
  expect(made.updateStrategy).toEqual({ type: 'OnDelete' })
})
