import { describe, expect, test } from 'vitest'
import { listOf, modelNamed } from '../../../gateway/core/models.ts'
import { nearTo } from '../../../gateway/core/names.ts'
import { aServer, known } from './known.ts'

describe('a name is that of', () => {
  const old = '2025-01-01T00:00:00Z'
  const names = known(
    aServer('falcon', 1, { model: { name: 'base' }, created: '2026-05-01T00:00:00Z' }),
    aServer('chat', 1, { model: { name: 'falcon' }, aliases: ['gpt-4o', 'shared'] }),
    aServer('canary', 1, { model: { name: 'tuned' }, aliases: ['shared', 'base'] }),
    aServer('trial', 1, { model: { name: 'tuned' }, created: old }),
    aServer('gpt-4o', 1, { model: { name: 'other' } }),
    aServer('lora', 1, {
      model: { name: 'eagle' },
      adapters: ['falcon', 'shared', 'polite', 'winter'].map((name) => ({ name })),
      created: old,
    }),
    aServer('lora-2', 1, { model: { name: 'polite' }, adapters: [{ name: 'winter' }] }),
  )
  test.each([
    { what: 'a server, before a Model', name: 'falcon', servers: ['falcon'] },
    { what: 'a server, before an alias', name: 'gpt-4o', servers: ['gpt-4o'] },
    { what: 'an alias, before a Model', name: 'base', servers: ['canary'] },
    { what: 'all servers with the alias', name: 'shared', servers: ['canary', 'chat'] },
    { what: 'the oldest server of a Model', name: 'tuned', servers: ['trial'] },
    { what: 'an adapter, before a Model', name: 'polite', servers: ['lora'] },
    { what: 'the oldest server with an adapter', name: 'winter', servers: ['lora'] },
    { what: 'a Model', name: 'other', servers: ['gpt-4o'] },
    { what: 'no server', name: 'Falcon', servers: undefined },
  ])('$what', ({ name, servers }) => {
    expect(names.get(name)?.map((server) => server.name)).toEqual(servers)
  })

  test('nothing that every JavaScript object has', () => {
    expect(names.get('constructor')).toBeUndefined()
  })
})

describe('near a wrong name are', () => {
  const names = known(
    aServer('falcon-7b', 1, { model: { name: 'falcon-7b-instruct' } }),
    aServer('llama', 1, { model: { name: 'llama-base' }, aliases: ['Chat'] }),
  )
  test.each([
    { wrong: 'falcon7b', near: ['falcon-7b'] },
    { wrong: 'falcon', near: ['falcon-7b', 'falcon-7b-instruct'] },
    { wrong: 'chat', near: ['Chat'] },
    { wrong: 'lama', near: ['llama', 'llama-base'] },
    { wrong: 'mistral', near: [] },
    { wrong: '', near: [] },
  ])('the names most like "$wrong"', ({ wrong, near }) => {
    expect(nearTo(wrong, names)).toEqual(near)
  })

  test('found quickly for a name of a megabyte', () => {
    const began = performance.now()
    expect(nearTo('x'.repeat(2 ** 20), names)).toEqual([])
    expect(performance.now() - began).toBeLessThan(500)
  })

  test('found quickly among very many long names', () => {
    const aliases = (of: number) =>
      Array.from({ length: 16 }, (_, at) => `${'long-name'.repeat(12)}-${of * 16 + at}`)
    const many = known(
      ...Array.from({ length: 1000 }, (_, at) =>
        aServer(`server-${at}`, 1, { aliases: aliases(at) }),
      ),
    )
    const began = performance.now()
    nearTo('x'.repeat(128), many)
    // Comparing all of them whole takes several seconds.
    expect(performance.now() - began).toBeLessThan(1000)
  })
})

describe('the list of models', () => {
  test('has every name, also of servers that sleep', () => {
    const names = known(
      aServer('awake', 1, { model: { name: 'a' } }),
      aServer('sleeps', 0, { model: { name: 'b' }, ready: 'True Idle: idle' }),
      aServer('starts', 0, { model: { name: 'c' }, ready: 'False Starting: loads' }),
      aServer('off', 0, { model: { name: 'd' }, suspend: true }),
    )
    const { data } = listOf(names) as { data: { id: string; status: string }[] }
    expect(data.map(({ id, status }) => `${id} ${status}`)).toEqual([
      ...['a ready', 'awake ready', 'b asleep', 'c not ready', 'd stopped'],
      ...['off stopped', 'sleeps asleep', 'starts not ready'],
    ])
  })

  test('has OpenAI’s fields', () => {
    expect(modelNamed('falcon', known(aServer('chat', 1)))).toEqual({
      id: 'falcon',
      object: 'model',
      created: 1767225600,
      owned_by: 'chat',
      status: 'ready',
    })
    expect(modelNamed('none', known())).toBeUndefined()
  })
})
