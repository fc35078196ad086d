import { describe, expect, test } from 'vitest'
import type { SyncResponse } from '../../../hooks/observe/protocol.ts'
import {
  aConfig,
  aDataset,
  aJob,
  aModel,
  aPod,
  applied,
  childrenOf,
  complete,
  completed,
  conditionOf,
  digest,
  ended,
  failed,
  type Json,
  namesOf,
  readyOf,
  report,
  running,
  type Seen,
  statusOf,
  stored,
  sync,
  theChild,
} from '../../objects.ts'

const trained = { image: 'example.com/trainer:1', dataset: { name: 'squad' } }
const squad = complete(aDataset({ source: 'https://example.com/squad' }), {
  url: 'pvc://squad-dataset-artifacts/load/1',
})
const data = aDataset({ source: 'https://example.com/squad' })

/** A Job of the first answer, in a state, with a Pod in another. */
const seenWith = (spec: object, job: unknown, pod?: unknown): readonly Seen[] => {
  const first = aJob(sync(aModel({ ...spec }), [squad]), job)
  return [squad, first, ...(pod ? [aPod(first, pod)] : [])]
}

const claimOf = (spec: object): readonly Seen[] =>
  applied(sync(aModel({ ...spec }), [squad])).filter(({ kind }) => kind !== 'Job')

const suspended = { conditions: [{ type: 'Suspended', status: 'True', reason: 'JobSuspended' }] }
const stopped = (object: Seen): Seen =>
  object.kind === 'Job'
    ? { ...object, spec: { ...(object.spec as object), suspend: true } }
    : object

describe('Ready of a Model', () => {
  test.each<{ when: string; spec: object; seen?: readonly Seen[]; ready: string | RegExp }>([
    {
      when: 'the image is the model',
      spec: { image: 'example.com/model:1' },
      ready: 'True Done: the image is the model: example.com/model:1',
    },
    {
      when: 'its dataset does not exist',
      spec: trained,
      ready: 'False ReferenceMissing: Dataset "squad" does not exist in this namespace',
    },
    {
      when: 'its dataset was just created',
      spec: trained,
      seen: [data],
      ready: 'False Waiting: waiting for Dataset "squad": not started yet',
    },
    {
      when: 'its dataset is being loaded',
      spec: trained,
      seen: [stored(data, sync(data))],
      ready: 'False Waiting: waiting for Dataset "squad": Pending',
    },
    {
      when: 'its Job was requested',
      spec: trained,
      seen: [squad],
      ready: /^False Pending: starting Job "falcon-model-run-[0-9a-f]{8}"$/,
    },
    {
      when: 'its Job has no Pod',
      spec: trained,
      seen: seenWith(trained, running),
      ready: /^False Pending: no Pod yet: kubectl describe job falcon-model-run-\w+ says why$/,
    },
    {
      when: 'no node takes its Pod',
      spec: trained,
      seen: seenWith(trained, running, {
        phase: 'Pending',
        conditions: [
          {
            type: 'PodScheduled',
            status: 'False',
            reason: 'Unschedulable',
            message: '0/3 nodes are available: 3 Insufficient nvidia.com/gpu.',
          },
        ],
      }),
      ready: 'False Unschedulable: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu.',
    },
    {
      when: 'its Pod runs',
      spec: trained,
      seen: seenWith(trained, running, { phase: 'Running' }),
      ready: /^False Running: Pod "falcon-model-run-.*" is running$/,
    },
    {
      when: 'it is imported, and its Pod runs',
      spec: { source: 'https://example.com/falcon' },
      seen: seenWith({ source: 'https://example.com/falcon' }, running, { phase: 'Running' }),
      ready: /^False Loading: Pod /,
    },
    {
      when: 'the training program failed',
      spec: trained,
      seen: seenWith(trained, failed(), ended(3, 'epoch 1\nCUDA error: out of luck')),
      ready: 'False Failed: container "seal" exited with 3: epoch 1 | CUDA error: out of luck',
    },
    {
      when: 'it took too long',
      spec: { ...trained, runPolicy: { activeDeadlineSeconds: 60 } },
      seen: seenWith(
        { ...trained, runPolicy: { activeDeadlineSeconds: 60 } },
        failed('DeadlineExceeded'),
      ),
      ready: /^False DeadlineExceeded: Job "falcon-model-run-\w+" took longer than 60 s$/,
    },
    {
      when: 'the Job is complete and its Pod not observed yet',
      spec: trained,
      seen: [...seenWith(trained, completed), ...claimOf(trained)],
      ready: /^False Sealing: starting Job "falcon-model-seal-\w+"$/,
    },
    {
      when: 'it is suspended before its Job exists',
      spec: { ...trained, suspend: true },
      seen: [squad],
      ready: 'True Suspended: spec.suspend is true',
    },
    {
      when: 'it is suspended, and its Job still runs',
      spec: { ...trained, suspend: true },
      seen: seenWith(trained, running),
      ready: /^False Suspending: Job "falcon-model-run-\w+" is being suspended$/,
    },
    {
      when: 'it is suspended, and its Job has stopped',
      spec: { ...trained, suspend: true },
      seen: seenWith(trained, suspended).map(stopped),
      ready: /^True Suspended: Job "falcon-model-run-\w+" is suspended$/,
    },
    {
      when: 'an invalid manifest bypassed admission',
      spec: { ...trained, image: 7 },
      seen: [squad],
      ready:
        'False InvalidSpec: spec.image: Invalid value: must be a string, not a number: write it in quotes',
    },
    {
      when: 'its base was imported and it has no image',
      spec: { model: { name: 'base' }, args: ['train'] },
      seen: [
        complete(aModel({ source: 'https://example.com/base' }, { name: 'base' }), {
          url: 'pvc://base-model-artifacts/run/1',
        }),
      ],
      ready:
        'False InvalidSpec: spec.model.name: Invalid value: "base" was imported and has no image to run: set spec.image or spec.build',
    },
    {
      when: 'its base is trained from this Model',
      spec: { image: 'example.com/trainer:1', model: { name: 'base' } },
      seen: [
        {
          ...aModel({ model: { name: 'falcon' } }, { name: 'base' }),
          status: { bases: ['falcon'] },
        },
      ],
      ready: 'False ReferenceCycle: the bases lead in a circle: falcon → base → falcon',
    },
  ])('$when', ({ spec, seen = [], ready }) => {
    expect(readyOf(sync(aModel({ ...spec }), seen))).toMatch(ready)
  })
})

/** Syncs a Model until no answer creates a new Job; all its Jobs succeed. */
function lived(spec: object, bytes: number, config = aConfig()): SyncResponse {
  let parent = aModel({ ...spec })
  let seen: readonly Seen[] = [squad]
  for (let step = 0; step < 8; step++) {
    const answer = sync(parent, seen, config)
    if (!childrenOf(answer, 'Job').length || answer.resyncAfterSeconds === undefined) return answer
    parent = stored(parent, answer)
    const children = applied(answer, completed)
    const jobs = children.filter(({ kind }) => kind === 'Job')
    seen = [squad, ...children, ...jobs.map((job) => aPod(job, ended(0, report({ bytes }))))]
  }
  throw new Error('it never comes to rest')
}

describe('the condition Packaged', () => {
  const small = 1024
  test.each([
    { when: 'trained', spec: trained, packaged: /^True Done: registry\.test\/.*@sha256:a{64}/ },
    {
      when: 'trained, and larger than packaging.maxSize',
      spec: trained,
      bytes: 1e12,
      packaged: 'False TooLarge: 931.3Gi is more than packaging.maxSize 20Gi: served from storage',
    },
    {
      when: 'package is Never',
      spec: { ...trained, package: 'Never' },
      packaged: 'False Skipped: spec.package is Never: served from storage',
    },
    {
      when: 'imported',
      spec: { source: 'https://example.com/falcon' },
      packaged: 'False Skipped: imports are not packaged: served from storage',
    },
    {
      when: 'imported, and package is Always',
      spec: { source: 'https://example.com/falcon', package: 'Always' },
      packaged: /^True Done: registry\.test\//,
    },
    {
      when: 'there is no registry',
      spec: trained,
      config: aConfig({ registry: {} }),
      packaged: 'False Skipped: the administrator has set no registry.prefix: served from storage',
    },
    {
      when: 'the administrator has disabled packaging',
      spec: trained,
      config: aConfig({ packaging: { enabled: false } }),
      packaged:
        'False Skipped: packaging is switched off by the administrator: served from storage',
    },
    {
      when: 'the model is in a claim',
      spec: { source: 'pvc://shared/falcon' },
      packaged: 'False Skipped: used where it is: pvc://shared/falcon',
    },
  ])('$when', ({ spec, bytes = small, config, packaged }) => {
    const answer = lived(spec, bytes, config)
    expect(conditionOf(answer, 'Packaged')).toMatch(packaged)
    expect(statusOf(answer).ready).toBe(true)
  })
})

describe('from Git to a packaged model', () => {
  const spec = {
    build: { git: { url: 'https://example.com/repo', branch: 'main' } },
    dataset: { name: 'squad' },
  }

  test('build and package read private images with the Secrets that Pods are pulled with', () => {
    const config = aConfig({
      registry: { prefix: 'registry.test', pullSecretName: 'pull', pushSecretName: 'push' },
    })
    const own = aModel({ ...spec, imagePullSecrets: ['ghcr', 'pull'] })
    const mounts = (answer: SyncResponse) => {
      const job = childrenOf(answer, 'Job').at(-1)
      const { volumes, containers } = job?.spec.template.spec ?? {}
      return [volumes, containers[0].volumeMounts].map((list: Json[]) =>
        list.find(({ name }) => name === 'pull'),
      )
    }
    const source = (name: string, path: string) => ({
      secret: { name, items: [{ key: '.dockerconfigjson', path }], optional: true },
    })
    const expected = [
      {
        name: 'pull',
        projected: { sources: [source('pull', '0.json'), source('ghcr', '1.json')] },
      },
      { name: 'pull', mountPath: '/secrets/registry', readOnly: true },
    ]
    const build = sync(own, [squad], config)
    expect(mounts(build)).toEqual(expected)

    let seen: readonly Seen[] = [squad]
    let parent = own
    let last = build
    for (let step = 0; step < 3; step++) {
      const children = applied(last, completed)
      parent = stored(parent, last)
      const jobs = children.filter(({ kind }) => kind === 'Job')
      seen = [squad, ...children, ...jobs.map((job) => aPod(job, ended(0, report())))]
      last = sync(parent, seen, config)
    }
    expect(namesOf(last).at(-1)).toContain('-package-')
    expect(mounts(last)).toEqual(expected)
  })

  test('build, run, seal and package are one Job after the other', () => {
    const names: string[] = []
    let parent = aModel(spec)
    let seen: readonly Seen[] = [squad]
    for (let step = 0; step < 5; step++) {
      const answer = sync(parent, seen)
      const children = applied(answer, completed)
      names.push(
        namesOf(answer)
          .join(', ')
          .replaceAll(/[0-9a-f]{8}/g, '#'),
      )
      parent = stored(parent, answer)
      const jobs = children.filter(({ kind }) => kind === 'Job')
      seen = [squad, ...children, ...jobs.map((job) => aPod(job, ended(0, report())))]
    }
    expect(names).toEqual([
      'PersistentVolumeClaim falcon-model-artifacts, Job falcon-model-build-#',
      'PersistentVolumeClaim falcon-model-artifacts, Job falcon-model-build-#, Job falcon-model-run-#',
      'PersistentVolumeClaim falcon-model-artifacts, Job falcon-model-build-#, Job falcon-model-run-#, Job falcon-model-seal-#',
      'PersistentVolumeClaim falcon-model-artifacts, Job falcon-model-build-#, Job falcon-model-run-#, Job falcon-model-seal-#, Job falcon-model-package-#',
      'PersistentVolumeClaim falcon-model-artifacts, Job falcon-model-build-#, Job falcon-model-run-#, Job falcon-model-seal-#, Job falcon-model-package-#',
    ])
    expect(parent.status).toMatchObject({
      ready: true,
      image: expect.stringMatching(`@${digest}$`),
      artifacts: { inImage: true, program: true },
    })
  })

  test.each([
    {
      when: 'unconfined',
      builder: {},
      ready: /says why; a namespace that enforces Pod Security "baseline" refuses the unconfined/,
    },
    {
      when: 'confined',
      builder: { seccomp: 'Localhost/b.json', appArmor: 'Localhost/b' },
      ready: / says why$/,
    },
  ])(
    'a Job of the $when builder that gets no Pod says what most likely refuses it',
    ({ builder, ready }) => {
      const config = aConfig({ builder })
      const first = sync(aModel(spec), [squad], config)
      const second = sync(stored(aModel(spec), first), applied(first), config)
      expect(readyOf(second)).toMatch(ready)
    },
  )

  test.each([
    { when: 'is true', cache: true, args: ['--cache=true'] },
    { when: 'is false', cache: false, args: [] },
    { when: 'is not set', cache: undefined, args: [] },
  ])('the build uses a cache in the registry if registry.cache $when', ({ cache, args }) => {
    const registry = { prefix: 'registry.test/substratus', cache }
    const [build] = childrenOf(sync(aModel(spec), [squad], aConfig({ registry })), 'Job')
    const [container] = build?.spec.template.spec.containers ?? []
    expect(container.args.filter((arg: string) => arg.includes('cache'))).toEqual(args)
  })

  test('the run uses the built image by its digest', () => {
    const first = sync(aModel(spec), [squad])
    const built = aJob(first, completed)
    const next = sync(stored(aModel(spec), first), [
      squad,
      ...applied(first).filter(({ kind }) => kind !== 'Job'),
      built,
      aPod(built, ended(0, report({ commit: '0123abc' }))),
    ])
    const run = childrenOf(next, 'Job').find(({ metadata }) => metadata.name.includes('-run-'))
    const pod = run?.spec.template.spec
    const image = statusOf(next).stages?.build?.image
    expect(image).toMatch(/^registry\.test\/.*@sha256:a{64}$/)
    expect(
      [...(pod.initContainers ?? []), ...pod.containers].map((container) => container.image),
    ).toContain(image)
    expect(conditionOf(next, 'Built')).toContain('commit 0123abc')
  })
})

test('a complete Job whose report cannot be read is recorded without it', () => {
  const parent = aModel({ source: 'hf://org/name' })
  const first = sync(parent)
  const done = applied(first, completed)
  const finishing = sync(stored(parent, first), done)
  expect(statusOf(finishing).finishing).toBe(theChild(first, 'Job').metadata.name)
  const recorded = sync(stored(parent, finishing), done)
  expect(statusOf(recorded).stages?.run).toMatchObject({
    job: theChild(first, 'Job').metadata.name,
  })
  expect(statusOf(recorded).stages?.run).not.toHaveProperty('digest')
})

describe('what a Model lacks', () => {
  const imported = { source: 'hf://org/name' }
  const loaderSays = (message: string, name = 'run') => ({
    initContainerStatuses: [{ name, state: { terminated: { exitCode: 0, message } } }],
  })
  const answered = (
    spec: Readonly<Record<string, unknown>>,
    sealed: object,
    before: object = {},
  ) => {
    const parent = aModel(spec)
    const first = sync(parent, [squad])
    const job = aJob(first, completed)
    const pod = aPod(job, { ...ended(0, report(sealed)), ...before })
    const second = sync(stored(parent, first), [squad, ...applied(first, completed), pod])
    if (!statusOf(second).stages?.written) return second
    const children = applied(second, completed)
    const pods = children.filter(({ kind }) => kind === 'Job').map((one) => aPod(one, pod.status))
    return sync(stored(parent, second), [squad, ...children, ...pods])
  }
  const omitted = JSON.stringify({ omitted: { files: 3, bytes: 15 * 2 ** 30 } })

  test.each([
    {
      what: 'copies of the weights on the hub',
      answer: () => answered(imported, {}, loaderSays(omitted)),
      ends: '; left out: 3 files of 15Gi with the same weights in other formats (files: ["*"] loads everything)',
    },
    {
      what: 'a file that cannot be sealed',
      answer: () =>
        answered(imported, { unsealed: { count: 1, first: '"a\u202e" is left out: its name' } }),
      ends: '; "a" is left out: its name',
    },
    {
      what: 'several',
      answer: () =>
        answered(
          { ...trained, package: 'Never' },
          { unsealed: { count: 3, first: '"a" is left out: a pipe' } },
        ),
      ends: '; "a" is left out: a pipe, and 2 more; see the log of Job "falcon-model-seal-####"',
    },
  ])('is in its message and in its status: $what', ({ answer, ends }) => {
    expect(readyOf(answer())).toMatch(/^True Done: served from storage: /)
    expect(
      readyOf(answer())
        .replace(/-[0-9a-f]{8}"$/, '-####"')
        .endsWith(ends),
    ).toBe(true)
  })

  test('is not what the container of a training says', () => {
    expect(statusOf(answered(trained, {}, loaderSays(omitted))).stages?.run).not.toHaveProperty(
      'omitted',
    )
  })

  test.each([
    { what: 'no JSON', message: 'loaded hf://org/name' },
    { what: 'no object', message: 'null' },
    { what: 'sizes that are no numbers', message: '{"omitted":{"files":"3","bytes":1}}' },
    { what: 'negative sizes', message: '{"omitted":{"files":-3,"bytes":1}}' },
  ])('is not read from $what', ({ message }) => {
    expect(readyOf(answered(imported, {}, loaderSays(message)))).toMatch(
      /load\/|run\/[0-9a-f]{16}$/,
    )
  })
})

test('the loader gets the patterns of spec.files', () => {
  const job = theChild(sync(aModel({ source: 'hf://org/name', files: ['*.json', '!x'] })), 'Job')
  expect(job.spec.template.spec.containers[0].args).toEqual([
    'load',
    '--source=hf://org/name',
    '--hub=model',
    '--files=*.json',
    '--files=!x',
    '--into=/content/artifacts',
    expect.stringMatching(/^--artifacts=\/storage\/run\/[0-9a-f]{16}$/),
    '--storage=/storage',
  ])
})
