import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { merge } from '../../../platform/runner/merge.ts'

describe('fields that are no longer desired are removed; fields that others wrote stay', () => {
  test.each([
    {
      when: 'a field is desired',
      observed: { a: 1 },
      last: { a: 1 },
      wanted: { a: 2 },
      merged: { a: 2 },
    },
    {
      when: 'a field is new',
      observed: { a: 1 },
      last: {},
      wanted: { b: 2 },
      merged: { a: 1, b: 2 },
    },
    {
      when: 'a field is no longer desired',
      observed: { a: 1, b: 2 },
      last: { a: 1, b: 2 },
      wanted: { a: 1 },
      merged: { a: 1 },
    },
    {
      when: 'somebody else wrote a field',
      observed: { a: 1, nodeName: 'gpu-1' },
      last: { a: 1 },
      wanted: { a: 1 },
      merged: { a: 1, nodeName: 'gpu-1' },
    },
    {
      when: 'somebody else changed a field of ours',
      observed: { replicas: 5 },
      last: { replicas: 1 },
      wanted: { replicas: 1 },
      merged: { replicas: 1 },
    },
    {
      when: 'somebody else removed a field of ours',
      observed: {},
      last: { a: 1 },
      wanted: { a: 1 },
      merged: { a: 1 },
    },
    {
      when: 'a field of somebody else is now desired',
      observed: { a: 1 },
      last: {},
      wanted: { a: 2 },
      merged: { a: 2 },
    },
    {
      when: 'a map inside: the same for each of its fields',
      observed: { labels: { ours: '1', old: '1', theirs: '1' } },
      last: { labels: { ours: '1', old: '1' } },
      wanted: { labels: { ours: '2' } },
      merged: { labels: { ours: '2', theirs: '1' } },
    },
    {
      when: 'a map is no longer desired: all of it is removed',
      observed: { labels: { ours: '1', theirs: '1' }, x: 1 },
      last: { labels: { ours: '1' } },
      wanted: {},
      merged: { x: 1 },
    },
    {
      when: 'nothing was ever applied',
      observed: { spec: { a: 1, b: 2 } },
      last: undefined,
      wanted: { spec: { a: 3 } },
      merged: { spec: { a: 3, b: 2 } },
    },
    {
      when: 'the type of a field changes',
      observed: { port: { name: 'http' } },
      last: { port: { name: 'http' } },
      wanted: { port: 80 },
      merged: { port: 80 },
    },
  ])('$when', ({ observed, last, wanted, merged }) => {
    expect(merge(observed, last, wanted)).toEqual(merged)
  })
})

describe('lists whose items have names are merged item by item; other lists are replaced', () => {
  test.each([
    {
      when: 'plain values',
      observed: ['a', 'b', 'theirs'],
      last: ['a', 'b'],
      wanted: ['a'],
      merged: ['a'],
    },
    {
      when: 'no key is common to all items',
      observed: [{ key: 'x' }, { key: 'theirs' }],
      last: [{ key: 'x' }],
      wanted: [{ key: 'y' }],
      merged: [{ key: 'y' }],
    },
    {
      when: 'defaults within an item stay',
      observed: [{ name: 'run', image: 'a', imagePullPolicy: 'Always' }],
      last: [{ name: 'run', image: 'a' }],
      wanted: [{ name: 'run', image: 'b' }],
      merged: [{ name: 'run', image: 'b', imagePullPolicy: 'Always' }],
    },
    {
      when: 'an item is no longer desired',
      observed: [{ name: 'run' }, { name: 'old' }],
      last: [{ name: 'run' }, { name: 'old' }],
      wanted: [{ name: 'run' }],
      merged: [{ name: 'run' }],
    },
    {
      when: 'somebody else’s item stays in its place',
      observed: [{ name: 'injected' }, { name: 'run' }],
      last: [{ name: 'run' }],
      wanted: [{ name: 'run' }, { name: 'new' }],
      merged: [{ name: 'injected' }, { name: 'run' }, { name: 'new' }],
    },
    {
      when: 'a field of an item is no longer desired',
      observed: [{ name: 'run', command: ['x'], tty: false }],
      last: [{ name: 'run', command: ['x'] }],
      wanted: [{ name: 'run' }],
      merged: [{ name: 'run', tty: false }],
    },
    {
      when: 'the port takes precedence over the name as key',
      observed: [{ name: 'http', port: 80, protocol: 'TCP' }],
      last: [{ name: 'http', port: 80 }],
      wanted: [{ name: 'web', port: 80 }],
      merged: [{ name: 'web', port: 80, protocol: 'TCP' }],
    },
    {
      when: 'no items are desired any more, and those of others stay',
      observed: [{ name: 'ours' }, { name: 'theirs' }],
      last: [{ name: 'ours' }],
      wanted: [],
      merged: [{ name: 'theirs' }],
    },
  ])('$when', ({ observed, last, wanted, merged }) => {
    expect(merge({ list: observed }, { list: last }, { list: wanted })).toEqual({ list: merged })
  })
})

// Keys as in manifests. Names of Object's own properties are not tested here.
const value = fc.letrec((tie) => ({
  any: fc.oneof({ maxDepth: 3 }, fc.integer(), fc.string(), fc.boolean(), tie('map'), tie('list')),
  map: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'name', 'port'), tie('any'), { maxKeys: 4 }),
  list: fc.array(tie('any'), { maxLength: 3 }),
})).map

describe('for any objects', () => {
  test('an unchanged object becomes the desired one', () => {
    fc.assert(
      fc.property(value, value, (before, wanted) => {
        expect(merge(before, before, {})).toEqual({})
        expect(merge({}, before, wanted)).toEqual(wanted)
      }),
    )
  })

  test('merging twice changes nothing', () => {
    fc.assert(
      fc.property(value, value, value, (observed, last, wanted) => {
        const once = merge(observed, last, wanted)
        expect(merge(once, wanted, wanted)).toEqual(once)
      }),
    )
  })

  test('the arguments are not mutated', () => {
    fc.assert(
      fc.property(value, value, value, (observed, last, wanted) => {
        const before = JSON.stringify([observed, last, wanted])
        merge(observed, last, wanted)
        expect(JSON.stringify([observed, last, wanted])).toBe(before)
      }),
    )
  })
})
