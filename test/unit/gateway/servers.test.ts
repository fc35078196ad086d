import { describe, expect, test } from 'vitest'
import { replicasIn, serverFrom } from '../../../gateway/core/servers.ts'
import { anObject, aSlice } from './known.ts'

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
    { what: 'a port of another name', more: { ports: [{ name: 'metrics', port: 9 }] } },
  ])('are none with $what', ({ more }) => {
    expect(addresses([['10.0.0.1'], more])).toEqual([])
  })
})
