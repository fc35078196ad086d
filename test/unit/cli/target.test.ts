import { describe, expect, test } from 'vitest'
import { targetOf } from '../../../cli/target.ts'

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
    [
      'falcon',
      'no kind "falcon": there are dataset, data; model; modelserver, mserver; notebook, nb',
    ],
  ])('"%s"', (words, is) => {
    expect(read(words)).toBe(is)
  })
})
