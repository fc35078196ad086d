import { describe, expect, test } from 'vitest'
import { parseDocument, stringify } from 'yaml'
import { asKubectl, contentOf, documentsIn } from '../../../cli/kubectlyaml.ts'
import { scalars, withScalars } from '../../scalars.ts'

const read = (text: string) => documentsIn(text).map(contentOf)

/** test/cluster/kubectl.test.ts compares the same table with kubectl. */
test('YAML is read as kubectl reads it', () => {
  const [found] = read(withScalars)
  const { spec } = (found as { value: { spec: Record<string, unknown> } }).value
  expect(scalars.map(({ yaml }, at) => ({ yaml, value: spec[`v${at}`] }))).toEqual(scalars)
})

describe('what cannot be read is an error', () => {
  test.each([
    {
      what: 'a number that JSON does not have',
      yaml: 'a: .inf',
      error: /^\.inf is not a valid JSON number at line 1, column 4/,
    },
    {
      what: 'a merge of a text',
      yaml: '<<: text',
      error: /^a merge key "<<" needs a map, or a list of maps$/,
    },
    { what: 'an alias of nothing', yaml: 'a: *x', error: /Unresolved alias/ },
  ])('$what', ({ yaml, error }) => {
    expect(read(yaml)).toEqual([{ error: expect.stringMatching(error) }])
  })
})

test('if a key occurs twice, the last one counts, with a warning', () => {
  expect(read('a: 1\na: 2')).toEqual([
    { value: { a: 2 }, warnings: ['Map keys must be unique at line 2, column 1'] },
  ])
})

test('a string is written so that kubectl and other programs read the same string', () => {
  for (const text of ['yes', 'n', '012', '0o12', '1_000', '~', '1e3', '<<', '0x1F', 'plain']) {
    const written = stringify({ a: text, [text]: 1 }, asKubectl).replace(/^%YAML.*\n---\n/, '')
    expect(read(written)).toEqual([{ value: { a: text, [text]: 1 }, warnings: [] }])
    expect(parseDocument(written).toJS()).toEqual({ a: text, [text]: 1 })
  }
})
