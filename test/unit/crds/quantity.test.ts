import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesOf, cores, gibibytes, humanBytes, larger } from '../../../crds/quantity.ts'

describe('quantities are written as the API server writes them', () => {
  test.each([
    [2, '2'],
    ['0.5', '500m'],
    ['1000m', '1'],
    ['1500m', '1500m'],
    ['2.0', '2'],
  ])('%s cores: %s', (given, canonical) => expect(cores(given)).toBe(canonical))

  test.each([
    [10, '10Gi'],
    [1024, '1Ti'],
    ['1024Mi', '1Gi'],
    ['1.5Gi', '1536Mi'],
    ['500Mi', '500Mi'],
    ['1000M', '1G'],
    ['512Ki', '512Ki'],
  ])('%s of memory: %s', (given, canonical) => expect(gibibytes(given)).toBe(canonical))

  test('the canonical form is its own, and of the same size', () => {
    const units = fc.constantFrom('Ki', 'Mi', 'Gi', 'Ti', 'k', 'M', 'G', 'T')
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), units, (count, unit) => {
        const canonical = gibibytes(`${count}${unit}`)
        expect(gibibytes(canonical)).toBe(canonical)
        expect(bytesOf(canonical)).toBe(bytesOf(`${count}${unit}`))
      }),
    )
  })
})

test('the larger of two', () => {
  expect(larger('10Gi', '9000Mi')).toBe('10Gi')
  expect(larger('1Gi', '1024Mi')).toBe('1Gi')
})

test('sizes for people', () => {
  expect(humanBytes(21474836480)).toBe('20Gi')
  expect(humanBytes(1610612736)).toBe('1.5Gi')
  expect(humanBytes(12)).toBe('12 bytes')
})
