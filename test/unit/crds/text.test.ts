import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cutAt, escaped, onOneLine, printable } from '../../../crds/text.ts'

describe('text from outside becomes printable', () => {
  test.each([
    {
      what: 'plain words',
      text: 'exited with 1: no "café" | 例',
      is: 'exited with 1: no "café" | 例',
    },
    { what: 'line feeds, which stay', text: 'a\n\nb\n', is: 'a\n\nb\n' },
    { what: 'a line of a log after a line feed', text: 'a\n[INFO] b', is: 'a\n[INFO] b' },
    { what: 'line ends of Windows', text: 'a\r\nb', is: 'a\nb' },
    { what: 'tabs and a bar of progress', text: 'a\tb 1%\r2%', is: 'a b 1% 2%' },
    { what: 'colours', text: '\x1b[1;31mred\x1b[0m and \x9b32mgreen\x9bm', is: 'red and green' },
    { what: 'moves of the cursor', text: 'a\x1b[2J\x1b[1;1H\x1b[?25lb', is: 'ab' },
    { what: 'a title for the window', text: '\x1b]0;x\x07a', is: ']0;xa' },
    { what: 'half a sequence', text: 'a\x1b[; b\x1b', is: 'a[; b' },
    { what: 'C0 and DEL', text: 'a\x00\x07\x08\x7fb', is: 'ab' },
    { what: 'C1', text: 'a\x80\x85b\x90\x9f', is: 'a b' },
    {
      what: 'directions',
      text: 'a\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069b',
      is: 'ab',
    },
    { what: 'lines and paragraphs of Unicode', text: 'a\u2028b\u2029c', is: 'a b c' },
    { what: 'zero width', text: 'a\u200b\u200c\u200d\u2060\ufeff\u00adb', is: 'ab' },
    { what: 'tags, which spell words unseen', text: 'a\u{e0041}\u{e007f}b', is: 'ab' },
    { what: 'half a pair', text: 'a\ud83db', is: 'a\ufffdb' },
    { what: 'a whole pair', text: 'a😀b', is: 'a😀b' },
  ])('$what', ({ text, is }) => {
    expect(printable(text)).toBe(is)
  })

  test('doing it twice changes nothing more', () => {
    const text = fc.string({
      unit: fc.oneof(
        fc.constantFrom('\x1b', '[', '\x9b', ';', 'm', '\r', '\n', '\u202e', '\ud83d', ' '),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
      ),
      maxLength: 40,
    })
    fc.assert(
      fc.property(text, (given) => {
        const shown = printable(given)
        expect(shown).not.toMatch(/(?!\n)[\p{Cc}\p{Cs}\p{Bidi_Control}\p{Zl}\p{Zp}]/u)
        expect(printable(shown)).toBe(shown)
      }),
    )
  })

  test('text after our own words is on one line', () => {
    expect(onOneLine(' a\n b\x1b[31m\t\u2028c\r\n')).toBe('a b c')
  })
})

test('a cut splits no surrogate pair', () => {
  expect(cutAt('abcd', 4)).toBe('abcd')
  expect(cutAt('abcde', 4)).toBe('abcd…')
  expect(cutAt('abc😀', 4)).toBe('abc…')
  expect(cutAt('ab😀c', 4)).toBe('ab😀…')
})

test('invisible characters become YAML escapes, and visible ones stay', () => {
  expect(escaped('a\x1b\x9b\u202e\u2028\u{e0041}\n\té')).toBe(
    'a\\u001b\\u009b\\u202e\\u2028\\U000e0041\n\té',
  )
})
