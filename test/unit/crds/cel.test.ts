import { describe, expect, test } from 'vitest'
import { compile } from '../../../crds/cel.ts'
import { kinds } from '../../../crds/kinds.ts'
import type { CelRule, Schema } from '../../../crds/schema.ts'

function* rulesIn(schema: Schema): Iterable<CelRule> {
  yield* schema['x-kubernetes-validations'] ?? []
  for (const field of Object.values(schema.properties ?? {})) yield* rulesIn(field)
  if (schema.items) yield* rulesIn(schema.items)
  if (schema.additionalProperties) yield* rulesIn(schema.additionalProperties)
}

const rules = kinds.flatMap(({ spec, rules: own = [] }) => [...rulesIn(spec), ...own])

test('each rule of the kinds can be read here, and says in a message of its own what is wrong', () => {
  expect(rules.length).toBeGreaterThan(10)
  for (const rule of rules) {
    expect(() => compile(rule)).not.toThrow()
    expect(rule.message ?? rule.messageExpression).toBeTruthy()
  }
})

describe('a rule', () => {
  test.each([
    { rule: "!self.startsWith('/')", self: 'a', holds: true },
    { rule: "!self.startsWith('/')", self: '/a', holds: false },
    { rule: "!self.split('/').exists(part, part == '..')", self: 'a/../b', holds: false },
    { rule: 'has(self.a) || has(self.b)', self: {}, holds: false },
    { rule: 'has(self.a) || has(self.b)', self: { b: 0 }, holds: true },
    { rule: "self.all(name, name.matches('^[a-z]+$'))", self: { ok: 1, '9': 1 }, holds: false },
  ])('$rule of $self: $holds', ({ rule, self, holds }) => {
    expect(compile({ rule, message: 'no' }).check(self)).toBe(holds ? undefined : 'no')
  })

  test('says what its expression makes of the value', () => {
    const rule = { rule: 'false', messageExpression: "'not ' + self" }
    expect(compile(rule).check('this')).toBe('not this')
  })
})
