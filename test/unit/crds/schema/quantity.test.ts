import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesOf, cores, gibibytes, humanBytes, larger } from '../../../../crds/schema/quantity.ts'

describe('quantities are written as the API server writes them', () => {
  test.each(
    [
      { given: 2, canonical: '2' },
      { given: '2', canonical: '2' },
      { given: '0.5', canonical: '500m' },
      { given: '500m', canonical: '500m' },
      { given: '1000m', canonical: '1' },
      { given: '1500m', canonical: '1500m' },
      { given: '1.50', canonical: '1500m' },
      { given: '0', canonical: '0' },
    ].map((row) => ({ ...row, written: JSON.stringify(row.given) })),
  )('cpu $written is $canonical', ({ given, canonical }) => {
    expect(cores(given)).toBe(canonical)
  })

  test.each([
    { given: 10, canonical: '10Gi' },
    { given: 1024, canonical: '1Ti' },
    { given: '1024Mi', canonical: '1Gi' },
    { given: '1.5Gi', canonical: '1536Mi' },
    { given: '0.5Gi', canonical: '512Mi' },
    { given: '0.5Ki', canonical: '512' },
    { given: '1000M', canonical: '1G' },
    { given: '1500M', canonical: '1500M' },
    { given: '1.5G', canonical: '1500M' },
    { given: '2048', canonical: '2048' },
    { given: '1000', canonical: '1k' },
    { given: '1000000k', canonical: '1G' },
    { given: '1024Pi', canonical: '1Ei' },
    { given: '9E', canonical: '9E' },
    { given: '10E', canonical: '9223372036854775807' },
    { given: '8Ei', canonical: '9223372036854775807' },
  ])('memory $given is $canonical', ({ given, canonical }) => {
    expect(gibibytes(given)).toBe(canonical)
  })

  test.each(['', 'lots', '-1', '1ee3', '10 Gi', '10gi', '1.'])('%j is no quantity', (text) => {
    expect(() => gibibytes(text)).toThrow(`not a quantity: ${text}`)
  })
})

describe('the larger of two', () => {
  test.each([
    { a: '1Gi', b: '1024Mi', larger: '1Gi' },
    { a: '1G', b: '1Gi', larger: '1Gi' },
    { a: '100Gi', b: '20Gi', larger: '100Gi' },
    { a: '1500M', b: '1.4G', larger: '1500M' },
  ])('of $a and $b is $larger', (row) => {
    expect(larger(row.a, row.b)).toBe(row.larger)
    expect(larger(row.b, row.a)).toBe(row.larger)
  })
})

describe('sizes for people', () => {
  test.each([
    { bytes: 12, text: '12 bytes' },
    { bytes: 2048, text: '2Ki' },
    { bytes: 20 * 2 ** 30, text: '20Gi' },
    { bytes: 1.25 * 2 ** 40, text: '1.3Ti' },
  ])('$bytes is $text', ({ bytes, text }) => {
    expect(humanBytes(bytes)).toBe(text)
  })
})

describe('every quantity', () => {
  const suffixes = ['', 'm', 'k', 'M', 'G', 'T', 'Ki', 'Mi', 'Gi', 'Ti'] as const
  const quantity = fc
    .tuple(
      fc.nat({ max: 1_000_000 }),
      fc.option(fc.stringMatching(/^[0-9]{1,3}$/), { nil: undefined }),
      fc.constantFrom(...suffixes),
    )
    .map(([whole, fraction, suffix]) => `${whole}${fraction ? `.${fraction}` : ''}${suffix}`)

  test('in canonical form stays as it is', () => {
    fc.assert(
      fc.property(quantity, (text) => {
        const once = gibibytes(text)
        expect(gibibytes(once)).toBe(once)
      }),
    )
  })

  test('that is short has the same canonical form as its value in the smallest unit', () => {
    const factor = { m: 1n, '': 1000n, k: 10n ** 6n, Ki: 1024n * 1000n, Gi: 2n ** 30n * 1000n }
    const units = fc.constantFrom(...(Object.keys(factor) as (keyof typeof factor)[]))
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999 }), units, (amount, unit) => {
        const text = `${amount}${unit}`
        expect(gibibytes(text)).toBe(text)
        // The fraction forces the computation, instead of the shortcut for short quantities.
        expect(gibibytes(`${amount}.0${unit}`)).toBe(text)
        expect(bytesOf(text)).toBe((BigInt(amount) * factor[unit] + 999n) / 1000n)
      }),
    )
  })

  test('has a canonical form with the same value', () => {
    fc.assert(
      fc.property(quantity, (text) => {
        expect(bytesOf(gibibytes(text))).toBe(bytesOf(text))
      }),
    )
  })

  test('has a larger one of two that is at least as large as both', () => {
    fc.assert(
      fc.property(quantity, quantity, (a, b) => {
        const bytes = bytesOf(larger(a, b))
        expect(bytes >= bytesOf(a) && bytes >= bytesOf(b)).toBe(true)
      }),
    )
  })
})
