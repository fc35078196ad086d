import { Environment } from '@marcbachmann/cel-js'
import { describe, expect, test } from 'vitest'
import { configSchema } from '../../../../crds/config.ts'
import { kinds } from '../../../../crds/kinds.ts'
import type { CelRule, Schema } from '../../../../crds/schema/builders.ts'
import { compile } from '../../../../crds/schema/cel.ts'
import { closureOf } from '../../../../crds/schema/closure.ts'

function* rulesIn(schema: Schema): Iterable<CelRule> {
  yield* schema['x-kubernetes-validations'] ?? []
  for (const field of Object.values(schema.properties ?? {})) yield* rulesIn(field)
  if (schema.items) yield* rulesIn(schema.items)
  if (schema.additionalProperties) yield* rulesIn(schema.additionalProperties)
}

const rules = [
  ...kinds.flatMap(({ spec, status, rules: own }) => [
    ...rulesIn(spec),
    ...rulesIn(status),
    ...own,
  ]),
  ...rulesIn(configSchema),
]
const library = new Environment({ unlistedVariablesAreDyn: true })

test('each rule of the kinds can be parsed, and has a message of its own', () => {
  expect(rules.length).toBeGreaterThan(10)
  for (const rule of rules) {
    expect(() => compile(rule)).not.toThrow()
    expect(rule.message ?? rule.messageExpression).toBeTruthy()
  }
})

test('each rule of the kinds runs as a closure', () => {
  for (const { rule } of rules) expect(() => closureOf(library.parse(rule).ast), rule).not.toThrow()
})

/** Expressions that no rule uses so far; the library treats a number as an int only if it is a BigInt. */
const foreign = [
  { rule: 'self.a + 1 == 2', valid: { a: 1 }, invalid: { a: 2 } },
  { rule: 'self.a > 1', valid: { a: 2 }, invalid: { a: 1 } },
  { rule: 'self.a % 2 == 0', valid: { a: 4 }, invalid: { a: 5 } },
  { rule: "self.a in ['x', 'y']", valid: { a: 'y' }, invalid: { a: 'z' } },
  { rule: "has(self.a) ? self.a == 'x' : true", valid: {}, invalid: { a: 'y' } },
  {
    rule: "(self.a + self.b).matches('^[a-z]+$')",
    valid: { a: 'x', b: 'y' },
    invalid: { a: '1', b: 'y' },
  },
  { rule: 'self.a.map(x, x + 1)[0] == 2', valid: { a: [1] }, invalid: { a: [2] } },
  { rule: "self.a <= 'b'", valid: { a: 'a' }, invalid: { a: 'c' } },
  { rule: "self.a.split(',', 2).size() == 2", valid: { a: 'x,y,z' }, invalid: { a: 'x' } },
  { rule: 'type(self.a) == int', valid: { a: 1 }, invalid: { a: 1.5 } },
  { rule: "self.a.endsWith('.git')", valid: { a: 'x.git' }, invalid: { a: 'x' } },
  { rule: 'size(self.a) >= 2', valid: { a: ['x', 'y'] }, invalid: { a: [] } },
]

describe('a rule that closures do not support is evaluated by the library', () => {
  test.each(foreign)('$rule', ({ rule, valid, invalid }) => {
    expect(() => closureOf(library.parse(rule).ast)).toThrow('no rule had')
    const { check } = compile({ rule, message: 'no' })
    for (const self of [valid, invalid])
      expect(check(self) === undefined).toBe(library.evaluate(rule, { self: asInts(self) }))
    expect(check(valid)).toBeUndefined()
    expect(check(invalid)).toBe('no')
  })

  test('a value of the wrong type throws, as in a closure', () => {
    expect(() => compile({ rule: 'self.a + 1 == 2' }).check({ a: 'x' })).toThrow()
    expect(() => compile({ rule: "self.a.startsWith('x')" }).check({ a: 1 })).toThrow()
  })
})

const asInts = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_key, inner) =>
    Number.isInteger(inner) ? BigInt(inner) : inner,
  )

test('no rule is in the items of lists or the values of maps, where none would run', () => {
  const inside = function* (schema: Schema): Iterable<CelRule> {
    for (const part of [schema.items, schema.additionalProperties]) if (part) yield* rulesIn(part)
    for (const field of Object.values(schema.properties ?? {})) yield* inside(field)
  }
  expect(kinds.flatMap(({ spec }) => [...inside(spec)])).toEqual([])
})

describe('a rule', () => {
  test.each([
    {
      does: 'compares the start of a string',
      rule: "!self.startsWith('/')",
      valid: 'a',
      invalid: '/a',
    },
    {
      does: 'looks for one part of a string',
      rule: "!self.split('/').exists(part, part == '..')",
      valid: 'a/..b',
      invalid: 'a/../b',
    },
    {
      does: 'asks whether a field is set, even to 0',
      rule: 'has(self.a) || has(self.b)',
      valid: { b: 0 },
      invalid: {},
    },
    {
      does: 'compares a list with another',
      rule: "self.a == ['x', 'y']",
      valid: { a: ['x', 'y'] },
      invalid: { a: ['x'] },
    },
    {
      does: 'tells lists of different lengths apart',
      rule: "self.a != ['x', 'y']",
      valid: { a: ['x'] },
      invalid: { a: ['x', 'y'] },
    },
    {
      does: 'looks at the first item of a list',
      rule: "self.a[0] == 'x'",
      valid: { a: ['x'] },
      invalid: { a: ['y'] },
    },
    {
      does: 'looks at all names of a map',
      rule: "self.all(name, name.matches('^[a-z]+$'))",
      valid: { ok: 1 },
      invalid: { ok: 1, '9': 1 },
    },
  ])('$does', ({ rule, valid, invalid }) => {
    const { check } = compile({ rule, message: 'no' })
    expect(check(valid)).toBeUndefined()
    expect(check(invalid)).toBe('no')
  })

  test('can compute its message from the value', () => {
    const rule = { rule: 'false', messageExpression: "'not ' + self" }
    expect(compile(rule).check('this')).toBe('not this')
  })
})
