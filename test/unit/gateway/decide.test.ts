import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chosenFrom } from '../../../gateway/core/choice.ts'
import { decide } from '../../../gateway/core/decide.ts'
import { hashOf } from '../../../gateway/core/hash.ts'
import { errorOf } from '../../../gateway/core/refusals.ts'
import type { Server } from '../../../gateway/core/servers.ts'
import { aServer, known } from './known.ts'

const idle = () => 0
const asked = (model: string) => ({ namespace: 'team', model, key: undefined, turn: 0, waited: 0 })
const asleep = 'True Idle: idle since 12:00'

describe('a request is', () => {
  const stopped = { suspend: true, ready: 'False Suspended: spec.suspend is true' }
  const invalid = { ready: 'False InvalidSpec: spec.port', stalled: true }
  const full = { ready: 'False Unschedulable: 0/3 nodes are available' }
  const starting = { ready: 'False Starting: loads' }
  const shared = (name: string, replicas: number, more: object = {}) =>
    aServer(name, replicas, { aliases: ['chat'], ...more })
  test.each([
    { when: 'a replica is ready', servers: [shared('one', 1)], is: 'forward to one' },
    {
      when: 'another server of the alias is asleep',
      servers: [shared('one', 0, { ready: asleep }), shared('two', 1)],
      is: 'forward to two',
    },
    {
      when: 'the Pods of a failed server still answer',
      servers: [shared('one', 1, invalid)],
      is: 'forward to one',
    },
    {
      when: 'the server sleeps, although a Pod is still listed',
      servers: [shared('one', 1, { ready: asleep })],
      is: 'hold, waking one',
    },
    {
      when: 'all servers of the alias sleep',
      servers: [shared('one', 0, { ready: asleep }), shared('two', 0, { ready: asleep })],
      is: 'hold, waking one, else two',
    },
    {
      when: 'a sleeping server is older than the other',
      servers: [
        shared('one', 0, { ready: asleep, created: '2026-01-02T00:00:00Z' }),
        shared('two', 0, { ready: asleep }),
      ],
      is: 'hold, waking two, else one',
    },
    {
      when: 'another server of the alias starts',
      servers: [shared('one', 0, { ready: asleep }), shared('two', 0, starting)],
      is: 'hold, waking',
    },
    {
      when: 'another server of the alias has found no room yet',
      servers: [shared('one', 0, { ready: asleep }), shared('two', 0, full)],
      is: 'hold, waking',
    },
    {
      when: 'the other server of the alias has failed',
      servers: [shared('one', 0, { ready: asleep }), shared('two', 0, invalid)],
      is: 'hold, waking one',
    },
    { when: 'the Pod starts', servers: [shared('one', 0, starting)], is: 'hold, waking' },
    {
      when: 'one server starts and the other is stopped',
      servers: [shared('one', 0, starting), shared('two', 0, stopped)],
      is: 'hold, waking',
    },
    {
      when: 'the server is suspended',
      servers: [shared('one', 1, stopped)],
      is: 'refuse 503: ModelServer "one": Suspended: spec.suspend is true',
    },
    {
      when: 'the server has failed',
      servers: [shared('one', 0, invalid)],
      is: 'refuse 503: ModelServer "one": InvalidSpec: spec.port',
    },
    {
      when: 'no server has that name',
      servers: [aServer('chatty', 1)],
      is: 'refuse 404: no model "chat" in namespace "team": did you mean "chatty"?',
    },
  ])('$is, when $when', ({ servers, is }) => {
    expect(inWords(decide(asked('chat'), known(...servers), idle))).toBe(is)
  })

  test.each([
    { when: 'finds no room', ready: full, is: 'hold, waking one' },
    { when: 'loads', ready: starting, is: 'hold, waking' },
  ])('$is, when the server that is awake still $when after minutes', ({ ready, is }) => {
    const servers = known(shared('one', 0, { ready: asleep }), shared('two', 0, ready))
    expect(inWords(decide({ ...asked('chat'), waited: 200_000 }, servers, idle))).toBe(is)
  })
})

function inWords(decision: ReturnType<typeof decide>): string {
  switch (decision.is) {
    case 'forward':
      return `forward to ${decision.server.name}`
    case 'hold':
      return `hold, waking ${decision.wake.map(({ name }) => name).join(', else ')}`.trim()
    case 'refuse':
      return `refuse ${decision.refusal.status}: ${decision.refusal.message}`
  }
}

test('a refusal has OpenAI’s shape', () => {
  const decision = decide(asked('chat'), known(), idle)
  if (decision.is !== 'refuse') throw new Error(decision.is)
  expect(errorOf(decision.refusal)).toEqual({
    error: {
      message: 'no model "chat" in namespace "team"; GET /v1/models lists those that exist',
      type: 'invalid_request_error',
      param: 'model',
      code: 'model_not_found',
    },
  })
})

/** Servers of one alias, in any state, with up to five listed Pods each. */
const someServers = fc
  .array(
    fc.record({
      replicas: fc.integer({ min: 0, max: 5 }),
      ready: fc.constantFrom('True Serving: serving', asleep, 'False Starting: loads'),
      stalled: fc.boolean(),
      suspend: fc.boolean(),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((all) =>
    all.map(({ replicas, ...more }, at) =>
      aServer(`server-${at}`, replicas, { ...more, aliases: ['chat'] }),
    ),
  )
const aKey = fc.option(fc.string().map(hashOf), { nil: undefined })

describe('for any servers', () => {
  test('no request goes to one that is not ready, and one goes where one is', () => {
    fc.assert(
      fc.property(someServers, aKey, fc.nat(), (servers, key, turn) => {
        const decision = decide({ ...asked('chat'), key, turn }, known(...servers), idle)
        const ready = servers.filter(
          ({ state, replicas }) => state !== 'asleep' && state !== 'stopped' && replicas.length > 0,
        )
        if (decision.is !== 'forward') {
          expect(ready).toEqual([])
          return
        }
        const found = ready.find(({ name }) => name === decision.server.name)
        expect(found?.replicas.map(({ address }) => address)).toContain(decision.address)
      }),
    )
  })

  test('nothing is woken that does not sleep', () => {
    fc.assert(
      fc.property(someServers, (servers) => {
        const decision = decide(asked('chat'), known(...servers), idle)
        if (decision.is !== 'hold') return
        for (const { state } of decision.wake) expect(state).toBe('asleep')
      }),
    )
  })
})

/** Servers with these numbers of replicas. */
const sized = (...replicas: readonly number[]) =>
  replicas.map((count, at) => aServer(`server-${at}`, count))
const sizes = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 })

/** How many of these requests each server gets, if each ends at once. */
function sharesOf(servers: readonly Server[], keys: readonly (number | undefined)[]) {
  const counts = new Map<string, number>()
  for (const [turn, key] of keys.entries()) {
    const name = chosenFrom(servers, idle, { key, turn })?.server.name ?? 'none'
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return servers.map(({ name }) => (counts.get(name) ?? 0) / keys.length)
}

describe('the shares of servers under one alias are those of their replicas, within 5 %', () => {
  const requests = 40_000
  test.each([
    { what: 'without conversations', key: () => undefined },
    { what: 'with conversations', key: (at: number) => hashOf(`user: question ${at}`) },
  ])('$what', ({ key }) => {
    const keys = Array.from({ length: requests }, (_, at) => key(at))
    fc.assert(
      fc.property(sizes, (counts) => {
        const all = counts.reduce((sum, count) => sum + count, 0)
        for (const [at, share] of sharesOf(sized(...counts), keys).entries()) {
          const fair = (counts[at] ?? 0) / all
          expect(Math.abs(share / fair - 1)).toBeLessThan(0.05)
        }
      }),
      { numRuns: 20 },
    )
  })
})

describe('with requests that take time', () => {
  test('no replica is starved, and none is overloaded while another is not', () => {
    const step = fc.record({ key: aKey, ends: fc.option(fc.nat(), { nil: undefined }) })
    fc.assert(
      fc.property(sizes, fc.array(step, { minLength: 200, maxLength: 400 }), (counts, steps) => {
        const servers = sized(...counts)
        const addresses = servers.flatMap(({ replicas }) => replicas.map((it) => it.address))
        const loads = new Map<string, number>()
        const load = (address: string) => loads.get(address) ?? 0
        const running: string[] = []
        const served = new Set<string>()
        for (const [turn, { key, ends }] of steps.entries()) {
          const address = chosenFrom(servers, load, { key, turn })?.address ?? ''
          const mean = (running.length + 1) / addresses.length
          expect(load(address)).toBeLessThan(Math.max(4, Math.ceil(1.25 * mean)))
          loads.set(address, load(address) + 1)
          running.push(address)
          served.add(address)
          if (ends === undefined || running.length < addresses.length * 4) continue
          const [gone = ''] = running.splice(ends % running.length, 1)
          loads.set(gone, load(gone) - 1)
        }
        expect([...served].sort()).toEqual([...addresses].sort())
      }),
      { numRuns: 50 },
    )
  })

  test('a conversation that everybody has goes to the others once its replica is overloaded', () => {
    const servers = sized(3)
    const loads = new Map<string, number>()
    const load = (address: string) => loads.get(address) ?? 0
    for (let turn = 0; turn < 30; turn++) {
      const address = chosenFrom(servers, load, { key: 7, turn })?.address ?? ''
      loads.set(address, load(address) + 1)
    }
    const most = Math.max(...loads.values())
    expect([loads.size, most]).toEqual([3, 13])
  })
})

describe('a conversation keeps its replica', () => {
  const keys = Array.from({ length: 500 }, (_, at) => hashOf(`conversation ${at}`))
  const places = (servers: readonly Server[]) =>
    keys.map((key) => chosenFrom(servers, idle, { key, turn: 0 })?.address)

  test('unless that one goes, and only those move to a new one that must', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.nat(), (count, which) => {
        const [many] = sized(count + 1) as [Server]
        const gone = many.replicas[which % many.replicas.length]
        const fewer = { ...many, replicas: many.replicas.filter((it) => it !== gone) }
        const [before, after] = [places([many]), places([fewer])]
        for (const [at, place] of before.entries())
          if (place !== gone?.address) expect(after[at]).toBe(place)
      }),
      { numRuns: 30 },
    )
  })

  test('whichever server of an alias has it, in whatever order', () => {
    const servers = sized(2, 3)
    expect(places(servers.toReversed())).toEqual(places(servers))
  })
})

test('a decision among 1,000 servers takes less than 50 µs', () => {
  const names = known(
    ...Array.from({ length: 1000 }, (_, at) =>
      aServer(`server-${at}`, 2, {
        model: { name: `model-${at}` },
        aliases: [`alias-${at % 300}`],
      }),
    ),
  )
  /** Microseconds of each, in one short batch: another process may take the processor in some of them. */
  const batch = () => {
    const began = performance.now()
    for (let turn = 0; turn < 300; turn++)
      decide({ ...asked(`alias-${turn}`), key: turn, turn }, names, idle)
    return ((performance.now() - began) / 300) * 1000
  }
  expect(Math.min(...Array.from({ length: 40 }, batch))).toBeLessThan(50)
})
