import fc from 'fast-check'
import { applyPatch, type Operation } from 'rfc6902'
import { describe, expect, test } from 'vitest'
import type { Parent } from '../../../crds/kind.ts'
import { mutate } from '../../../webhooks/review.ts'
import { aDataset, aModel, aModelServer, aNotebook, mistyped, throughJson } from '../../objects.ts'

const mutated = (object: Parent) => mutate({ uid: '1', operation: 'CREATE', object }).response

const patchOf = (object: Parent): readonly Operation[] => {
  const { patch } = mutated(object)
  return patch ? JSON.parse(Buffer.from(patch, 'base64').toString()) : []
}

const patched = (object: Parent): Parent => {
  const copy = throughJson(object)
  expect(applyPatch(copy, [...patchOf(object)])).toEqual(patchOf(object).map(() => null))
  return copy
}

describe('mutate adds what is missing, and nothing else', () => {
  test.each<{ when: string; object: Parent; patch: readonly Operation[] }>([
    { when: 'no GPU', object: aModel({ image: 'a' }), patch: [] },
    {
      when: 'a GPU without a count',
      object: aModel({ image: 'a', resources: { gpu: { type: 'nvidia-l4' } } }),
      patch: [{ op: 'add', path: '/spec/resources/gpu/count', value: 1 }],
    },
    {
      when: 'a GPU with a count',
      object: aModel({ image: 'a', resources: { gpu: { type: 'nvidia-l4', count: 2 } } }),
      patch: [],
    },
    {
      when: 'no GPU on purpose',
      object: aModel({ image: 'a', resources: { gpu: { type: 'nvidia-l4', count: 0 } } }),
      patch: [],
    },
  ])('$when', ({ object, patch }) => {
    expect(patchOf(object)).toEqual(patch)
  })

  test.each([
    { when: 'there is no spec', object: { ...aModel({}), spec: undefined } as Parent },
    { when: 'it is of another group', object: { ...aModel({}), apiVersion: 'apps/v1' } },
    {
      when: 'it is of an unknown kind',
      object: mistyped<Parent>({ ...aModel({}), kind: 'Modal' }),
    },
  ])('$when: it is admitted as it is', ({ object }) => {
    expect(mutated(object)).toEqual({ uid: '1', allowed: true })
  })

  // validate refuses values of the wrong type, in the API's own words.
  test.each([
    { what: 'resources that are a number', spec: { resources: 1 } },
    { what: 'resources of null', spec: { resources: null } },
    { what: 'a GPU that is a list', spec: { resources: { gpu: [] } } },
    { what: 'a GPU that is text', spec: { resources: { gpu: 'l4' } } },
  ])('$what: admitted', ({ spec }) => {
    expect(mutated(aModel(spec)).allowed).toBe(true)
  })
})

const gpu = fc.record(
  { type: fc.constantFrom('nvidia-l4', 'nvidia-a100', 'unknown'), count: fc.nat(8) },
  { requiredKeys: [] },
)
const spec = fc.record(
  {
    image: fc.string(),
    resources: fc.record(
      { cpu: fc.nat(64), memory: fc.nat(64), disk: fc.nat(64), gpu },
      { requiredKeys: [] },
    ),
    replicas: fc.nat(3),
    suspend: fc.boolean(),
  },
  { requiredKeys: [] },
)
const object = fc
  .tuple(fc.constantFrom(aModel, aDataset, aModelServer, aNotebook), spec)
  .map(([make, value]) => throughJson(make(value)))

test('a second mutation changes nothing', () => {
  fc.assert(
    fc.property(object, (given) => {
      expect(patchOf(patched(given))).toEqual([])
    }),
  )
})

test('nothing that the user wrote is changed or removed', () => {
  fc.assert(
    fc.property(object, (given) => {
      expect(patchOf(given).every(({ op }) => op === 'add')).toBe(true)
      expect(patched(given)).toMatchObject(given)
    }),
  )
})
