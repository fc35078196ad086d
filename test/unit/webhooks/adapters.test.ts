import { describe, expect, test } from 'vitest'
import type { ConfigFile } from '../../../crds/config.ts'
import { ModelServer } from '../../../crds/modelserver.ts'
import { sentence } from '../../../crds/schema/validator.ts'
import type { Artifacts } from '../../../crds/status.ts'
import { factsFor } from '../../../server/lookup.ts'
import { check } from '../../../webhooks/check.ts'
import type { Facts } from '../../../webhooks/facts.ts'
import { aConfig, aModel, aModelServer, complete } from '../../objects.ts'

/** What admission says to the adapters of a ModelServer. */

const falcon = complete(aModel({ source: 'hf://acme/falcon' }), {
  url: 'pvc://falcon-model-artifacts/run/1',
})
const adapter = (name: string, more: object = {}, of: Artifacts = {}, base = 'falcon') =>
  complete(aModel({ image: 'example.com/trainer:1', model: { name: base } }, { name }), {
    url: `pvc://${name}-model-artifacts/run/1`,
    image: `registry.test/${name}@sha256:1`,
    inImage: true,
    adapter: { format: 'peft', rank: 16, base: 'one', ...more },
    ...of,
  })
const facts = (...models: readonly ReturnType<typeof adapter>[]): Facts => ({
  'Model/falcon': falcon,
  ...Object.fromEntries(models.map((one) => [`Model/${one.metadata.name}`, one])),
})

const spec = { model: { name: 'falcon' }, runtime: 'vllm', resources: { gpu: { count: 1 } } }
const polite = [{ name: 'polite' }]
const images: ConfigFile = { imageVolumes: 'Enabled' }

interface Case {
  readonly what: string
  readonly object: object
  readonly known: Facts
  readonly says: readonly unknown[]
  readonly config?: ConfigFile
  readonly old?: object
}

const said = ({ object, old, known, config = images }: Omit<Case, 'what' | 'says'>) =>
  check(
    ModelServer,
    {
      object: aModelServer({ ...spec, ...object }),
      ...(old && { oldObject: aModelServer({ ...spec, ...old }) }),
    },
    aConfig(config),
    known,
  )

describe('a ModelServer is refused whose adapter', () => {
  test.each<Case>([
    {
      what: 'does not exist',
      object: { adapters: polite },
      known: { ...facts(), 'Model/polite': null },
      says: ['spec.adapters: Not found: "polite": Model "polite" does not exist in this namespace'],
    },
    {
      what: 'has another base',
      object: { adapters: polite },
      known: facts(adapter('polite', {}, {}, 'eagle')),
      says: [
        'spec.adapters: Invalid value: "polite": Model "polite" is trained on Model "eagle", and this server serves Model "falcon": list only adapters of "falcon"',
      ],
    },
    {
      what: 'is a Model with a result that is no adapter',
      object: { adapters: polite },
      known: facts(adapter('polite', {}, { adapter: undefined as never })),
      says: [expect.stringContaining('the result of Model "polite" is no adapter')],
    },
    {
      what: 'has a format that the preset does not read',
      object: { adapters: polite, runtime: 'llamacpp' },
      known: facts(adapter('polite')),
      says: [expect.stringContaining('preset "llamacpp" reads adapters of the format gguf')],
    },
    {
      what: 'would need a preset with adapters',
      object: { adapters: polite, runtime: 'whisper' },
      known: facts(adapter('polite')),
      says: [
        'spec.adapters: Forbidden: preset "whisper" serves no adapters: remove them, or use another runtime',
      ],
    },
    {
      what: 'is in a claim that may be on another node than that of the base',
      object: { adapters: polite },
      known: facts(adapter('polite')),
      config: { imageVolumes: 'Disabled' },
      says: [expect.stringContaining('Models "falcon", "polite" are in ReadWriteOnce claims')],
    },
    {
      what: 'is listed twice',
      object: { adapters: [...polite, ...polite] },
      known: facts(adapter('polite')),
      says: ['spec.adapters[1]: Duplicate value: {"name":"polite"}'],
    },
    {
      what: 'is the Model itself',
      object: { adapters: [{ name: 'falcon' }] },
      known: facts(),
      says: expect.arrayContaining([
        expect.stringContaining('the Model to serve cannot be its own adapter'),
      ]) as never,
    },
    {
      what: 'has a name that could be a path or a flag',
      object: { adapters: [{ name: '../x' }, { name: '--lora' }, { name: 'a=b' }] },
      known: facts(),
      says: [0, 1, 2].map((at) =>
        expect.stringContaining(`spec.adapters[${at}].name: Invalid value`),
      ),
    },
  ])('$what', ({ says, ...given }) => {
    const { errors } = said(given)
    expect(errors.map(sentence)).toEqual(says)
  })
})

describe('a ModelServer is admitted whose adapter', () => {
  test.each<Case>([
    { what: 'fits', object: { adapters: polite }, known: facts(adapter('polite')), says: [] },
    {
      what: 'has no result yet',
      object: { adapters: polite },
      known: facts(aModel({ image: 'i', model: { name: 'falcon' } }, { name: 'polite' }) as never),
      says: [],
    },
    {
      what: 'was trained on an older result, with a warning',
      object: { adapters: polite },
      known: facts(adapter('polite', { base: 'zero' })),
      says: [
        'spec.adapters: Model "polite" was trained on another result of Model "falcon" than the present one, which is not served with adapters until it is trained again: kubectl annotate --overwrite model polite substratus.ai/rerun="$(date)"',
      ],
    },
    {
      what: 'is missing, but was before, with a warning',
      object: { adapters: polite, replicas: 1, args: ['--x'] },
      old: { adapters: polite, replicas: 1 },
      known: { ...facts(), 'Model/polite': null },
      says: [expect.stringContaining('Not found: "polite"')],
    },
  ])('$what', ({ says, ...given }) => {
    const { errors, warnings } = said(given)
    expect(errors).toEqual([])
    expect(warnings.filter((warning) => warning.startsWith('spec.adapters'))).toEqual(says)
  })
})

test('look-ups are as many as the schema allows names, however many there are', async () => {
  const asked: string[] = []
  const adapters = Array.from({ length: 1000 }, (_, at) => ({ name: `a-${at}` }))
  await factsFor(
    {
      uid: 'u',
      operation: 'CREATE',
      namespace: 'default',
      object: aModelServer({ ...spec, adapters }),
    },
    async (_kind, _namespace, name) => {
      asked.push(name)
      return null
    },
  )
  expect(asked.length).toBe(17)
})

test.each([
  { when: 'in a claim', model: falcon },
  {
    when: 'in an image, for the adapters',
    model: { ...falcon, status: { artifacts: { url: 's3://b', id: 'one' } } },
  },
])('the other servers that are looked up are those of its own Model, $when', async ({ model }) => {
  const of: string[] = []
  await factsFor(
    {
      uid: 'u',
      operation: 'CREATE',
      namespace: 'default',
      object: aModelServer({ ...spec, adapters: polite }),
    },
    async (_kind, _namespace, name) => (name === 'falcon' ? (model as never) : adapter(name)),
    {
      servers: async (_kind, _namespace, name) => {
        of.push(name)
        return []
      },
    },
  )
  expect(of).toEqual(['falcon'])
})
