import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonical, claimName, fitted, hash } from '../../../crds/names.ts'

const dnsName = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,250}[a-z0-9])?$/)
const suffix = fc.constantFrom('-server', '-notebook', '-modelserver-package-0a1b2c3d')
const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

describe('a fitted name', () => {
  test('is a DNS label of at most 63 characters, and ends as it should', () => {
    fc.assert(
      fc.property(dnsName, suffix, (name, end) => {
        expect(fitted(name, end)).toMatch(label)
        expect(fitted(name, end).endsWith(end)).toBe(true)
      }),
    )
  })

  test('is the whole name while it fits', () => {
    expect(fitted('falcon', '-server')).toBe('falcon-server')
    expect(fitted('a'.repeat(56), '-server')).toBe(`${'a'.repeat(56)}-server`)
    expect(fitted('a'.repeat(57), '-server')).toHaveLength(63)
  })

  test('differs for two long names with the same beginning', () => {
    expect(fitted(`${'a'.repeat(80)}1`, '-server')).not.toBe(
      fitted(`${'a'.repeat(80)}2`, '-server'),
    )
  })
})

test('a claim is named after its object and its contents', () => {
  const named = (kind: 'Model' | 'Notebook') => claimName({ kind, metadata: { name: 'x' } })
  expect([named('Model'), named('Notebook')]).toEqual(['x-model-artifacts', 'x-notebook-home'])
})

describe('canonical JSON', () => {
  test.each([
    { when: 'fields come in another order', a: { x: 1, y: 2 }, b: { y: 2, x: 1 } },
    { when: 'a field is an empty object', a: { x: {} }, b: {} },
    { when: 'all fields are empty', a: { x: [], y: '', z: null }, b: undefined },
    {
      when: 'a field deep inside is missing',
      a: { x: { y: { z: undefined } } },
      b: { x: undefined },
    },
  ])('is the same when $when', ({ a, b }) => {
    expect(canonical(a)).toBe(canonical(b))
  })

  test.each([
    { when: 'a field is 0', a: { x: 0 }, b: {} },
    { when: 'a field is false', a: { x: false }, b: {} },
    { when: 'a number is a string', a: { x: 1 }, b: { x: '1' } },
    { when: 'items come in another order', a: ['a', 'b'], b: ['b', 'a'] },
    { when: 'an item is empty', a: ['', 'a'], b: ['a'] },
  ])('differs when $when', ({ a, b }) => {
    expect(canonical(a)).not.toBe(canonical(b))
  })
})

// The status of objects contains it: another value would repeat finished work.
test('a hash never changes between versions', () => {
  expect(hash({ b: [1, 'two'], a: { empty: {} } })).toBe('56230604915c135f')
})
