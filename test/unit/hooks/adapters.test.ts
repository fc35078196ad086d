import { describe, expect, test } from 'vitest'
import type { ConfigFile } from '../../../crds/config.ts'
import type { Parent } from '../../../crds/kind.ts'
import type { Artifacts } from '../../../crds/status.ts'
import { modelserver } from '../../../hooks/modelserver.ts'
import {
  aConfig,
  aModel,
  aModelServer,
  aPod,
  applied,
  type Child,
  complete,
  conditionOf,
  type Json,
  observed,
  readyOf,
  type Seen,
  statusOf,
  stored,
  sync,
  theChild,
} from '../../objects.ts'

/** A ModelServer with adapters: Models that were trained with its Model as their base. */

const base = (id = 'one') =>
  complete(aModel({ source: 'hf://acme/falcon' }), {
    url: 'pvc://falcon-model-artifacts/run/1',
    id,
  })

const adapter = (name: string, more: object = {}, artifacts: Artifacts = {}): Parent =>
  complete(aModel({ image: 'example.com/trainer:1', model: { name: 'falcon' } }, { name }), {
    url: `pvc://${name}-model-artifacts/run/1`,
    image: `registry.test/${name}@sha256:1`,
    inImage: true,
    program: true,
    id: `${name}-one`,
    adapter: { format: 'peft', rank: 16, base: 'one', ...more },
    ...artifacts,
  })

const server = (more: object = {}) =>
  aModelServer({
    model: { name: 'falcon' },
    runtime: 'vllm',
    adapters: [{ name: 'polite' }, { name: 'legal' }],
    ...more,
  })
const images: ConfigFile = { imageVolumes: 'Enabled' }
const config = aConfig(images)
const answerFor = (parent: Parent, ...seen: readonly Seen[]) => sync(parent, seen, config)

const podSpec = (answer: ReturnType<typeof sync>): Json =>
  theChild(answer, 'Deployment').spec.template.spec
const argsOf = (answer: ReturnType<typeof sync>): readonly string[] =>
  podSpec(answer).containers[0].args

describe('the preset gets its adapters', () => {
  test('vLLM by name and path, and the smallest rank that covers the largest', () => {
    const answer = answerFor(
      server(),
      base(),
      adapter('polite', { rank: 8 }),
      adapter('legal', { rank: 24, path: 'adapter' }),
    )
    expect(argsOf(answer)).toEqual([
      '/content/model',
      '--served-model-name=falcon',
      '--tensor-parallel-size=1',
      '--port=8080',
      '--enable-lora',
      '--max-lora-rank=32',
      '--lora-modules',
      'polite=/content/adapters/polite',
      'legal=/content/adapters/legal/adapter',
      '--shutdown-timeout=50',
    ])
  })

  test('llama.cpp by file, each with the scale 0, so that only requests apply it', () => {
    const gguf = { format: 'gguf', path: 'a.gguf' }
    const answer = answerFor(
      server({ runtime: 'llamacpp' }),
      base(),
      adapter('polite', gguf),
      adapter('legal', gguf),
    )
    expect(argsOf(answer).slice(-5)).toEqual([
      '--lora-init-without-apply',
      '--lora-scaled',
      '/content/adapters/polite/a.gguf:0',
      '--lora-scaled',
      '/content/adapters/legal/a.gguf:0',
    ])
    expect(statusOf(answer).adapters).toEqual([
      { name: 'polite', lora: 0 },
      { name: 'legal', lora: 1 },
    ])
  })

  test('and the object’s own flags replace the preset’s', () => {
    const args = ['--max-lora-rank=256', '--max-loras=4']
    const words = argsOf(answerFor(server({ args }), base(), adapter('polite'), adapter('legal')))
    expect(words.filter((word) => word.startsWith('--max-lora'))).toEqual(args)
  })

  test('a server’s own image finds them, and gets no arguments', () => {
    const answer = answerFor(
      server({ runtime: undefined, image: 'example.com/server:1' }),
      base(),
      adapter('polite'),
      adapter('legal'),
    )
    const [container] = podSpec(answer).containers
    expect(container.args).toBeUndefined()
    expect(container.volumeMounts.map(({ mountPath }: Json) => mountPath)).toEqual(
      expect.arrayContaining(['/content/adapters/polite', '/content/adapters/legal']),
    )
  })
})

test('they are mounted as images where Pods can, from the folder of their own images', () => {
  const spec = podSpec(answerFor(server(), base(), adapter('polite'), adapter('legal')))
  expect(spec.volumes.filter(({ image }: Json) => image)).toEqual([
    {
      name: 'polite-adapter',
      image: { reference: 'registry.test/polite@sha256:1', pullPolicy: 'IfNotPresent' },
    },
    {
      name: 'legal-adapter',
      image: { reference: 'registry.test/legal@sha256:1', pullPolicy: 'IfNotPresent' },
    },
  ])
  expect(spec.containers[0].volumeMounts).toContainEqual({
    name: 'polite-adapter',
    mountPath: '/content/adapters/polite',
    subPath: 'content/model',
    readOnly: true,
  })
})

test('the longest names of adapters give volumes and init containers that Kubernetes accepts', () => {
  const name = `a${'b'.repeat(49)}`
  const answer = sync(
    server({ adapters: [{ name }] }),
    [base(), adapter(name, {}, { url: undefined as never })],
    aConfig(),
  )
  const { volumes, initContainers } = podSpec(answer)
  const names = [...volumes, ...initContainers].map((one: Json) => one.name)
  expect(names.filter((one: string) => one.includes('adapter'))).toHaveLength(2)
  for (const one of names) expect(one.length).toBeLessThanOrEqual(63)
})

describe('Ready says why adapters cannot be served', () => {
  const only = { adapters: [{ name: 'polite' }] }
  test.each<{ when: string; more?: object; seen: readonly Seen[]; ready: string; at?: ConfigFile }>(
    [
      {
        when: 'it does not exist',
        seen: [],
        ready: 'False ReferenceMissing: Model "polite" does not exist in this namespace',
      },
      {
        when: 'it has no result yet',
        seen: [aModel({ image: 'i', model: { name: 'falcon' } }, { name: 'polite' })],
        ready: 'False Waiting: waiting for Model "polite": not started yet',
      },
      {
        when: 'it was trained on another Model',
        seen: [
          complete(aModel({ image: 'i', model: { name: 'eagle' } }, { name: 'polite' }), {
            image: 'registry.test/polite@sha256:1',
            inImage: true,
            adapter: { format: 'peft', rank: 16, base: 'one' },
          }),
        ],
        ready:
          'False InvalidSpec: spec.adapters: Invalid value: "polite": Model "polite" is trained on Model "eagle", and this server serves Model "falcon": list only adapters of "falcon"',
      },
      {
        when: 'its result is none',
        seen: [adapter('polite', {}, { adapter: undefined as never })],
        ready: expect.stringContaining(
          'False InvalidSpec: spec.adapters: Invalid value: "polite": the result of Model "polite" is no adapter',
        ),
      },
      {
        when: 'the preset serves none',
        more: { runtime: 'tei' },
        seen: [adapter('polite')],
        ready:
          'False InvalidSpec: spec.adapters: Forbidden: preset "tei" serves no adapters: remove them, or use another runtime',
      },
      {
        when: 'the preset reads another format',
        more: { runtime: 'llamacpp' },
        seen: [adapter('polite')],
        ready:
          'False InvalidSpec: spec.adapters: Invalid value: "polite": preset "llamacpp" reads adapters of the format gguf, and that of Model "polite" is peft',
      },
      {
        when: 'its rank is too high',
        seen: [adapter('polite', { rank: 1024 })],
        ready:
          'False InvalidSpec: spec.adapters: Invalid value: "polite": preset "vllm" serves ranks up to 512, and that of Model "polite" is 1024',
      },
      {
        when: 'the mounts may not meet on one node',
        at: { imageVolumes: 'Disabled' },
        seen: [adapter('polite')],
        ready:
          'False InvalidSpec: spec.adapters: Forbidden: Models "falcon", "polite" are in ReadWriteOnce claims, which may be on different nodes: use a storage class with ReadWriteMany, or use nodes that mount images (imageVolumes)',
      },
      {
        when: 'it was trained on an older result, and nothing runs yet',
        seen: [adapter('polite', { base: 'zero' })],
        ready:
          'False Waiting: waiting for adapter "polite", trained on another result of Model "falcon" than the present one: kubectl annotate --overwrite model polite substratus.ai/rerun="$(date)" trains it again',
      },
    ],
  )('when $when', ({ more = {}, seen, ready, at = images }) => {
    const answer = sync(server({ ...only, ...more }), [base(), ...seen], aConfig(at))
    expect(readyOf(answer)).toEqual(ready)
    expect(answer.children).toEqual([])
  })

  test('claims that several nodes can mount may be as many as they like', () => {
    const shared = aConfig({ storage: { pvc: { accessModes: ['ReadWriteMany'] } } })
    const answer = sync(server(only), [base(), adapter('polite')], shared)
    expect(readyOf(answer)).toBe('False Pending: creating Deployment "falcon-server"')
  })
})

/** A server that answers, with what it has seen. */
function running(parent: Parent, ...models: readonly Seen[]) {
  const first = answerFor(parent, ...models)
  const status = {
    replicas: 1,
    updatedReplicas: 1,
    readyReplicas: 1,
    availableReplicas: 1,
    observedGeneration: 1,
    conditions: [{ type: 'Available', status: 'True' }],
  }
  const seen = applied(first).map((child) =>
    child.kind === 'Deployment' ? observed(child, status) : child,
  )
  const deployment = seen.find(({ kind }) => kind === 'Deployment') as Child
  return { parent: stored(parent, first), seen, deployment, template: templateOf(first) }
}
const templateOf = (answer: ReturnType<typeof sync>): Json =>
  theChild(answer, 'Deployment').spec.template
/** A Pod of its template, which answers. */
const podOf = (deployment: Child, more: Partial<Child['metadata']> = {}): Child => {
  const { annotations } = deployment.spec.template.metadata
  return aPod(deployment, answering, { annotations, ...more })
}
const answering = { phase: 'Running', containerStatuses: [{ name: 'server', ready: true }] }

describe('a base that was trained again', () => {
  const models = [adapter('polite'), adapter('legal')]
  const before = running(server(), base(), ...models)
  const pod = podOf(before.deployment)

  test('waits for its adapters, while the former one is served', () => {
    const answer = answerFor(before.parent, base('two'), ...models, ...before.seen, pod)
    expect(templateOf(answer)).toEqual(before.template)
    expect(readyOf(answer)).toMatch(
      /^True UpdatePending: .*; update pending: waiting for adapters "legal", "polite", trained on another result of Model "falcon" than the present one: kubectl annotate --overwrite model polite legal substratus.ai\/rerun="\$\(date\)" trains them again$/,
    )
    expect(conditionOf(answer, 'Serving')).toMatch(/^True Serving/)
    expect(statusOf(answer).adapters).toEqual([{ name: 'polite' }, { name: 'legal' }])
  })

  test('waits for the last of them', () => {
    const mixed = [adapter('polite', { base: 'two' }, { id: 'polite-two' }), adapter('legal')]
    const answer = answerFor(before.parent, base('two'), ...mixed, ...before.seen, pod)
    expect(templateOf(answer)).toEqual(before.template)
    expect(readyOf(answer)).toContain('waiting for adapter "legal", trained')
  })

  test('is served with them once all have followed', () => {
    const followed = [
      adapter(
        'polite',
        { base: 'two' },
        { id: 'polite-two', url: 'pvc://polite-model-artifacts/run/2' },
      ),
      adapter('legal', { base: 'two' }, { image: 'registry.test/legal@sha256:2', id: 'legal-two' }),
    ]
    const answer = answerFor(before.parent, base('two'), ...followed, ...before.seen, pod)
    expect(JSON.stringify(templateOf(answer))).toContain('registry.test/legal@sha256:2')
  })

  test('needs no adapter that was removed from the spec', () => {
    const without = { ...before.parent, spec: { model: { name: 'falcon' }, runtime: 'vllm' } }
    const answer = answerFor(without, base('two'), ...before.seen, pod)
    expect(argsOf(answer).join(' ')).not.toContain('lora')
    expect(statusOf(answer).adapters).toBeUndefined()
  })
})

describe('the status lists the adapters', () => {
  const gguf = { format: 'gguf', path: 'a.gguf' }
  const models = [base(), adapter('polite', gguf), adapter('legal', gguf)]
  const llamacpp = (...names: readonly string[]) =>
    server({ runtime: 'llamacpp', adapters: names.map((name) => ({ name })) })
  const before = running(llamacpp('polite', 'legal'), ...models)
  const old = podOf(before.deployment, { name: 'old' })

  test('on which every Pod that answers agrees, while another order is rolled out', () => {
    const parent = { ...before.parent, spec: llamacpp('legal', 'polite').spec }
    const rolled = answerFor(parent, ...models, ...before.seen, old)
    expect(statusOf(rolled).adapters).toBeUndefined()
    const now = theChild(rolled, 'Deployment')
    const young = podOf(observed(now), { name: 'young' })
    const gone = {
      ...old,
      metadata: { ...old.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
    }
    expect(
      statusOf(answerFor(parent, ...models, ...before.seen, old, young)).adapters,
    ).toBeUndefined()
    expect(statusOf(answerFor(parent, ...models, ...before.seen, gone, young)).adapters).toEqual([
      { name: 'legal', lora: 0 },
      { name: 'polite', lora: 1 },
    ])
  })

  test('without one that only new Pods have', () => {
    const one = running(llamacpp('polite'), ...models)
    const parent = { ...one.parent, spec: llamacpp('polite', 'legal').spec }
    const answer = answerFor(parent, ...models, ...one.seen, podOf(one.deployment))
    expect(statusOf(answer).adapters).toEqual([{ name: 'polite', lora: 0 }])
  })

  test.each([
    { what: 'no JSON', value: '{' },
    { what: 'no list', value: '{"name": "polite"}' },
    {
      what: 'names that are none, and numbers below 0',
      value: '[{"name": "../x"}, {"name": "polite", "lora": -1}]',
    },
    { what: 'a name twice', value: '[{"name": "polite"}, {"name": "polite", "lora": 1}]' },
  ])('and believes no Pod whose annotation has $what', ({ value }) => {
    const annotations = { ...old.metadata.annotations, 'substratus.ai/adapters': value }
    const forged = { ...old, metadata: { ...old.metadata, annotations } }
    const answer = answerFor(before.parent, ...models, ...before.seen, forged)
    expect(statusOf(answer).adapters).toBeUndefined()
  })
})

test('its Model and its adapters are requested by one rule, each once', () => {
  const { relatedResources } = modelserver.customize({ parent: server() } as never)
  expect(relatedResources).toEqual([
    {
      apiVersion: 'substratus.ai/v1',
      resource: 'models',
      namespace: 'default',
      names: ['falcon', 'polite', 'legal'],
    },
  ])
})
