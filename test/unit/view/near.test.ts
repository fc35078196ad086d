import { expect, test } from 'vitest'
import { nearNames } from '../../../view/near.ts'

test.each([
  { when: 'a letter is missing', name: 'falcn', all: ['falcon', 'squad'], near: ['falcon'] },
  { when: 'two letters changed places', name: 'flacon', all: ['falcon', 'qwen'], near: ['falcon'] },
  {
    when: 'one is part of the other',
    name: 'chat',
    all: ['support-chat', 'llama'],
    near: ['support-chat'],
  },
  {
    when: 'none resembles it: all',
    name: 'zzz',
    all: ['b', 'a', 'falcon'],
    near: ['a', 'b', 'falcon'],
  },
  { when: 'there are none', name: 'a', all: [], near: [] },
])('near names, when $when', ({ name, all, near }) => {
  expect(nearNames(name, all)).toEqual(near)
})

test('of many names ten are shown', () => {
  const all = [...Array(100).keys()].map((index) => `name-${index}`)
  expect(nearNames('else', all)).toHaveLength(10)
})
