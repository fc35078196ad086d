import { describe, expect, test } from 'vitest'
import type { ConfigFile } from '../../../crds/config.ts'
import type { Parent } from '../../../crds/kind.ts'
import { validate } from '../../../webhooks/review.ts'
import { aConfig, aModel, aModelServer, complete } from '../../objects.ts'

/** Two ModelServers of one Model that is in a claim, which one node can mount at a time. */

const trained = { image: 'example.com/model:1' }
const url = 'pvc://falcon-model-artifacts/run/1'
const inClaim = complete(aModel(trained), { url })
const packaged = { url, image: 'registry.test/falcon@sha256:1', inImage: true, program: true }
const serving = (name: string, more: object = {}) =>
  aModelServer({ model: { name: 'falcon' }, image: 'i', ...more }, { name })
const asleep = (name: string, more: object = {}) => ({
  ...serving(name, { idleTimeout: '1h', ...more }),
  status: { conditions: [{ type: 'Ready', status: 'True', reason: 'Idle', message: 'idle' }] },
})
const gpu = (type: string) => ({ resources: { gpu: { type } } })
const profile = (accelerator: string) => ({
  resourceName: 'nvidia.com/gpu',
  nodeSelector: { accelerator },
})
const gpus = { default: 'l4', profiles: { l4: profile('l4'), t4: profile('t4') } }

const claim =
  'Model "falcon" is in claim "falcon-model-artifacts", which only one node can mount at a time'
const wayOut = 'set package: Always on the Model, or use a storage class with ReadWriteMany'
const warning = `spec.model.name: ${claim}, and ModelServer "a" mounts it too: they run only while one node has room for all; otherwise ${wayOut}`
const asleepWarning = `spec.model.name: ${claim}, and ModelServer "a" mounts it too when it wakes: they run at the same time only while one node has room for all; otherwise ${wayOut}`

describe('a second server of a Model', () => {
  test.each<{
    when: string
    model?: Parent
    a?: Parent
    b?: Parent
    config?: ConfigFile
    warns?: string
    says?: string
  }>([
    { when: 'in a claim', warns: warning },
    {
      when: 'that is being imported, and so stays in its claim',
      model: aModel({ source: 'hf://a/b' }),
      warns: warning,
    },
    { when: 'that is being trained, and may be packaged', model: aModel(trained) },
    {
      when: 'that is packaged, but mounted by another image',
      model: complete(aModel(trained), packaged),
      warns: warning,
    },
    {
      when: 'that serves itself',
      model: complete(aModel(trained), packaged),
      b: aModelServer({ model: { name: 'falcon' } }, { name: 'b' }),
    },
    {
      when: 'that is packaged, on a cluster that mounts images',
      model: complete(aModel(trained), packaged),
      config: { imageVolumes: 'Enabled' },
    },
    {
      when: 'in files that many nodes mount',
      config: { storage: { pvc: { artifacts: { accessModes: ['ReadWriteMany'] } } } },
    },
    {
      when: 'in a bucket',
      model: complete(aModel(trained), { url: 's3://b/default/model-falcon/run/1' }),
      config: { storage: { former: ['s3://b'] } },
    },
    { when: 'whose first is suspended', a: serving('a', { suspend: true }) },
    { when: 'whose first has no replicas', a: serving('a', { replicas: 0 }) },
    { when: 'whose first sleeps', a: asleep('a'), warns: asleepWarning },
    {
      when: 'whose first was asleep when it was suspended',
      a: asleep('a', { suspend: true }),
    },
    {
      when: 'whose first sleeps, and runs in another zone when it wakes',
      a: asleep('a', { pod: { nodeSelector: { zone: 'x' } } }),
      b: serving('b', { pod: { nodeSelector: { zone: 'y' } } }),
      warns: `spec.model.name: Invalid value: "falcon": ${claim}, and ModelServer "a", which mounts it too when it wakes, selects other nodes: zone is "x" there and "y" here: ${wayOut}`,
    },
    {
      when: 'whose first sleeps, with ReadWriteOncePod',
      a: asleep('a'),
      config: { storage: { pvc: { accessModes: ['ReadWriteOncePod'] } } },
      warns: `spec.model.name: Invalid value: "falcon": Model "falcon" is in claim "falcon-model-artifacts", which only one Pod can mount at a time (ReadWriteOncePod), and ModelServer "a" mounts it when it wakes: ${wayOut}`,
    },
    { when: 'that is suspended itself', b: serving('b', { suspend: true }) },
    { when: 'whose first serves another Model', a: serving('a', { model: { name: 'other' } }) },
    {
      when: 'on the same GPUs',
      a: serving('a', gpu('l4')),
      b: serving('b', gpu('l4')),
      config: { gpus },
      warns: warning,
    },
    {
      when: 'on other GPUs, which are on other nodes',
      a: serving('a', gpu('t4')),
      b: serving('b', gpu('l4')),
      config: { gpus },
      says: `ModelServer.substratus.ai "b" is invalid: spec.model.name: Invalid value: "falcon": ${claim}, and ModelServer "a", which mounts it too, selects other nodes: accelerator is "t4" there and "l4" here: ${wayOut}`,
    },
    {
      when: 'in another zone',
      a: serving('a', { pod: { nodeSelector: { zone: 'x' } } }),
      b: serving('b', { pod: { nodeSelector: { zone: 'y' } } }),
      says: 'zone is "x" there and "y" here',
    },
    {
      when: 'with ReadWriteOncePod',
      config: { storage: { pvc: { accessModes: ['ReadWriteOncePod'] } } },
      says: 'which only one Pod can mount at a time (ReadWriteOncePod), and ModelServer "a" mounts it',
    },
  ])('$when', ({ model = inClaim, a = serving('a'), b = serving('b'), config, warns, says }) => {
    const facts = { 'Model/falcon': model, 'ModelServer/a': a, 'ModelServer/b': serving('b') }
    const request = { uid: '1', operation: 'CREATE', object: b } as const
    const { allowed, status, warnings } = validate(request, aConfig(config), facts).response
    expect(status?.message ?? '').toContain(says ?? '')
    expect(allowed).toBe(says === undefined)
    expect(warnings ?? []).toEqual(warns ? [warns] : [])
  })
})

describe('an adapter that another server serves, too', () => {
  const other = aModel({ image: 'i', model: { name: 'falcon' } }, { name: 'polite' })
  const adapter = { adapter: { format: 'peft' as const, rank: 16, base: 'one' } }
  const polite = complete(other, { url: 'pvc://polite-model-artifacts/run/1', ...adapter })
  const base = complete(aModel(trained), { ...packaged, program: false })
  const adapters = [{ name: 'polite' }]
  const nodes =
    'use nodes that mount images (imageVolumes), or use a storage class with ReadWriteMany'
  const warning = `spec.adapters: Model "polite" is in claim "polite-model-artifacts", which only one node can mount at a time, and ModelServer "a" mounts it too: they run only while one node has room for all; otherwise `
  const images: ConfigFile = { imageVolumes: 'Enabled' }

  test.each<{
    when: string
    model?: Parent
    a?: object
    b?: object
    config?: ConfigFile
    warns?: string
    says?: string
  }>([
    { when: 'from its claim', warns: `${warning}set package: Always on the adapter and ${nodes}` },
    {
      when: 'as an image',
      model: complete(other, { url: polite.metadata.name, image: 'i', inImage: true, ...adapter }),
    },
    {
      when: 'in files that many nodes mount',
      config: { ...images, storage: { pvc: { artifacts: { accessModes: ['ReadWriteMany'] } } } },
    },
    { when: 'but is suspended', a: { suspend: true } },
    { when: 'while this one is suspended', b: { suspend: true } },
    { when: 'but only its Model, not the adapter', a: { adapters: [] } },
    {
      when: 'on other nodes',
      a: { pod: { nodeSelector: { zone: 'x' } } },
      b: { pod: { nodeSelector: { zone: 'y' } } },
      says: 'ModelServer "a", which mounts it too, selects other nodes: zone is "x" there and "y" here',
    },
  ])('$when', ({ model = polite, a, b, config = images, warns, says }) => {
    const server = (name: string, more?: object) => serving(name, { adapters, ...more })
    const facts = { 'Model/falcon': base, 'Model/polite': model, 'ModelServer/a': server('a', a) }
    const request = { uid: '1', operation: 'CREATE', object: server('b', b) } as const
    const { allowed, status, warnings } = validate(request, aConfig(config), facts).response
    expect(status?.message ?? '').toContain(says ?? '')
    expect(allowed).toBe(says === undefined)
    expect(warnings ?? []).toEqual(warns ? [warns] : [])
  })
})

test('an update of something else is not refused for it', () => {
  const before = serving('b', gpu('l4'))
  const facts = { 'Model/falcon': inClaim, 'ModelServer/a': serving('a', gpu('t4')) }
  const change = (object: Parent) =>
    validate({ uid: '1', operation: 'UPDATE', oldObject: before, object }, aConfig({ gpus }), facts)
      .response
  expect(change(serving('b', { ...gpu('l4'), port: 9000 }))).toMatchObject({
    allowed: true,
    warnings: [expect.stringContaining('selects other nodes')],
  })
  expect(change(serving('b', { ...gpu('l4'), runtime: 'tei', image: undefined })).allowed).toBe(
    false,
  )
})

test('servers that sleep are told apart from those that run, which decide', () => {
  const facts = {
    'Model/falcon': inClaim,
    'ModelServer/a': asleep('a', gpu('t4')),
    'ModelServer/c': asleep('c', gpu('l4')),
    'ModelServer/d': serving('d', gpu('l4')),
  }
  const answer = (d: object) => {
    const request = { uid: '1', operation: 'CREATE', object: serving('b', gpu('l4')) } as const
    return validate(request, aConfig({ gpus }), { ...facts, ...d }).response
  }
  expect(answer({ 'ModelServer/a': asleep('a', gpu('l4')) }).warnings).toEqual([
    expect.stringContaining(
      'and ModelServer "d" mounts it too, and ModelServers "a", "c" mount it too when they wake: they run at the same time only while',
    ),
  ])
  expect(answer({}).allowed).toBe(true)
  const { allowed, status } = answer({ 'ModelServer/d': serving('d', gpu('t4')) })
  expect(allowed).toBe(false)
  expect(status?.message).toContain('ModelServer "d", which mounts it too, selects other nodes')
})

test('many servers are counted, not listed', () => {
  const servers = ['a', 'c', 'd', 'e', 'f'].map((name) => [`ModelServer/${name}`, serving(name)])
  const facts = { 'Model/falcon': inClaim, ...Object.fromEntries(servers) }
  const request = { uid: '1', operation: 'CREATE', object: serving('b') } as const
  expect(validate(request, aConfig(), facts).response.warnings?.join()).toContain(
    'ModelServers "a", "c", "d" and 2 more mount it too',
  )
})
