import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { Model } from '../../../crds/model.ts'
import { describedAt, yamlLines } from '../../../page/core/yamllines.ts'

const textOf = (value: unknown): string =>
  yamlLines(value)
    .map(({ indent, text }) => `${'  '.repeat(indent)}${text}`)
    .join('\n')

test('an object is written as YAML, with quotes where they are needed', () => {
  const value = {
    apiVersion: 'substratus.ai/v1',
    spec: {
      args: ['--fast', 'yes', { a: 1, b: [] }],
      empty: {},
      image: 'example.com/a:1',
      params: { epochs: 3, on: true },
    },
  }
  expect(textOf(value).split('\n')).toEqual([
    'apiVersion: substratus.ai/v1',
    'spec:',
    '  args:',
    '    - "--fast"',
    '    - "yes"',
    '    - a: 1',
    '      b: []',
    '  empty: {}',
    '  image: "example.com/a:1"',
    '  params:',
    '    epochs: 3',
    '    "on": true',
  ])
})

test('whatever an object contains, the YAML means the same', () => {
  const key = fc.string({ minLength: 1 }).filter((text) => text !== '__proto__')
  const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null))
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(key, tie('value'), { maxKeys: 3 }),
    ),
  }))
  fc.assert(
    fc.property(fc.dictionary(key, value, { minKeys: 1, maxKeys: 3 }), (object) => {
      expect(parse(textOf(object))).toEqual(structuredClone({ ...object }))
    }),
  )
})

test.each([
  { path: ['spec', 'suspend'], says: 'Stops what runs; stored data remains.' },
  { path: ['status', 'conditions', 'reason'], says: 'Why, in one word out of docs/reasons.md.' },
  { path: ['status', 'stages', 'run', 'digest'], says: 'The digest of the artifacts’ manifest.' },
])('the schema describes $path.1', ({ path, says }) => {
  expect(describedAt({ spec: Model.spec, status: Model.status }, path)).toBe(says)
})

test.each([
  { what: 'a field of no schema', path: ['metadata', 'name'] },
  { what: 'an unknown field', path: ['spec', 'nothing', 'at', 'all'] },
  { what: 'a word that every object has', path: ['spec', 'constructor'] },
])('$what has no description', ({ path }) => {
  expect(describedAt({ spec: Model.spec }, path)).toBeUndefined()
})
