import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { expressionOf, filtersOf } from '../../../tools/globs.ts'

const cases = [
  ['*.safetensors', 'model.safetensors', true],
  ['*.safetensors', 'deep/er/model.safetensors', true],
  ['*.safetensors', 'model.safetensors.index.json', false],
  ['model.bin', 'deep/model.bin', false],
  ['onnx/', 'onnx/deep/x', true],
  ['onnx/*', 'onnx/deep/x', true],
  ['a?c', 'abc', true],
  ['a?c', 'ac', false],
  ['q[48].gguf', 'q4.gguf', true],
  ['q[!48].gguf', 'q4.gguf', false],
  ['q[0-9].gguf', 'q4.gguf', true],
  ['q[].gguf', 'q[].gguf', true],
  ['q[!]', 'q[!]', true],
  ['q[]].gguf', 'q].gguf', true],
  ['q[^4]', 'q^', true],
  ['q[^4]', 'q5', false],
  ['a.b', 'axb', false],
  ['a+(b){2}|$^\\', 'a+(b){2}|$^\\', true],
  ['é*', 'éa', true],
] as const

describe('a pattern of spec.files means the same to rclone as to the hub’s client', () => {
  const python = JSON.parse(
    execFileSync(
      'python3',
      [
        '-c',
        'import json, sys; sys.path.insert(0, "tools"); sys.dont_write_bytecode = True; import hubfiles; print(json.dumps([hubfiles.matches(name, glob) for glob, name, _ in json.loads(sys.argv[1])]))',
        JSON.stringify(cases),
      ],
      { encoding: 'utf8' },
    ),
  )

  test.each(cases.map((one, index) => [...one, index] as const))(
    '"%s" for "%s": %s',
    (glob, name, matches, index) => {
      expect(new RegExp(`^${expressionOf(glob)}$`).test(name)).toBe(matches)
      expect(python[index]).toBe(matches)
    },
  )
})

test.each([
  { what: 'no patterns', patterns: [], filters: [] },
  { what: 'a choice', patterns: ['*.bin'], filters: ['--filter=+ /{{.*\\.bin}}', '--filter=- *'] },
  { what: 'an exclusion', patterns: ['!*.bin'], filters: ['--filter=- /{{.*\\.bin}}'] },
  {
    what: 'both, of which the exclusion counts',
    patterns: ['a*', '!*.bin'],
    filters: ['--filter=- /{{.*\\.bin}}', '--filter=+ /{{a.*}}', '--filter=- *'],
  },
])('rclone is told $what', ({ patterns, filters }) => {
  expect(filtersOf(patterns)).toEqual(filters)
})
