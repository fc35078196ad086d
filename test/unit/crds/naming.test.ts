import { describe, expect, test } from 'vitest'
import { nameGiven, namingWord } from '../../../crds/naming.ts'

describe('a command line names its model by', () => {
  test.each([
    { what: 'nothing, without words', words: [], name: undefined },
    { what: 'a flag', words: ['--served-model-name=own'], name: 'own' },
    { what: 'a flag and its value', words: ['--x', '--served-model-name', 'a=b'], name: 'a=b' },
    { what: 'a value with equals signs', words: ['--alias=a=b'], name: 'a=b' },
    { what: 'a value like a flag', words: ['--alias=-x', '--port=80'], name: '-x' },
    { what: 'a short flag', words: ['-a', 'own', '--port', '80'], name: 'own' },
    { what: 'underscores, as vLLM reads them', words: ['--served_model_name=own'], name: 'own' },
    {
      what: 'the first of several names',
      words: ['--served-model-name', 'own', 'other', '--port=80'],
      name: 'own',
    },
    {
      what: 'the last of several flags',
      words: ['--served-model-name=falcon', '--served-model-name', 'own'],
      name: 'own',
    },
    { what: 'nothing, with a flag at the end', words: ['serve', '--alias'], name: undefined },
    { what: 'nothing, with an empty value', words: ['--alias='], name: undefined },
    { what: 'nothing, with a flag for a value', words: ['--alias', '--port'], name: undefined },
    { what: 'nothing, with a flag like it', words: ['--aliases=x', '--a=y'], name: undefined },
  ])('$what', ({ words, name }) => {
    expect(nameGiven(words)).toBe(name)
    // The server keeps only this word of a Pod.
    const kept = namingWord(words)
    expect(nameGiven(kept === undefined ? [] : [kept])).toBe(name)
  })
})
