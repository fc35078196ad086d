import { describe, expect, test } from 'vitest'
import { modelserver } from '../../../hooks/modelserver.ts'
import type { Child } from '../../objects.ts'
import {
  aConfig,
  aModel,
  aModelServer,
  aPod,
  complete,
  conditionOf,
  namesOf,
  observed,
  readyOf,
  requestFor,
  type Seen,
  statusOf,
  stored,
  sync,
  theChild,
} from '../../objects.ts'

const spec = { model: { name: 'falcon' } }
const imported = complete(aModel({ source: 'https://example.com/falcon' }), {
  url: 'pvc://falcon-model-artifacts/run/1',
})
const packaged = complete(aModel({ image: 'example.com/trainer:1' }), {
  url: 'pvc://falcon-model-artifacts/run/1',
  image: 'registry.test/falcon@sha256:1',
  inImage: true,
  program: true,
})
const available = {
  replicas: 1,
  updatedReplicas: 1,
  availableReplicas: 1,
  conditions: [{ type: 'Available', status: 'True' }],
}

const rolling = { ...spec, strategy: 'RollingUpdate' }
const twice = { ...spec, replicas: 2 }
const unpullable = {
  phase: 'Pending',
  containerStatuses: [
    {
      name: 'server',
      image: 'x:typo',
      state: { waiting: { reason: 'ErrImagePull', message: 'not found' } },
    },
  ],
}

/** The same, with a Deployment of this generation; its template came with generation `template`. */
const newer = (
  seen: readonly Seen[],
  generation: number,
  template: number = generation,
): readonly Seen[] =>
  seen.map((it) => {
    if (it.kind !== 'Deployment') return it
    const { metadata } = it
    const annotations = {
      ...metadata.annotations,
      'substratus.ai/template-generation': String(template),
    }
    return { ...it, metadata: { ...metadata, annotations, generation } }
  }) as readonly Seen[]

/** The children of the first answer, with a Deployment in some state and perhaps its Pod. */
function seenWith(
  status: unknown,
  pod?: unknown,
  requested: object = spec,
  model: Seen = imported,
): readonly Seen[] {
  const { children } = sync(aModelServer({ ...requested }), [model])
  const [deployment, service] = children as readonly [Child, Child]
  return [
    model,
    observed(deployment, status),
    observed(service),
    ...(pod ? [aPod(deployment, pod)] : []),
  ]
}

describe('Ready and Serving of a ModelServer', () => {
  test.each<{
    when: string
    spec?: object
    seen: readonly Seen[]
    ready: string | RegExp
    serving?: string | RegExp
  }>([
    {
      when: 'its Model does not exist',
      seen: [],
      ready: 'False ReferenceMissing: Model "falcon" does not exist in this namespace',
    },
    {
      when: 'its Model is not ready',
      seen: [aModel({ image: 'example.com/model:1' })],
      ready: 'False Waiting: waiting for Model "falcon": not started yet',
    },
    {
      when: 'its Deployment was requested',
      seen: [imported],
      ready: 'False Pending: creating Deployment "falcon-server"',
    },
    {
      when: 'it has no Pod yet',
      seen: seenWith({}),
      ready: 'False Pending: no Pod yet: kubectl describe deployment falcon-server says why',
    },
    {
      when: 'its quota is exhausted',
      seen: seenWith({
        conditions: [
          {
            type: 'ReplicaFailure',
            status: 'True',
            reason: 'FailedCreate',
            message: 'pods "falcon-server-1" is forbidden: exceeded quota: gpus',
          },
        ],
      }),
      ready: 'False PodRefused: pods "falcon-server-1" is forbidden: exceeded quota: gpus',
    },
    {
      when: 'it loads the weights',
      seen: seenWith({}, { phase: 'Running' }),
      ready: 'False Starting: Pod "falcon-server-x7k2p" runs and does not answer yet',
    },
    {
      when: 'it crashes again and again',
      seen: seenWith(
        {},
        {
          phase: 'Running',
          containerStatuses: [
            {
              name: 'server',
              restartCount: 4,
              state: { waiting: { reason: 'CrashLoopBackOff' } },
              lastState: { terminated: { exitCode: 1, message: 'no kernel image for sm_100' } },
            },
          ],
        },
      ),
      ready: 'False CrashLooping: container "server" exited with 1: no kernel image for sm_100',
    },
    {
      when: 'it serves',
      seen: seenWith(available),
      ready: 'True Serving: 1 of 1 replicas available',
    },
    {
      when: 'a rollout is under way',
      spec: rolling,
      seen: seenWith({ ...available, replicas: 2 }, { phase: 'Pending' }, rolling),
      ready: 'True Serving: rolling out: 1 of 2 Pods are new',
    },
    {
      when: 'the image of a rollout cannot be pulled',
      spec: rolling,
      seen: seenWith({ ...available, replicas: 2 }, unpullable, rolling),
      ready:
        'True Serving: rolling out: 1 of 2 Pods are new; container "server": cannot pull image "x:typo": not found',
    },
    {
      when: 'the quota has no room for the Pods of a rollout',
      spec: rolling,
      seen: seenWith(
        {
          ...available,
          updatedReplicas: 0,
          conditions: [
            ...available.conditions,
            { type: 'ReplicaFailure', status: 'True', message: 'exceeded quota: gpus' },
          ],
        },
        undefined,
        rolling,
      ),
      ready: 'True Serving: rolling out: 0 of 1 Pods are new; exceeded quota: gpus',
    },
    {
      when: 'one of two replicas cannot be scheduled',
      spec: twice,
      seen: seenWith(
        { ...available, replicas: 2, updatedReplicas: 2 },
        {
          phase: 'Pending',
          conditions: [
            {
              type: 'PodScheduled',
              status: 'False',
              reason: 'Unschedulable',
              message: '0/2 nodes are available',
            },
          ],
        },
        twice,
        packaged,
      ),
      ready: 'True Serving: 1 of 2 replicas available; 0/2 nodes are available',
    },
    {
      when: 'fewer Pods are available than requested, but the Deployment is Available',
      spec: { ...spec, replicas: 4 },
      seen: seenWith(
        { replicas: 4, updatedReplicas: 4, availableReplicas: 2, conditions: [] },
        { phase: 'Running', containerStatuses: [{ name: 'server', ready: true }] },
        { ...spec, replicas: 4 },
        packaged,
      ),
      ready: 'False Starting: 2 of 4 replicas available',
    },
    {
      when: 'another image is requested, and the old Pod is deleted first',
      spec: { ...spec, image: 'example.com/new:1' },
      seen: seenWith(available),
      ready: 'False Starting: rolling out: 0 of 1 Pods are new',
    },
    {
      when: 'another image is requested, and the old Pod answers meanwhile',
      spec: { ...rolling, image: 'example.com/new:1' },
      seen: seenWith(available, undefined, rolling),
      ready: 'True Serving: rolling out: 0 of 1 Pods are new',
    },
    {
      when: 'the template changed, and the controller has not observed that yet',
      seen: newer(seenWith({ ...available, observedGeneration: 1 }), 2),
      ready: 'False Starting: rolling out: 0 of 1 Pods are new',
    },
    {
      when: 'only labels changed, and the controller has not observed that yet',
      seen: newer(seenWith({ ...available, observedGeneration: 1 }), 2, 1),
      ready: 'True Serving: 1 of 1 replicas available',
    },
    {
      when: 'its controller has observed the change',
      seen: newer(seenWith({ ...available, observedGeneration: 2 }), 2),
      ready: 'True Serving: 1 of 1 replicas available',
    },
    {
      when: 'it was only scaled, and the controller has not observed that yet',
      spec: twice,
      seen: newer(
        seenWith({ ...available, observedGeneration: 1 }, undefined, twice, packaged),
        2,
        1,
      ),
      ready: 'True Serving: 1 of 2 replicas available',
    },
    {
      when: 'it is scaled to zero',
      spec: { ...spec, replicas: 0 },
      seen: seenWith(available),
      ready: 'True Suspended: scaled to 0 replicas',
    },
    {
      when: 'it is suspended',
      spec: { ...spec, suspend: true },
      seen: seenWith(available),
      ready: 'True Suspended: spec.suspend is true',
    },
    {
      when: 'two replicas are requested of a ReadWriteOnce claim',
      spec: { ...spec, replicas: 2 },
      seen: [imported],
      ready:
        'False InvalidSpec: spec.replicas: Invalid value: 2: Model "falcon" is in a ReadWriteOnce claim, which serves one: set package: Always on the Model and use nodes that mount images (imageVolumes), or use a storage class with ReadWriteMany',
    },
    {
      when: 'the same, while one replica serves',
      spec: { ...spec, replicas: 2 },
      seen: seenWith(available),
      ready: /^False InvalidSpec: spec\.replicas/,
      serving: 'True Serving: 1 of 2 replicas available',
    },
    {
      when: 'the same, suspended',
      spec: { ...spec, replicas: 2, suspend: true },
      seen: seenWith(available),
      ready: 'True Suspended: spec.suspend is true',
      serving: 'False Suspended: spec.suspend is true',
    },
    {
      when: 'its Model was deleted while it serves',
      seen: seenWith(available).slice(1),
      ready: /^False ReferenceMissing: /,
      serving: 'True Serving: 1 of 1 replicas available',
    },
    {
      when: 'a build was added while it serves',
      spec: { ...spec, build: { git: { url: 'https://example.com/repo' } } },
      seen: seenWith(available),
      ready: /^False Pending: starting Job "falcon-modelserver-build-/,
      serving: 'True Serving: 1 of 1 replicas available',
    },
  ])('$when', ({ spec: requested = spec, seen, ready, serving }) => {
    const answer = sync(aModelServer({ ...requested }), seen)
    expect(readyOf(answer)).toMatch(ready)
    if (serving) expect(conditionOf(answer, 'Serving')).toMatch(serving)
  })
})

test('a blocked server is retained exactly as it was applied', () => {
  const before = sync(aModelServer(spec), [imported])
  const hindered = sync(aModelServer({ ...spec, replicas: 2 }), seenWith(available))
  expect(hindered.children).toEqual(before.children)
})

describe('replicas change a retained server', () => {
  const build = { git: { url: 'https://example.com/repo' } }
  const kept = seenWith(available, undefined, spec, packaged)
  test.each<{ when: string; spec: object; seen: readonly Seen[]; replicas: number }>([
    {
      when: 'scaled while it is built',
      spec: { ...twice, build },
      seen: kept,
      replicas: 2,
    },
    { when: 'scaled while its Model is gone', spec: twice, seen: kept.slice(1), replicas: 2 },
    {
      when: 'resumed while its Model is gone',
      spec,
      seen: seenWith({}, undefined, { ...spec, suspend: true }, packaged).slice(1),
      replicas: 1,
    },
    { when: 'suspended', spec: { ...twice, suspend: true }, seen: kept.slice(1), replicas: 0 },
    {
      when: 'scaled while its Model is gone, on a ReadWriteOnce claim',
      spec: twice,
      seen: seenWith(available).slice(1),
      replicas: 1,
    },
    { when: 'refused', spec: twice, seen: seenWith(available), replicas: 1 },
  ])('$when', ({ spec: requested, seen, replicas }) => {
    const answer = sync(aModelServer({ ...requested }), seen, aConfig({ imageVolumes: 'Enabled' }))
    expect(theChild(answer, 'Deployment').spec.replicas).toBe(replicas)
  })

  test('and a deleted Service is created again', () => {
    const seen = kept.slice(1).filter(({ kind }) => kind !== 'Service')
    expect(namesOf(sync(aModelServer(spec), seen))).toEqual([
      'Deployment falcon-server',
      'Service falcon-server',
    ])
  })

  test('but nothing is created for a server that never existed', () => {
    expect(namesOf(sync(aModelServer(spec)))).toEqual([])
  })
})

test('a server whose Pod failed is synced again', () => {
  const answer = sync(
    aModelServer(spec),
    seenWith({}, { phase: 'Failed', reason: 'Evicted', message: 'low on disk' }),
  )
  expect(readyOf(answer)).toBe('False Failed: Pod Evicted: low on disk')
  expect(answer.resyncAfterSeconds).toBe(10)
})

test('suspend scales a retained server down', () => {
  const answer = sync(aModelServer({ ...spec, suspend: true }), seenWith(available).slice(1))
  expect(theChild(answer, 'Deployment').spec.replicas).toBe(0)
})

describe('replicas and strategy follow the mount of the Model', () => {
  const preset = { image: 'example.com/vllm:1' }
  const servers = { default: 'vllm', presets: { vllm: preset } }
  const mountsImages = aConfig({ servers, imageVolumes: 'Enabled' })
  const mountsNone = aConfig({ servers, imageVolumes: 'Disabled' })
  const many = aConfig({ servers, storage: { pvc: { accessModes: ['ReadWriteMany'] } } })
  const own = complete(aModel({ source: 'pvc://nfs/falcon' }), { url: 'pvc://nfs/falcon' })
  const trained = complete(aModel({ image: 'example.com/trainer:1' }), {
    url: 'pvc://falcon-model-artifacts/run/1',
    image: 'example.com/trainer:1',
    program: true,
  })
  test.each<{
    when: string
    spec?: object
    model: typeof imported
    config: typeof many
    one: 'Recreate' | 'RollingUpdate'
    two?: string
  }>([
    {
      when: 'an import in our claim',
      model: imported,
      config: mountsImages,
      one: 'Recreate',
      two: 'set package: Always on the Model and use nodes that mount images (imageVolumes), or use a storage class with ReadWriteMany',
    },
    {
      when: 'the same, where Pods cannot mount images: the ways out are those of admission',
      model: imported,
      config: mountsNone,
      one: 'Recreate',
      two: 'set package: Always on the Model and use nodes that mount images (imageVolumes), or use a storage class with ReadWriteMany',
    },
    {
      when: 'a trained Model that was not packaged',
      model: trained,
      config: mountsNone,
      one: 'Recreate',
      two: 'set package: Always on the Model, or use a storage class with ReadWriteMany',
    },
    {
      when: 'a ReadWriteMany claim',
      model: imported,
      config: many,
      one: 'RollingUpdate',
    },
    {
      when: 'a claim of the user, whose access modes are unknown',
      model: own,
      config: mountsNone,
      one: 'RollingUpdate',
    },
    {
      when: 'a packaged Model that serves itself',
      model: packaged,
      config: mountsNone,
      one: 'RollingUpdate',
    },
    {
      when: 'a packaged Model under a preset, mounted as an image',
      spec: { runtime: 'vllm' },
      model: packaged,
      config: mountsImages,
      one: 'RollingUpdate',
    },
    {
      when: 'the same, mounted from its claim',
      spec: { runtime: 'vllm' },
      model: packaged,
      config: mountsNone,
      one: 'Recreate',
      two: 'remove spec.runtime, so that the Model’s own image serves, or use nodes that mount images (imageVolumes), or use a storage class with ReadWriteMany',
    },
    {
      when: 'a packaged Model under an image of the server’s own, from its claim',
      spec: { image: 'example.com/own:1' },
      model: packaged,
      config: mountsNone,
      one: 'Recreate',
      two: 'remove spec.image, so that the Model’s own image serves, or use nodes that mount images (imageVolumes), or use a storage class with ReadWriteMany',
    },
  ])('$when', ({ spec: more, model, config, one, two }) => {
    const single = theChild(sync(aModelServer({ ...spec, ...more }), [model], config), 'Deployment')
    expect(single.spec.strategy.type).toBe(one)
    const claims = JSON.stringify(single.spec.template.spec.volumes).includes(
      '"claimName":"falcon-model-artifacts"',
    )
    expect(claims && config !== many).toBe(one === 'Recreate')
    const double = sync(aModelServer({ ...spec, ...more, replicas: 2 }), [model], config)
    expect(readyOf(double)).toBe(
      two
        ? `False InvalidSpec: spec.replicas: Invalid value: 2: Model "falcon" is in a ReadWriteOnce claim, which serves one: ${two}`
        : 'False Pending: creating Deployment "falcon-server"',
    )
  })

  test('spec.strategy is used if it is set', () => {
    const requested = aModelServer({ ...spec, strategy: 'RollingUpdate' })
    const { strategy } = theChild(sync(requested, [imported]), 'Deployment').spec
    expect(strategy.type).toBe('RollingUpdate')
  })

  test('one replica with a GPU is recreated, two roll', () => {
    const strategy = (replicas: number) =>
      theChild(
        sync(aModelServer({ ...spec, replicas, resources: { gpu: { count: 1 } } }), [packaged]),
        'Deployment',
      ).spec.strategy.type
    expect([strategy(1), strategy(2)]).toEqual(['Recreate', 'RollingUpdate'])
  })
})

describe('which image serves', () => {
  const preset = { image: 'example.com/vllm:1', args: ['--model={model}', '--tp={gpus}'] }
  const config = aConfig({ servers: { default: 'vllm', presets: { vllm: preset } } })
  test.each([
    { when: 'its own', spec: { ...spec, image: 'example.com/own:1' }, image: 'example.com/own:1' },
    {
      when: 'the preset that it names',
      spec: { ...spec, runtime: 'vllm' },
      model: packaged,
      image: preset.image,
      args: ['--model=/content/model', '--tp=1'],
    },
    {
      when: 'the Model’s own, with the model in it',
      spec,
      model: packaged,
      image: 'registry.test/falcon@sha256:1',
      command: ['serve.sh'],
    },
    {
      when: 'the default preset, for an import',
      spec: { ...spec, resources: { gpu: { count: 4 } } },
      image: preset.image,
      args: ['--model=/content/model', '--tp=4'],
    },
  ])('$when', ({ spec: requested, model = imported, image, command, args }) => {
    const answer = sync(aModelServer({ ...requested }), [model], config)
    const [container] = theChild(answer, 'Deployment').spec.template.spec.containers
    expect(container.image).toBe(image)
    expect(container.command).toEqual(command)
    expect(container.args).toEqual(args)
    expect(statusOf(answer).image).toBe(image)
  })
})

describe('the command line of a server', () => {
  const preset = {
    image: 'example.com/it:1',
    command: ['it', 'serve', '{model}'],
    args: ['--alias', '{name}', '--tp={gpus}', '--port', '{port}'],
    aliases: [['--alias', '-a']],
  }
  const config = aConfig({ servers: { default: 'it', presets: { it: preset } } })
  const own = 'example.com/own:1'
  const fromPreset = 'it serve /content/model'
  const { command } = preset
  test.each([
    { when: 'a preset alone', more: {}, line: `${fromPreset} --alias falcon --tp=2 --port 8080` },
    {
      when: 'args of the preset’s flags and others',
      more: { args: ['-a={name}-chat', '--len', '4096'] },
      line: `${fromPreset} --tp=2 --port 8080 -a=falcon-chat --len 4096`,
    },
    {
      when: 'a port of its own',
      more: { port: 80 },
      line: `${fromPreset} --alias falcon --tp=2 --port 80`,
    },
    { when: 'a command', more: { command: ['run'] }, line: 'run' },
    {
      when: 'a command and args',
      more: { command: ['run', '{model}'], args: ['--gpus={gpus}'] },
      line: 'run /content/model --gpus=2',
    },
    { when: 'an image', more: { image: own }, line: '' },
    {
      when: 'an image and args',
      more: { image: own, args: ['--port={port}'] },
      line: '--port=8080',
    },
    {
      when: 'the Model’s own image',
      model: packaged,
      more: { args: ['--fast'] },
      line: 'serve.sh --fast',
    },
  ])('$when', ({ more, line, model = imported }) => {
    const requested = aModelServer({ ...spec, resources: { gpu: { count: 2 } }, ...more })
    const answer = sync(requested, [model], config)
    const [container] = theChild(answer, 'Deployment').spec.template.spec.containers
    expect([...(container.command ?? []), ...(container.args ?? [])].join(' ')).toBe(line)
  })

  test('the preset’s command stays a command of the container', () => {
    const [container] = theChild(sync(aModelServer(spec), [imported], config), 'Deployment').spec
      .template.spec.containers
    expect(container.command).toEqual([...command.slice(0, 2), '/content/model'])
  })
})

describe('the strategy of the Deployment', () => {
  const gpu = { resources: { gpu: { count: 1 } } }
  const one = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } }
  const rolls = (maxSurge: number | string, maxUnavailable: number | string) => ({
    type: 'RollingUpdate',
    rollingUpdate: { maxSurge, maxUnavailable },
  })
  test.each<{ when: string; more: object; strategy: object }>([
    { when: 'one replica', more: {}, strategy: rolls('25%', '25%') },
    { when: 'two replicas', more: { replicas: 2 }, strategy: rolls('25%', '25%') },
    { when: 'one replica with a GPU', more: gpu, strategy: { type: 'Recreate' } },
    { when: 'two replicas with GPUs', more: { ...gpu, replicas: 2 }, strategy: one },
    {
      when: 'two replicas with GPUs, by name',
      more: { ...gpu, replicas: 2, strategy: 'RollingUpdate' },
      strategy: one,
    },
    {
      when: 'two replicas with GPUs, as an object',
      more: { ...gpu, replicas: 2, strategy: { type: 'RollingUpdate' } },
      strategy: one,
    },
    {
      when: 'two replicas with GPUs, and a spare one',
      more: { ...gpu, replicas: 2, strategy: { type: 'RollingUpdate', maxSurge: 1 } },
      strategy: rolls(1, 1),
    },
    {
      when: 'two replicas with GPUs, which must all answer',
      more: { ...gpu, replicas: 2, strategy: { type: 'RollingUpdate', maxUnavailable: 0 } },
      strategy: rolls('25%', 0),
    },
    {
      when: 'one replica with a GPU, and a spare one',
      more: { ...gpu, strategy: 'RollingUpdate' },
      strategy: rolls('25%', '25%'),
    },
    {
      when: 'numbers without GPUs',
      more: {
        replicas: 4,
        strategy: { type: 'RollingUpdate', maxSurge: 2, maxUnavailable: '50%' },
      },
      strategy: rolls(2, '50%'),
    },
    {
      when: 'Recreate as an object',
      more: { replicas: 4, strategy: { type: 'Recreate' } },
      strategy: { type: 'Recreate' },
    },
  ])('with $when', ({ more, strategy }) => {
    const answer = sync(aModelServer({ ...spec, ...more }), [packaged])
    expect(theChild(answer, 'Deployment').spec.strategy).toEqual(strategy)
  })
})

test('the status has the URL, and what kubectl scale reads', () => {
  const answer = sync(aModelServer(spec), seenWith(available))
  expect(statusOf(answer)).toMatchObject({
    url: 'http://falcon-server.default.svc:8080',
    replicas: 1,
    selector: 'substratus.ai/kind=modelserver,substratus.ai/name=falcon,substratus.ai/stage=serve',
  })
  expect(namesOf(answer)).toEqual(['Deployment falcon-server', 'Service falcon-server'])
})

test('a child that another object owns is reported by the second sync', () => {
  const first = sync(aModelServer(spec), [imported])
  const second = sync(stored(aModelServer(spec), first), [imported])
  expect(readyOf(second)).toBe(
    'False ChildMissing: Deployment "falcon-server" is wanted and does not exist: does another object own the name?',
  )
})

test('a Service that an older cluster refuses for its name is reported with the reason', () => {
  const digit = aModelServer(spec, { name: '7b-chat' })
  const first = sync(digit, [imported])
  const deployment = observed(theChild(first, 'Deployment'), available)
  const second = sync(stored(digit, first), [imported, deployment])
  const third = sync(stored(digit, second), [imported, deployment])
  expect(readyOf(third)).toBe(
    'False ChildMissing: Service "7b-chat-server" is wanted and does not exist: before Kubernetes 1.36 its name must begin with a letter, so give this object another name',
  )
})

describe('while the former Pod of a server ends, and no other may be created', () => {
  const strategy = (type: string) => aModelServer({ ...spec, strategy: type })
  const former = (more: object, type = 'Recreate') => {
    const { children } = sync(strategy(type), [imported])
    const [deployment, service] = children as readonly [Child, Child]
    const leaving = { deletionTimestamp: '2026-01-01T00:02:00Z', ...more }
    const pod = aPod(deployment, { phase: 'Running' }, leaving as object)
    return [imported, observed(deployment, {}), observed(service), pod]
  }
  const ready = (seen: readonly Seen[], type = 'Recreate') => readyOf(sync(strategy(type), seen))
  const says = (seconds: number) =>
    `False Pending: the former Pod "falcon-server-x7k2p" still finishes its requests, for at most ${seconds} s (terminationGracePeriodSeconds); the next Pod is created after that`

  test.each([
    { when: 'it was deleted by its Deployment', more: { deletionGracePeriodSeconds: 60 }, for: 60 },
    { when: 'it was deleted with less time', more: { deletionGracePeriodSeconds: 5 }, for: 5 },
    { when: 'the API server does not say how long', more: {}, for: 60 },
  ])('Ready says so when $when', ({ more, for: seconds }) => {
    expect(ready(former(more))).toBe(says(seconds))
  })

  const readyAt = (now: string, seen: readonly Seen[]) => {
    const request = { ...requestFor(strategy('Recreate'), ...seen), now }
    return readyOf(modelserver.sync(request, aConfig()))
  }
  // Its node may be gone, and with it whatever would remove the Pod.
  const overdue =
    'False Pending: the former Pod "falcon-server-x7k2p" should have ended by 2026-01-01T00:02:00Z and still exists; the next Pod is created once it is gone: kubectl describe pod falcon-server-x7k2p says more; if node "one" is gone for good, kubectl delete node one'
  test.each([
    { when: 'before its time is over', now: '2026-01-01T00:01:30Z', says: says(60) },
    { when: 'while it is being removed', now: '2026-01-01T00:02:09Z', says: says(60) },
    { when: 'once it is overdue', now: '2026-01-01T00:02:11Z', says: overdue },
    { when: 'long after that', now: '2026-01-02T00:00:00Z', says: overdue },
  ])('Ready says until when, or since when, $when', ({ now, says: expected }) => {
    const seen = former({ deletionGracePeriodSeconds: 60 })
    expect(readyAt(now, seen)).toBe(expected)
  })

  test('Ready says nothing of it if the next Pod need not wait', () => {
    expect(ready(former({}, 'RollingUpdate'), 'RollingUpdate')).toMatch(
      /^False Pending: no Pod yet: kubectl describe deployment/,
    )
  })

  test('Ready is about the next Pod once it exists', () => {
    const seen = former({})
    const deployment = seen.find(({ kind }) => kind === 'Deployment') as Child
    const next = aPod(deployment, { phase: 'Running' }, { name: 'next' })
    expect(ready([...seen, next])).toMatch(/^False Starting: Pod "next" runs/)
  })
})
