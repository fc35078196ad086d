import { describe, expect, test } from 'vitest'
import { titleOf } from '../../../open/lines.ts'
import { areModels, targetOf } from '../../../open/target.ts'

/** The result on one line. */
const read = (words: string) => {
  const target = targetOf(words.split(' ').filter(Boolean))
  return 'wrong' in target ? target.wrong : titleOf(target)
}

describe('the object to open is named as in kubectl', () => {
  test.each([
    ['notebook explore', 'Notebook "explore"'],
    ['notebook/explore', 'Notebook "explore"'],
    ['notebooks explore', 'Notebook "explore"'],
    ['nb explore', 'Notebook "explore"'],
    ['nb/explore', 'Notebook "explore"'],
    ['Notebook explore', 'Notebook "explore"'],
    ['notebook.substratus.ai/explore', 'Notebook "explore"'],
    ['notebooks.v1.substratus.ai explore', 'Notebook "explore"'],
    ['modelserver chat', 'ModelServer "chat"'],
    ['mserver/chat', 'ModelServer "chat"'],
  ])('%s', (words, is) => {
    expect(read(words)).toBe(is)
  })
})

describe('an error shows the right command', () => {
  test.each([
    ['', 'say what to open: kubectl open notebook NAME'],
    ['notebook', 'say which: kubectl open notebook NAME'],
    ['nb/', 'say which: kubectl open notebook NAME'],
    [
      'explore',
      'say what "explore" is: kubectl open notebook explore, or kubectl open modelserver explore',
    ],
    ['notebook a b', 'one at a time: kubectl open notebook a'],
    ['notebook/a b', 'one at a time: kubectl open notebook a'],
    ['notebook ..', `invalid resource name "..": [may not be '..']`],
    [
      'model falcon',
      'a Model cannot be opened: its modelserver can, and kubectl open models opens all at one address',
    ],
    ['data/squad', 'a Dataset cannot be opened: a notebook or a modelserver can'],
    [
      'pod/explore-notebook-0',
      '"pod" cannot be opened: a notebook (nb) or a modelserver (mserver) can',
    ],
  ])('"%s"', (words, is) => {
    expect(read(words)).toBe(is)
  })
})

test.each([
  { words: 'models', are: true },
  { words: 'Models', are: true },
  { words: 'models falcon', are: false },
  { words: 'models/falcon', are: false },
  { words: 'model', are: false },
  { words: '', are: false },
])('"$words" means all models: $are', ({ words, are }) => {
  expect(areModels(words.split(' '))).toBe(are)
})
