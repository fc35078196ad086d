import { describe, expect, test } from 'vitest'
import { replicasIn, serverFrom } from '../../../gateway/core/servers.ts'
import { anObject, aServer, aSlice, known } from './known.ts'

describe('the state of a ModelServer', () => {
  test.each([
    { when: 'it serves', more: {}, state: 'awake' },
    { when: 'its Pod starts', more: { ready: 'False Starting: loads' }, state: 'awake' },
    { when: 'no node has room', more: { ready: 'False Unschedulable: 0/3' }, state: 'awake' },
    { when: 'it is idle', more: { ready: 'True Idle: idle since noon' }, state: 'asleep' },
    { when: 'it is suspended', more: { suspend: true }, state: 'stopped' },
    {
      when: 'it is suspended while it is idle',
      more: { suspend: true, ready: 'True Idle: idle' },
      state: 'stopped',
    },
    { when: 'it is scaled to 0', more: { replicas: 0 }, state: 'stopped' },
    {
      when: 'it waits for somebody to act',
      more: { ready: 'False InvalidSpec: spec.port', stalled: true },
      state: 'failed',
    },
  ])('is $state when $when', ({ more, state }) => {
    expect(serverFrom(anObject('chat', more))?.state).toBe(state)
  })

  test('is not read from an object that is being deleted', () => {
    expect(serverFrom(anObject('chat', { deleted: true }))).toBeUndefined()
  })

  test('comes with its own words, on one line', () => {
    const ready = 'False Unschedulable: 0/3 nodes\u001b[31m are available'
    expect(serverFrom(anObject('chat', { ready }))?.says).toBe(
      'Unschedulable: 0/3 nodes are available',
    )
  })

  test('is awake without a status', () => {
    const { status: _, ...object } = anObject('chat')
    expect(serverFrom(object)).toMatchObject({ state: 'awake', says: 'not observed yet' })
  })
})

describe('a request for', () => {
  const adapters = [{ name: 'polite' }, { name: 'legal' }]
  const named = (name: string, more: object) => {
    const [server] = known(aServer('chat', 2, { adapters, ...more })).get(name) ?? []
    return { knows: server?.knows, lora: server?.lora, replicas: server?.replicas.length }
  }
  const byName = { served: [{ name: 'polite' }] }
  const byNumber = {
    served: [
      { name: 'polite', lora: 1 },
      { name: 'legal', lora: 0 },
    ],
  }
  test.each([
    {
      what: 'an adapter has its name',
      name: 'polite',
      more: byName,
      asks: { knows: 'polite', lora: undefined, replicas: 2 },
    },
    {
      what: 'an adapter finds no Pod until all have it',
      name: 'legal',
      more: byName,
      asks: { knows: 'falcon', lora: undefined, replicas: 0 },
    },
    {
      what: 'the model beside adapters with names is as ever',
      name: 'chat',
      more: byName,
      asks: { knows: 'falcon', lora: undefined, replicas: 2 },
    },
    {
      what: 'an adapter with a number has that number',
      name: 'polite',
      more: byNumber,
      asks: { knows: 'falcon', lora: [{ id: 1, scale: 1 }], replicas: 2 },
    },
    {
      what: 'the model beside adapters with numbers applies none',
      name: 'falcon',
      more: byNumber,
      asks: { knows: 'falcon', lora: [{ id: 0, scale: 0 }], replicas: 2 },
    },
    {
      what: 'the model beside an adapter that not all Pods have is as ever',
      name: 'falcon',
      more: { served: [] },
      asks: { knows: 'falcon', lora: undefined, replicas: 2 },
    },
  ])('$what', ({ name, more, asks }) => {
    expect(named(name, more)).toEqual(asks)
  })

  test('an adapter that the status alone lists is for none', () => {
    expect(known(aServer('chat', 1, { served: [{ name: 'other' }] })).get('other')).toBeUndefined()
  })
})

describe('the program knows its model by', () => {
  test.each([
    { what: 'the Model, without args', args: [], knows: 'falcon' },
    { what: 'a flag', args: ['--served-model-name=own'], knows: 'own' },
    { what: 'a flag and its value', args: ['--x', '--served-model-name', 'a=b'], knows: 'a=b' },
    { what: 'a flag with a placeholder', args: ['--alias', '{name}-q4'], knows: 'falcon-q4' },
    { what: 'the Model, with a flag that lacks a value', args: ['--alias'], knows: 'falcon' },
    { what: 'the Model, with a flag like it', args: ['--aliases=x'], knows: 'falcon' },
  ])('$what', ({ args, knows }) => {
    expect(serverFrom(anObject('chat', { args }))?.knows).toBe(knows)
  })
})

describe('the replicas of a server', () => {
  const addresses = (...slices: Parameters<typeof aSlice>[]) =>
    replicasIn(slices.map((slice) => aSlice(...slice))).map(({ address }) => address)

  test('are the ready endpoints of all slices, each once', () => {
    expect(addresses([['10.0.0.2', '10.0.0.1']], [['10.0.0.2']])).toEqual([
      '10.0.0.1:8080',
      '10.0.0.2:8080',
    ])
  })

  test('have brackets in IPv6', () => {
    expect(addresses([['fd00::1'], { addressType: 'IPv6' }])).toEqual(['[fd00::1]:8080'])
  })

  test.each([
    { what: 'not ready', conditions: { ready: false } },
    { what: 'terminating', conditions: { ready: true, terminating: true } },
  ])('do not include one that is $what', ({ conditions }) => {
    expect(addresses([[], { endpoints: [{ addresses: ['10.0.0.1'], conditions }] }])).toEqual([])
  })

  test.each([
    { what: 'no endpoints', more: { endpoints: null } },
    { what: 'no ports', more: { ports: null } },
    { what: 'names in place of addresses', more: { addressType: 'FQDN' } },
    { what: 'a port of another name', more: { ports: [{ name: 'metrics', port: 9 }] } },
  ])('are none with $what', ({ more }) => {
    expect(addresses([['10.0.0.1'], more])).toEqual([])
  })
})
