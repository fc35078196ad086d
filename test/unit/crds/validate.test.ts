import { describe, expect, test } from 'vitest'
import { fill } from '../../../crds/fill.ts'
import type { KindName } from '../../../crds/kind.ts'
import { kindNamed } from '../../../crds/kinds.ts'
import { checkRules } from '../../../crds/rules.ts'
import { sentence, validatorOf, visible } from '../../../crds/validate.ts'
import { bad } from '../../cluster/bad.ts'
import { aConfig, aModel } from '../../objects.ts'

/** Every sentence that is said of a spec, without any cluster. */
function said(kind: KindName, spec: unknown, name = 'bad'): readonly string[] {
  const found = kindNamed(kind)
  const object = fill(found, { ...aModel({}, { name }), kind: found.kind, spec })
  return [...validatorOf(found)(visible(object)), ...checkRules(object, aConfig())].map(sentence)
}

/** The same in kubectl's spelling: it finds unknown fields before the API server does. */
const asKubectl = (text: string): string =>
  text.replace(/^(\S+): unknown field/, 'unknown field "$1"')

describe('what the API server refuses is refused without it, in the same words', () => {
  test.each(bad)('$kind: $says', ({ kind, spec, says, name }) => {
    const sentences = said(kind, spec, name)
    expect(sentences.map(asKubectl).join('\n')).toContain(says)
  })
})

describe('each fault in the words of the API', () => {
  const image = 'example.com/image:1'
  test.each([
    { spec: undefined, says: ['spec: Required value'] },
    {
      spec: { image, comand: ['x'] },
      says: ['spec.comand: unknown field, did you mean "command"?'],
    },
    { spec: { image, zzz: 1 }, says: ['spec.zzz: unknown field'] },
    { spec: { image: 7 }, says: ['spec.image: Invalid value: must be a string, not a number'] },
    { spec: { image: null }, says: ['spec.image: Invalid value: must be a string, not null'] },
    {
      spec: { image, resources: { gpu: [] } },
      says: ['spec.resources.gpu: Invalid value: must be an object, not an array'],
    },
    {
      spec: { image, package: 'Sometimes' },
      says: [
        'spec.package: Unsupported value: "Sometimes": supported values: "Auto", "Always", "Never"',
      ],
    },
    {
      spec: { image, resources: { gpu: { count: -1 } } },
      says: ['spec.resources.gpu.count: Invalid value: -1: should be greater than or equal to 0'],
    },
  ])('$spec', ({ spec, says }) => {
    expect(said('Model', spec)).toEqual(says)
  })

  test('all at once', () => {
    expect(said('Model', { image: 7, comand: [], package: 'x' })).toHaveLength(3)
  })

  test('a mistyped value is not echoed: it may be a secret', () => {
    expect(said('Model', { image, env: { TOKEN: ['hf_secret'] } }).join()).not.toContain(
      'hf_secret',
    )
  })
})
