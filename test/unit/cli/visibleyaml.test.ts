import { expect, test } from 'vitest'
import { Document, parse, parseDocument } from 'yaml'
import { visibleYaml } from '../../../cli/visibleyaml.ts'

const odd = '\u202eroot\x9b31m\x1b]0;x\x07\u2028\u200b\u{e0041}'

test('invisible characters are escaped, and are the same when they are read', () => {
  const object = { [odd]: [odd, { plain: 'x', block: `a\n${odd}\nb` }] }
  const text = visibleYaml(new Document(object))
  expect(text).not.toMatch(/(?!\n)[\p{Cc}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}]/u)
  expect(parse(text)).toEqual(object)
})

test('other characters are written as by the library', () => {
  const text = '# why\na: |\n  b\n  c\nd: "e" # f\n'
  expect(visibleYaml(parseDocument(text))).toBe(text)
})
