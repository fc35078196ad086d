import { Environment } from '@marcbachmann/cel-js'
import { expect, test } from 'vitest'
import { kinds } from '../../../../crds/kinds.ts'
import type { Schema } from '../../../../crds/schema/builders.ts'
import { closureOf } from '../../../../crds/schema/closure.ts'

const library = new Environment({ unlistedVariablesAreDyn: true })

function* rulesIn(schema: Schema): Iterable<string> {
  for (const { rule } of schema['x-kubernetes-validations'] ?? []) yield rule
  for (const field of Object.values(schema.properties ?? {})) yield* rulesIn(field)
}

const rules = [
  ...new Set(
    kinds.flatMap(({ spec, rules: own }) => [...own.map(({ rule }) => rule), ...rulesIn(spec)]),
  ),
]

const texts = [
  ...[
    '',
    '-',
    '-a',
    'a',
    'A_1',
    '0',
    '00Mi',
    '16',
    '16m',
    '16Gi',
    '1.5',
    '/a',
    'a/../b',
    'a//b',
    '9a',
  ],
  ...['https://example.com/a.git', 'http://user@example.com/a', 'ssh://git@example.com/a'],
  ...['ssh://git:word@example.com/a', 'git@example.com:a', 'hf://org/name@v1', 'hf://org'],
  ...['s3://bucket/key', 'pvc://claim', 'pvc://claim//x', 'https://a/b c', 'é😀'],
  ...['https://huggingface.co/org/name', 'https://hf.co/org/name/tree/v1'],
  ...['https://hf.co/org/name/blob/main/a', 'https://github.com/org/name/blob/main/a'],
  ...['ssh://git@example.com:acme/a', 'https://example.com:acme/a', 'https://example.com/a#b'],
  ...['https://example.com/org/name/-/blob/main/a', 'https://hf.co/datasets/org/name'],
  ...[
    '${{ configmaps.ca.pem }}',
    '${{ secrets.hub.token }}',
    '${{ secrets.hub }}',
    'a ${{ b',
    '${',
    'x'.repeat(51),
  ],
]
const names = [
  'image',
  'build',
  'command',
  'args',
  'model',
  'dataset',
  'source',
  'files',
  'runtime',
]
const of = (keys: readonly string[], value: unknown) =>
  Object.fromEntries(keys.map((key) => [key, value]))
/** Each set of up to two of the fields that rules read. */
const pairs = names.flatMap((one) => names.map((other) => [...new Set([one, other])]))

const values: readonly unknown[] = [
  ...texts,
  ...[0, 16, 2 ** 30, 1.5, true, null, [], ['a'], {}],
  ...texts.flatMap((text) => [{ url: text }, { [text]: 'a' }, { a: text }, { source: text }]),
  ...texts.map((name) => ({ metadata: { name }, spec: { model: { name: 'a' } } })),
  ...pairs.map((keys) => of(keys, 'a')),
  ...[0, 1, 2, 'a', null].map((replicas) => ({ idleTimeout: 'a', replicas })),
  ...[['branch'], ['branch', 'tag'], ['tag', 'commit'], ['branch', 'tag', 'commit']].map((keys) =>
    of(keys, 'a'),
  ),
  ...[['a'], ['a', 'b'], ['b', 'b'], [1]].map((all) => all.map((name) => ({ name }))),
  ...[['a'], ['b', 'c']].map((all) => ({
    model: { name: 'a' },
    adapters: all.map((name) => ({ name })),
  })),
  ...[['httpGet'], ['httpGet', 'exec']].map((keys) => of(keys, {})),
  ...[['configMap'], ['configMap', 'secret']].map((keys) => [of(keys, {})]),
  ...[['configMapRef'], ['configMapRef', 'secretRef'], []].map((keys) => [of(keys, {})]),
]

/** If a value is not a map, has() is false in the library, but an error at the API server and here. */
const valuesFor = (rule: string): readonly unknown[] => {
  if (rule.includes('has(self.')) return values.filter(isMap)
  const isOfItems = /has\((?!self)/.test(rule)
  return isOfItems ? values.filter((value) => Array.isArray(value) && value.every(isMap)) : values
}

const isMap = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The value of an expression; of an error, only that it is one. */
const made = (run: () => unknown): unknown => {
  try {
    return run()
  } catch {
    return 'fault'
  }
}

/** The beginning of a rule: a whole one can be longer than a line of the reporter, and these are unique. */
const startOf = (rule: string): string => rule.slice(0, 100)

test.each(rules.map((rule) => ({ rule, what: startOf(rule) })))(
  '$what evaluates like the library, whatever the value',
  ({ rule }) => {
    const parsed = library.parse(rule)
    const closure = closureOf(parsed.ast)
    const seen = new Set<unknown>()
    for (const self of valuesFor(rule)) {
      const expected = made(() => parsed({ self }))
      seen.add(expected)
      expect(
        made(() => closure(self)),
        JSON.stringify(self),
      ).toBe(expected)
    }
    expect([...seen], 'the values show it kept and broken').toEqual(
      expect.arrayContaining([true, false]),
    )
  },
)

test.each(['self.a + 1 == 2', 'self.startsWith(other)', 'self.map(x, x)', 'size(self) <= 1'])(
  '%s is refused when it is read: no rule had it so far',
  (rule) => {
    expect(() => closureOf(library.parse(rule).ast)).toThrow('no rule had')
  },
)
