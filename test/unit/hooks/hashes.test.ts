import { describe, expect, test } from 'vitest'
import { hashedResources } from '../../../crds/common.ts'
import { kinds } from '../../../crds/kinds.ts'
import type { Schema } from '../../../crds/schema/builders.ts'
import { jobName } from '../../../hooks/children/metadata.ts'
import { buildHashes, hashed, runHashes, servingInputs } from '../../../hooks/engine/hashes.ts'
import { aConfig, aModel, aModelServer } from '../../objects.ts'

const spec = {
  build: { git: { url: 'https://example.com/repo' } },
  dataset: { name: 'squad' },
  params: { epochs: 3 },
}
const inputs = (more: object) => runHashes({ ...spec, ...more }, undefined).inputs
const attempt = (more: object, rerun?: string) => runHashes({ ...spec, ...more }, rerun).attempt

describe('hashes', () => {
  // Objects in clusters have them in their status: another value would train every model again.
  // They are literals, so that no update of snapshots changes them.
  test('never change between versions', () => {
    expect(runHashes(spec, undefined)).toEqual({
      inputs: 'cb42c72953c3388b',
      attempt: 'cb42c72953c3388b',
      folder: 'cb42c72953c3388b',
    })
    expect(buildHashes(spec, undefined)).toEqual({
      inputs: '9840cee54f0efbb5',
      attempt: '9840cee54f0efbb5',
    })
    expect(runHashes({ ...spec, resources: { memory: 64 } }, undefined).attempt).toBe(
      '26cb27fae9cee195',
    )
    expect(runHashes(spec, 'today').attempt).toBe('107b393581216d25')
    expect(runHashes({ ...spec, resources: { memory: 64 } }, undefined).folder).toBe(
      'cb42c72953c3388b',
    )
    expect(runHashes(spec, 'today').folder).toBe('107b393581216d25')
    expect(jobName(aModel(spec), 'run', 'cb42c72953c3388b')).toBe('falcon-model-run-cb42c729')
  })

  test('do not depend on the order of fields', () => {
    const { build, dataset, params } = spec
    expect(runHashes({ params, dataset, build }, undefined)).toEqual(runHashes(spec, undefined))
  })

  test.each([
    { what: 'other params', more: { params: { epochs: 4 } } },
    { what: 'another dataset', more: { dataset: { name: 'other' } } },
    { what: 'a base model', more: { model: { name: 'base' } } },
    { what: 'a command', more: { command: ['train'] } },
    { what: 'args', more: { args: ['--fast'] } },
    { what: 'env', more: { env: { MODE: 'fast' } } },
    {
      what: 'a tag in Git',
      more: { build: { git: { url: 'https://example.com/repo', tag: 'v2' } } },
    },
  ])('inputs: $what makes another', ({ more }) => {
    expect(inputs(more)).not.toBe(inputs({}))
  })

  test.each([
    { what: 'another repository', build: { git: { url: 'https://example.com/other' } } },
    { what: 'a folder', build: { git: { ...spec.build.git, path: 'train' } } },
    { what: 'a branch', build: { git: { ...spec.build.git, branch: 'main' } } },
    { what: 'a tag in Git', build: { git: { ...spec.build.git, tag: 'v2' } } },
    { what: 'a commit', build: { git: { ...spec.build.git, commit: '0123456789'.repeat(4) } } },
    { what: 'a Dockerfile', build: { ...spec.build, dockerfile: 'Dockerfile.gpu' } },
    { what: 'a target', build: { ...spec.build, target: 'train' } },
    { what: 'build arguments', build: { ...spec.build, args: { CUDA: '13' } } },
  ])('the tag of what is built: $what makes another', ({ build }) => {
    const tag = (of: object) => buildHashes(of, undefined).attempt
    expect(tag({ ...spec, build })).not.toBe(tag(spec))
    expect(tag({ ...spec, build, params: { epochs: 4 } })).toBe(tag({ ...spec, build }))
  })

  test.each([
    { field: 'resources', more: { resources: { memory: 64 } } },
    { field: 'suspend', more: { suspend: true } },
    { field: 'package', more: { package: 'Never' } },
    { field: 'runPolicy', more: { runPolicy: { backoffLimit: 1 } } },
  ])('inputs: $field leaves it: the work need not be done again', ({ more }) => {
    expect(inputs(more)).toBe(inputs({}))
  })

  test('resources and rerun change the attempt, so that a failure can be retried', () => {
    expect(attempt({ resources: { memory: 64 } })).not.toBe(attempt({}))
    expect(attempt({}, 'today')).not.toBe(attempt({}))
    expect(attempt({ suspend: true })).toBe(attempt({}))
  })

  test('another proxy is another attempt of a build, and does not build again what is built', () => {
    const proxied = { ...spec, env: { HTTPS_PROXY: 'http://proxy:3128', HF_TOKEN: 'x' } }
    const other = { ...spec, env: { HF_TOKEN: 'y' } }
    expect(buildHashes(proxied, undefined).inputs).toBe(buildHashes(spec, undefined).inputs)
    expect(buildHashes(proxied, undefined).attempt).not.toBe(buildHashes(spec, undefined).attempt)
    expect(buildHashes(other, undefined)).toEqual(buildHashes(spec, undefined))
  })

  test('a changed parameter does not build again', () => {
    expect(buildHashes({ ...spec, params: {} }, undefined)).toEqual(buildHashes(spec, undefined))
  })
})

describe('the inputs of a server', () => {
  const served = { image: undefined, artifacts: 'one', adapters: [] }
  const inputsOf = (more: object = {}, what: object = {}, file: object = {}) =>
    servingInputs(
      aModelServer({ model: { name: 'falcon' }, ...more }),
      { ...served, ...what },
      aConfig(file),
    )

  // Deployments in clusters have them: another value would restart every server.
  test('never change between versions', () => {
    expect(inputsOf()).toBe('ee02d66078f15bf2')
  })

  test.each([
    { what: 'args', more: { args: ['--fast'] } },
    { what: 'adapters', more: { adapters: [{ name: 'polite' }] } },
    { what: 'a port', more: { port: 9000 } },
    { what: 'a health path', more: { health: '/up' } },
    { what: 'a preset', more: { runtime: 'vllm' } },
    { what: 'resources', more: { resources: { memory: 20 } } },
    { what: 'a pull secret', more: { imagePullSecrets: ['a'] } },
  ])('are others with $what', ({ more }) => {
    expect(inputsOf(more)).not.toBe(inputsOf())
  })

  test.each([
    { what: 'replicas', more: { replicas: 2 } },
    { what: 'suspend', more: { suspend: true } },
    { what: 'a strategy', more: { strategy: 'Recreate' } },
    { what: 'aliases', more: { aliases: ['chat'] } },
    {
      what: 'a build, which counts by its image',
      more: { build: { git: { url: 'https://a/b' } } },
    },
  ])('are the same with $what', ({ more }) => {
    expect(inputsOf(more)).toBe(inputsOf())
  })

  test('are others with another result, adapter, image or revision, not with another configuration', () => {
    const all = [
      inputsOf(),
      inputsOf({}, { artifacts: 'two' }),
      inputsOf({}, { adapters: ['one'] }),
      inputsOf({}, { image: 'registry.test/a@sha256:1' }),
      inputsOf({}, {}, { rolloutRevision: '2' }),
    ]
    expect(new Set(all).size).toBe(5)
    expect(inputsOf({}, {}, { rolloutRevision: 2 })).toBe(all[4])
    expect(inputsOf({}, {}, { limits: 'All', rollout: 'Always' })).toBe(inputsOf())
  })
})

describe('the table of hashed fields', () => {
  const fieldsOf = (of: (spec: Schema) => Schema | undefined) => [
    ...new Set(kinds.flatMap(({ spec }) => Object.keys(of(spec)?.properties ?? {}))),
  ]

  test('lists each field of each kind, and no other', () => {
    expect(Object.keys(hashed).sort()).toEqual(fieldsOf((spec) => spec).sort())
    expect(Object.keys(hashedResources).sort()).toEqual(
      fieldsOf((spec) => spec.properties?.resources).sort(),
    )
  })

  test.each(kinds)('is what $kind declares', (kind) => {
    expect(hashed).toMatchObject(kind.hashed)
  })

  /** A changed value for a field; for most fields its content does not matter. */
  const values: Readonly<Record<string, unknown>> = {
    model: { name: 'other' },
    dataset: { name: 'other' },
    resources: { cpu: 3 },
    cpu: 3,
    memory: 3,
    disk: 3,
  }
  const other = (name: string) => values[name] ?? 'other'
  const changed = (more: object) => {
    const before = runHashes({ image: 'a' }, undefined)
    const after = runHashes({ image: 'a', ...more }, undefined)
    return { inputs: after.inputs !== before.inputs, attempt: after.attempt !== before.attempt }
  }
  const changes = {
    inputs: { inputs: true, attempt: true },
    attempt: { inputs: false, attempt: true },
    neither: { inputs: false, attempt: false },
  }

  test.each(Object.entries(hashed))('%s decides %s', (name, part) => {
    expect(changed({ [name]: other(name) })).toEqual(changes[part])
  })

  test.each(Object.entries(hashedResources))('resources.%s decides %s', (name, part) => {
    expect(changed({ resources: { [name]: other(name) } })).toEqual(changes[part])
  })
})
