import { describe, expect, test } from 'vitest'
import type { Parent } from '../../../crds/kind.ts'
import { type Change, specOf } from '../../../crds/rule.ts'
import { factsFor } from '../../../server/lookup.ts'
import { appliesTo, type Facts, readerOf } from '../../../webhooks/facts.ts'
import { referenceRules } from '../../../webhooks/rules/references.ts'
import { aConfig, aDataset, aModel, aModelServer, aNotebook, complete } from '../../objects.ts'

const image = { image: 'example.com/m' }
const changes: readonly { what: string; object: Parent; oldObject?: Parent }[] = [
  { what: 'a Dataset', object: aDataset({ source: 'hf://a/b' }) },
  {
    what: 'a Model with a base and data',
    object: aModel({ ...image, model: { name: 'a' }, dataset: { name: 'd' } }),
  },
  {
    what: 'a Model that keeps its base',
    object: aModel({ ...image, model: { name: 'a' }, suspend: true }),
    oldObject: aModel({ ...image, model: { name: 'a' } }),
  },
  { what: 'a server', object: aModelServer({ model: { name: 'a' } }) },
  {
    what: 'a server that gets more replicas',
    object: aModelServer({ model: { name: 'a' }, replicas: 3 }),
    oldObject: aModelServer({ model: { name: 'a' }, replicas: 1 }),
  },
  { what: 'a Notebook', object: aNotebook({ model: { name: 'a' }, dataset: { name: 'd' } }) },
]

const there: Facts = {
  'Model/a': complete(aModel({ ...image, model: { name: 'b' } }, { name: 'a' }), {
    url: 'pvc://a-model-artifacts/run/1',
  }),
  'Model/b': aModel({ ...image, model: { name: 'c' } }, { name: 'b' }),
  'Model/c': aModel(image, { name: 'c' }),
  'Dataset/d': aDataset({ source: 'hf://a/b' }, { name: 'd' }),
}

describe('a rule reads only what it declares, and all of that is looked up', () => {
  test.each(changes)('$what', async ({ object, oldObject }) => {
    const change: Change = { object, oldObject }
    const looked = await factsFor(
      {
        uid: 'u',
        operation: oldObject ? 'UPDATE' : 'CREATE',
        namespace: 'default',
        object,
        ...(oldObject && { oldObject }),
      },
      async (kind, _namespace, name) => there[`${kind}/${name}`] ?? null,
    )
    // As check() runs them.
    for (const rule of referenceRules.filter((one) => appliesTo(one, change))) {
      const declared = readerOf(rule.needs, change, looked)
      rule.broken({
        ...change,
        spec: specOf(object),
        config: aConfig(),
        dryRun: false,
        read: (kind, name) => {
          const fact = declared(kind, name)
          expect(looked).toHaveProperty([`${kind}/${name}`])
          return fact
        },
      })
    }
  })

  test('a rule that reads what it does not declare throws', () => {
    const object = aModelServer({ model: { name: 'a' } })
    const change = { object, oldObject: object }
    const read = readerOf({ references: 'changed' }, change, there)
    expect(() => read('Model', 'a')).toThrow('"a", which is not declared in its needs')
    expect(readerOf({ references: 'all' }, change, there)('Model', 'a')).toBe(there['Model/a'])
    expect(() =>
      readerOf({ references: 'all', to: 'Dataset' }, change, there)('Model', 'a'),
    ).toThrow('is not declared in its needs')
    expect(() =>
      readerOf({ references: 'all', when: () => false }, change, there)('Model', 'a'),
    ).toThrow('is not declared in its needs')
    expect(() => readerOf(undefined, change, there)('Model', 'a')).toThrow(
      'is not declared in its needs',
    )
  })
})
