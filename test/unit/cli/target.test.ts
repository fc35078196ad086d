import { describe, expect, test } from 'vitest'
import { targetOf, targetsOf } from '../../../cli/target.ts'

const read = (words: string): string => {
  const target = targetOf(words.split(' ').filter(Boolean), 'why')
  return 'wrong' in target ? target.wrong : `${target.kind.kind} "${target.name}"`
}

describe('an object is named as in kubectl', () => {
  test.each([
    ['model falcon', 'Model "falcon"'],
    ['models/falcon', 'Model "falcon"'],
    ['Model falcon', 'Model "falcon"'],
    ['data squad', 'Dataset "squad"'],
    ['mserver/chat', 'ModelServer "chat"'],
    ['nb explore', 'Notebook "explore"'],
    ['models.substratus.ai/falcon', 'Model "falcon"'],
    ['models.v1.substratus.ai falcon', 'Model "falcon"'],
  ])('%s', (words, is) => {
    expect(read(words)).toBe(is)
  })
})

describe('an error shows the right command', () => {
  test.each([
    ['', 'say which object: kubectl substratus why KIND NAME'],
    ['model', 'say which: kubectl substratus why model NAME'],
    ['model/', 'say which: kubectl substratus why model NAME'],
    ['model a b', 'one at a time: kubectl substratus why model a'],
    ['model ..', `invalid resource name "..": [may not be '..']`],
    ['model/.', `invalid resource name ".": [may not be '.']`],
    ['model a/b%2f', `invalid resource name "a/b%2f": [may not contain '/' may not contain '%']`],
    ['model/a/b', 'arguments in KIND/NAME form may not have more than one slash'],
    [
      'falcon',
      'no kind "falcon": there are dataset, data; model; modelserver, mserver; notebook, nb',
    ],
  ])('"%s"', (words, is) => {
    expect(read(words)).toBe(is)
  })
})

describe('several objects are named as in kubectl', () => {
  test.each([
    { words: 'model a b', is: 'Model/a Model/b' },
    { words: 'model/a data/b', is: 'Model/a Dataset/b' },
    { words: 'nb/a', is: 'Notebook/a' },
    { words: 'model a b a', is: 'Model/a Model/b' },
    { words: 'model/a data/a models/a', is: 'Model/a Dataset/a' },
    { words: 'model a ..', is: `invalid resource name "..": [may not be '..']` },
    { words: '', is: 'say which object: kubectl substratus suspend KIND NAME' },
    { words: 'model', is: 'say which: kubectl substratus suspend model NAME' },
    {
      words: 'model a data/b',
      is: '"data/b" does not fit: kubectl substratus suspend KIND NAME NAME, or KIND/NAME KIND/NAME',
    },
    {
      words: 'model/a b',
      is: '"b" does not fit: kubectl substratus suspend KIND NAME NAME, or KIND/NAME KIND/NAME',
    },
    { words: 'model/a nb/', is: 'say which: kubectl substratus suspend notebook NAME' },
  ])('"$words"', ({ words, is }) => {
    const targets = targetsOf(words.split(' ').filter(Boolean), 'suspend')
    const read =
      'wrong' in targets
        ? targets.wrong
        : targets.map(({ kind, name }) => `${kind.kind}/${name}`).join(' ')
    expect(read).toBe(is)
  })
})
