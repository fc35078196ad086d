import { describe, expect, test } from 'vitest'
import type { Config } from '../../../crds/config.ts'
import { defaultConfig } from '../../../crds/config.ts'
import type { Parent } from '../../../crds/kind.ts'
import type { Facts } from '../../../webhooks/facts.ts'
import { type AdmissionRequest, admissionRequest, validate } from '../../../webhooks/review.ts'
import { aConfig, aDataset, aModel, aModelServer, aNotebook, complete } from '../../objects.ts'

const review = (
  request: Partial<AdmissionRequest>,
  facts: Facts = {},
  config: Config = aConfig({
    gpus: { profiles: { l4: { resourceName: 'nvidia.com/gpu' } }, default: 'l4' },
  }),
) => validate({ uid: '1', operation: 'CREATE', ...request }, config, facts).response

const trained = (base: string, name: string) =>
  aModel({ image: 'example.com/train:1', model: { name: base } }, { name })
const server = (more = {}) => aModelServer({ model: { name: 'falcon' }, ...more })
const image = { image: 'example.com/model:1' }
const inClaim = complete(aModel(image), { url: 'pvc://falcon-model-artifacts/run/1' })

describe('a new object', () => {
  test.each<{
    when: string
    object: Parent
    facts?: Facts
    dryRun?: boolean
    username?: string
    config?: Config
    says?: string
    warns?: string
  }>([
    { when: 'nothing is wrong', object: aModel(image) },
    { when: 'its reference exists', object: server(), facts: { 'Model/falcon': aModel(image) } },
    { when: 'its reference could not be looked up', object: server() },
    {
      when: 'its reference does not exist',
      object: server(),
      facts: { 'Model/falcon': null },
      says: 'ModelServer.substratus.ai "falcon" is invalid: spec.model.name: Not found: "falcon": Model "falcon" does not exist in this namespace',
    },
    {
      when: 'the same, in a dry run',
      object: server(),
      facts: { 'Model/falcon': null },
      dryRun: true,
      warns:
        'spec.model.name: Not found: "falcon": Model "falcon" does not exist in this namespace',
    },
    {
      when: 'the same, where the administrator only warns',
      object: server(),
      facts: { 'Model/falcon': null },
      config: aConfig({ references: 'Warn' }),
      warns: 'spec.model.name: Not found',
    },
    {
      when: 'the same, applied by Flux',
      object: server(),
      facts: { 'Model/falcon': null },
      username: 'system:serviceaccount:flux-system:kustomize-controller',
      warns: 'spec.model.name: Not found',
    },
    {
      when: 'the same, applied by an account whose name only contains that of Flux',
      object: server(),
      facts: { 'Model/falcon': null },
      username: 'me:system:serviceaccount:flux-system:kustomize-controller',
      says: 'spec.model.name: Not found',
    },
    {
      when: 'the same, applied by an account that the administrator lists',
      object: server(),
      facts: { 'Model/falcon': null },
      username: 'system:serviceaccount:team-a:deployer',
      config: aConfig({ references: { warnFor: ['system:serviceaccount:team-a:deployer'] } }),
      warns: 'spec.model.name: Not found',
    },
    {
      when: 'the same, applied by Flux where the administrator lists another account',
      object: server(),
      facts: { 'Model/falcon': null },
      username: 'system:serviceaccount:flux-system:kustomize-controller',
      config: aConfig({ references: { warnFor: ['system:serviceaccount:team-a:deployer'] } }),
      says: 'spec.model.name: Not found',
    },
    {
      when: 'it is its own base',
      object: trained('me', 'me'),
      facts: { 'Model/me': null },
      says: 'spec.model.name: Invalid value: a Model cannot be its own base',
    },
    {
      when: 'its bases lead in a circle',
      object: trained('third', 'first'),
      facts: {
        'Model/third': trained('second', 'third'),
        'Model/second': trained('first', 'second'),
      },
      says: 'spec.model.name: Invalid value: "third": the bases lead in a circle: first → third → second → first',
    },
    {
      when: 'its bases are in a circle that does not include it',
      object: trained('second', 'first'),
      facts: {
        'Model/second': trained('third', 'second'),
        'Model/third': trained('second', 'third'),
      },
    },
    {
      when: 'more replicas than its claim serves',
      object: server({ replicas: 2 }),
      facts: { 'Model/falcon': inClaim },
      says: 'spec.replicas: Invalid value: 2: Model "falcon" is in a ReadWriteOnce claim, which serves one',
    },
    {
      when: 'the same, with a ReadWriteMany claim',
      object: server({ replicas: 2 }),
      facts: { 'Model/falcon': inClaim },
      config: aConfig({ storage: { pvc: { accessModes: ['ReadWriteMany'] } } }),
    },
    {
      when: 'the same, in a claim of the user',
      object: server({ replicas: 2 }),
      facts: { 'Model/falcon': complete(inClaim, { url: 'pvc://nfs/falcon' }) },
    },
    {
      when: 'a packaged Model under an image of the server’s own, which mounts its claim',
      object: server({ replicas: 2, image: 'example.com/own:1' }),
      facts: {
        'Model/falcon': complete(inClaim, {
          url: 'pvc://falcon-model-artifacts/run/1',
          image: 'registry.test/falcon@sha256:1',
          inImage: true,
          program: true,
        }),
      },
      says: 'spec.replicas: Invalid value: 2: Model "falcon" is in a ReadWriteOnce claim, which serves one: remove spec.image',
    },
    {
      when: 'a GPU that the administrator does not have',
      object: aModel({ ...image, resources: { gpu: { type: 'h100' } } }),
      says: 'spec.resources.gpu.type: Unsupported value: "h100": supported values: "l4"',
    },
    {
      when: 'the same, where no profiles were set: one sentence, not two',
      object: aModel({ ...image, resources: { gpu: { type: 'h100' } } }),
      config: defaultConfig,
      says: 'spec.resources.gpu.type: Unsupported value: "h100": supported values: ',
    },
    {
      when: 'a GPU with the name of a property of every JavaScript object',
      object: aModel({ ...image, resources: { gpu: { type: 'constructor' } } }),
      says: 'spec.resources.gpu.type: Unsupported value: "constructor"',
    },
    {
      when: 'a GPU, where no profiles were set',
      object: aModel({ ...image, resources: { gpu: { type: 'nvidia-l4' } } }),
      config: defaultConfig,
      warns:
        'spec.resources.gpu.type: the administrator has set no GPU profiles: "nvidia-l4" takes any node with nvidia.com/gpu; the presets in helm/presets have profiles',
    },
    {
      when: 'an image that is ignored',
      object: aModel({ ...image, build: { git: { url: 'https://example.com/repo' } } }),
      warns: 'spec.image: ignored, for spec.build is set and wins',
    },
    {
      when: 'a misspelled field',
      object: aModel({ ...image, comand: ['x'] }),
      says: 'spec.comand: unknown field',
    },
  ])('$when', ({ object, facts, dryRun, username, config, says, warns }) => {
    const { allowed, status, warnings } = review(
      { object, username, ...(dryRun && { dryRun }) },
      facts,
      config,
    )
    expect(status?.message ?? '').toContain(says ?? '')
    expect(allowed).toBe(says === undefined)
    expect(warnings ?? []).toEqual(warns ? [expect.stringContaining(warns)] : [])
  })

  test('all broken rules are reported at once, as the API server does', () => {
    const { status } = review({
      object: aModel({ image: 1, comand: [], resources: { gpu: { type: 'x' } } }),
    })
    expect(status).toMatchObject({ code: 422, reason: 'Invalid' })
    expect(status?.message).toMatch(
      /is invalid: \[.*spec\.image.*, .*spec\.comand.*\]|is invalid: \[.*spec\.comand.*, .*spec\.image.*\]/,
    )
  })
})

describe('a result that another spec will replace', () => {
  const finished = {
    ...aModel({ ...image, params: { epochs: 1 } }),
    status: { ready: true, stages: { run: { job: 'j', inputs: 'i', attempt: 'a' } } },
  }
  const changed = (spec: object, before: Parent = finished, config?: Config) =>
    review(
      {
        operation: 'UPDATE',
        object: { ...before, spec: { ...(before.spec as object), ...spec } },
        oldObject: before,
      },
      {},
      config ?? aConfig(),
    ).warnings
  const warns = [
    expect.stringContaining('spec: the current result is no longer recorded once the new one'),
  ]

  test('is announced', () => {
    expect(changed({ params: { epochs: 2 } })).toEqual(warns)
  })

  test.each<{ when: string; warnings: readonly string[] | undefined }>([
    { when: 'nothing that it depends on changes', warnings: changed({ resources: { cpu: 8 } }) },
    { when: 'the value only looks different', warnings: changed({ args: [] }) },
    {
      when: 'there is none yet',
      warnings: changed({ params: { epochs: 2 } }, { ...finished, status: { ready: false } }),
    },
    {
      when: 'more of them are stored',
      warnings: changed(
        { params: { epochs: 2 } },
        finished,
        aConfig({ storage: { keepResults: 2 } }),
      ),
    },
  ])('but not if $when', ({ warnings }) => {
    expect(warnings).toBeUndefined()
  })
})

test('a disk that a ModelServer does not use is ignored, with a warning', () => {
  const object = server({ resources: { disk: 20 } })
  const warningsOf = (file: Parameters<typeof aConfig>[0]) =>
    review({ object }, { 'Model/falcon': aModel(image) }, aConfig(file)).warnings
  expect(warningsOf({})).toEqual([expect.stringContaining('spec.resources.disk: ignored: ')])
  expect(warningsOf({ storage: { driver: 's3', s3: { bucket: 'b' } } })).toBeUndefined()
})

describe('a preset that needs a GPU', () => {
  const source = aModel({ source: 'hf://a/b' })
  const needs = 'needs a GPU and none is requested: set gpu: {count: 1}'
  const llamacpp = '"llamacpp" (chat, completions, embeddings)'
  const forChat = `preset "vllm" ${needs}, or a runtime that needs none: ${llamacpp}`
  test.each<{ when: string; spec: object; model: Parent | null; warns?: string }>([
    { when: 'named', spec: { runtime: 'vllm' }, model: source, warns: forChat },
    {
      when: 'named, with no GPUs',
      spec: { runtime: 'vllm-embed', resources: { gpu: { count: 0 } } },
      model: source,
      warns: `preset "vllm-embed" ${needs}, or a runtime that needs none: ${llamacpp}, "tei" (embeddings, reranking, classification)`,
    },
    { when: 'by default', spec: {}, model: source, warns: forChat },
    { when: 'with a GPU', spec: { resources: { gpu: { count: 1 } } }, model: source },
    { when: 'with a type', spec: { resources: { gpu: { type: 'l4' } } }, model: source },
    { when: 'unlike the one that is named', spec: { runtime: 'llamacpp' }, model: source },
    { when: 'unlike an image', spec: image, model: source },
    { when: 'unlike the program of a trained Model', spec: {}, model: inClaim },
  ])('$when', ({ spec, model, warns }) => {
    const { allowed, warnings = [] } = review({ object: server(spec) }, { 'Model/falcon': model })
    expect(allowed).toBe(true)
    expect(warnings).toEqual(warns ? [`spec.resources.gpu: ${warns}`] : [])
  })
})

describe('presets are named with the tasks that they serve', () => {
  const none = { image: 'i' }
  const config = aConfig({
    servers: {
      default: 'gpu',
      presets: {
        gpu: { ...none, needsGpu: true, tasks: ['chat'] },
        same: { ...none, tasks: ['completions', 'chat'] },
        other: { ...none, tasks: ['transcription'] },
        silent: none,
      },
    },
  })
  const answerFor = (runtime: string) =>
    review({ object: server({ runtime }) }, { 'Model/falcon': aModel(image) }, config)

  test('if a runtime does not exist', () => {
    expect(answerFor('gone').status?.message).toContain(
      'supported values: "gpu" (chat), "other" (transcription), "same" (completions, chat), "silent"',
    )
  })

  test('if one without a GPU is suggested, which may serve the same', () => {
    expect(answerFor('gpu').warnings).toEqual([
      `spec.resources.gpu: preset "gpu" needs a GPU and none is requested: set gpu: {count: 1}, or a runtime that needs none: "same" (completions, chat), "silent"`,
    ])
  })
})

describe('a name that begins with a digit', () => {
  const named = (object: Parent) => ({
    ...object,
    metadata: { ...object.metadata, name: '7b-chat' },
  })
  const ofServer = named(server(image))
  test.each<{ when: string; request: Partial<AdmissionRequest>; says?: string }>([
    {
      when: 'of a ModelServer',
      request: { object: ofServer },
      says: 'ModelServer.substratus.ai "7b-chat" is invalid: metadata.name: Invalid value: "7b-chat": must begin with a letter, because its Service is named after it: "7b-chat-server"',
    },
    {
      when: 'of a Notebook',
      request: { object: named(aNotebook({})) },
      says: 'Notebook.substratus.ai "7b-chat" is invalid: metadata.name: Invalid value: "7b-chat": must begin with a letter, because its Service is named after it: "7b-chat-notebook"',
    },
    { when: 'of a Model, which has no Service', request: { object: named(aModel(image)) } },
    {
      when: 'of a ModelServer that exists, where Services may have it',
      request: {
        operation: 'UPDATE',
        oldObject: ofServer,
        object: { ...ofServer, spec: { ...(ofServer.spec as object), replicas: 2 } },
      },
    },
  ])('$when', ({ request, says }) => {
    const { allowed, status } = review(request)
    expect(allowed).toBe(says === undefined)
    expect(status?.message).toBe(says)
  })
})

describe('a change', () => {
  const broken = server({ runtime: 'gone' })
  const change = (object: Parent, oldObject: Parent, facts?: Facts, config?: Config) =>
    review({ operation: 'UPDATE', object, oldObject }, facts, config)

  test('a rule that was broken before only warns, so that the object can be suspended', () => {
    const { allowed, warnings } = change(server({ runtime: 'gone', suspend: true }), broken)
    expect(allowed).toBe(true)
    expect(warnings).toEqual([expect.stringContaining('spec.runtime: Unsupported value: "gone"')])
  })

  const bare = (more = {}) => aModel(more)
  test.each([
    { when: 'another field', to: { resources: { memory: 8 } }, allowed: true },
    { when: 'suspend', to: { suspend: true }, allowed: true },
    { when: 'env', to: { env: { A: 'b' } }, allowed: true },
    { when: 'what the rule reads', to: { source: 'hf://a/b', image: 'x' }, allowed: false },
    {
      when: 'what the rule reads, so that it is not broken',
      to: { source: 'hf://a/b' },
      allowed: true,
    },
  ])('a rule of the whole spec that was broken before, and $when changes', ({ to, allowed }) => {
    const answer = change(bare(to), bare({ resources: { memory: 4 } }))
    expect(answer.allowed).toBe(allowed)
  })

  test('a name that is older than the rule on names only warns', () => {
    const dotted = (spec: object) => aModel({ ...image, ...spec }, { name: 'falcon-7b.v1' })
    const { allowed, warnings } = change(dotted({ args: ['a'] }), dotted({}))
    expect(warnings).toEqual([expect.stringContaining('metadata.name: ')])
    expect(allowed).toBe(true)
  })

  test('a rule that the change breaks refuses it', () => {
    expect(change(broken, server()).status?.message).toContain('spec.runtime')
  })

  test('an unchanged reference is not checked', () => {
    expect(change(server({ suspend: true }), server(), { 'Model/falcon': null })).toEqual({
      uid: '1',
      allowed: true,
    })
  })

  test('a changed reference is checked', () => {
    const { status } = change(aModelServer({ model: { name: 'other' } }), server(), {
      'Model/other': null,
    })
    expect(status?.message).toContain('spec.model.name: Not found: "other"')
  })

  test('advice on GPUs comes only with a change of the GPU', () => {
    const on = (more = {}) =>
      aModel({ ...image, resources: { gpu: { type: 'nvidia-l4' } }, ...more })
    expect(change(on({ suspend: true }), on(), {}, defaultConfig).warnings).toBeUndefined()
    expect(change(on(), aModel(image), {}, defaultConfig).warnings).toHaveLength(1)
  })

  const disk = (size: unknown) =>
    aDataset({ source: 'https://example.com/a', resources: { disk: size } })
  test.each([
    {
      from: 20,
      to: 10,
      becomes: '10',
      says: 'spec.resources.disk: Forbidden: may not shrink from 20Gi to 10Gi',
    },
    { from: 20, to: '20480Mi', becomes: '20480Mi', says: undefined },
    { from: '1Ti', to: 1023, becomes: '1023', says: 'may not shrink from 1Ti to 1023Gi' },
    { from: 20, to: 21, becomes: '21', says: undefined },
    { from: 21, to: undefined, becomes: 'the larger default', says: undefined },
    {
      from: 500,
      to: undefined,
      becomes: 'the smaller default',
      says: 'may not shrink from 500Gi to ',
    },
  ])('disk from $from to $becomes', ({ from, to, says }) => {
    const { allowed, status } = change(disk(to), disk(from))
    expect(status?.message ?? '').toContain(says ?? '')
    expect(allowed).toBe(says === undefined)
  })
})

describe('a smaller disk is refused only if there is a claim', () => {
  const sized = (disk: unknown, spec: object) => ({ ...spec, resources: { disk } })
  test.each<{ when: string; to: Parent; from: Parent; allowed: boolean }>([
    {
      when: 'a Model is its image',
      to: aModel(sized(10, image)),
      from: aModel(sized(20, image)),
      allowed: true,
    },
    {
      when: 'the source is in a claim already',
      to: aDataset(sized(10, { source: 'pvc://a/b' })),
      from: aDataset(sized(20, { source: 'pvc://a/b' })),
      allowed: true,
    },
    {
      when: 'an image becomes a training',
      to: aModel({ ...image, params: { n: 1 } }),
      from: aModel(sized(500, image)),
      allowed: true,
    },
    {
      when: 'a Model is trained',
      to: aModel(sized(10, { ...image, params: { n: 1 } })),
      from: aModel(sized(20, { ...image, params: { n: 1 } })),
      allowed: false,
    },
    {
      when: 'a Notebook has a home',
      to: aNotebook(sized(10, {})),
      from: aNotebook({}),
      allowed: false,
    },
  ])('$when', ({ to, from, allowed }) => {
    const answer = review({ operation: 'UPDATE', object: to, oldObject: from })
    expect(answer.allowed).toBe(allowed)
  })
})

describe('a deletion', () => {
  const warnings = (oldObject: Parent) =>
    review({ operation: 'DELETE', object: null, oldObject }).warnings
  test('warns of the claim that is deleted with the object, and is always admitted', () => {
    expect(warnings(inClaim)).toEqual([
      expect.stringMatching(/^claim "falcon-model-artifacts" \(.*\) is deleted with it/),
    ])
    expect(warnings(aNotebook({}))).toHaveLength(1)
  })
  const trainedOnce = { stages: { run: { job: 'j', inputs: 'i', attempt: 'a' } } }
  test.each<{ when: string; object: Parent }>([
    { when: 'training, or failed: checkpoints', object: aModel({ ...image, params: { n: 1 } }) },
    { when: 'importing', object: aModel({ source: 'hf://a/b' }) },
    { when: 'loading', object: aDataset(image) },
    { when: 'trained, and only an image now', object: aModel(image, { status: trainedOnce }) },
    {
      when: 'loaded, and moved to another claim',
      object: aDataset(
        { source: 'pvc://mine/x' },
        { status: { stages: { load: trainedOnce.stages.run } } },
      ),
    },
  ])('also warns if the object is $when', ({ object }) => {
    expect(warnings(object)).toEqual([
      expect.stringMatching(/^claim "[-a-z]+-artifacts" \(\d+Gi\) is deleted with it/),
    ])
  })
  test('does not warn of results in a bucket, but of a Notebook’s home', () => {
    const config = aConfig({ storage: { driver: 's3', s3: { bucket: 'b' } } })
    const warningsOf = (oldObject: Parent) =>
      review({ operation: 'DELETE', object: null, oldObject }, {}, config).warnings
    expect(warningsOf(aModel({ source: 'hf://a/b' }, { status: trainedOnce }))).toBeUndefined()
    expect(warningsOf(inClaim)).toHaveLength(1)
    expect(warningsOf(aNotebook({}))).toHaveLength(1)
  })
  test('warns without a size if the disk is not a valid quantity', () => {
    expect(warnings(aNotebook({ resources: { disk: 'lots' } }))).toEqual([
      expect.stringMatching(/^claim "[-a-z]+-home" is deleted with it/),
    ])
  })
  test.each([
    aModel(image),
    server(),
    complete(aDataset({ source: 'pvc://mine/x' }), { url: 'pvc://mine/x' }),
  ])('of a $kind without a claim does not warn', (object) =>
    expect(warnings(object)).toBeUndefined(),
  )
})

test.each([
  { where: 'a list in env', spec: { env: { TOKEN: ['hf_verysecret'] } } },
  { where: 'env itself', spec: { env: 'hf_verysecret' } },
  {
    where: 'the address of the repository',
    spec: { build: { git: { url: 'https://user:hf_verysecret@example.com/repo' } } },
  },
  { where: 'the source', spec: { source: 'https://user:hf_verysecret@example.com/data' } },
])('a secret in a wrong place is not repeated: $where', ({ spec }) => {
  const { allowed, status } = review({ object: aModel(spec) })
  expect(allowed).toBe(false)
  expect(status?.message).not.toContain('verysecret')
})

describe('a body that is not a review is refused', () => {
  const good = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' }
  test.each([
    { when: 'there is no body', body: null, says: 'kind: must be "AdmissionReview"' },
    {
      when: 'it is of another kind',
      body: { ...good, kind: 'Review' },
      says: 'kind: must be "AdmissionReview"',
    },
    {
      when: 'it is of an old version',
      body: { ...good, apiVersion: 'admission.k8s.io/v1beta1' },
      says: 'apiVersion: must be',
    },
    { when: 'it has no request', body: good, says: 'request.uid: Required value' },
    {
      when: 'its uid is a number',
      body: { ...good, request: { uid: 1 } },
      says: 'request.uid: Required value',
    },
    {
      when: 'its operation is unknown',
      body: { ...good, request: { uid: '1', operation: 'PATCH' } },
      says: 'request.operation',
    },
    {
      when: 'nothing is created',
      body: { ...good, request: { uid: '1', operation: 'CREATE', object: null } },
      says: 'request.object: Required value',
    },
    {
      when: 'its object is text',
      body: { ...good, request: { uid: '1', operation: 'CREATE', object: 'x' } },
      says: 'request.object',
    },
    {
      when: 'its object is empty',
      body: { ...good, request: { uid: '1', operation: 'CREATE', object: {} } },
      says: 'request.object',
    },
  ])('$when', ({ body, says }) => {
    expect(admissionRequest(body)).toContain(says)
  })
})
