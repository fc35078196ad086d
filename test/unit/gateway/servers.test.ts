import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chosenFrom } from '../../../gateway/core/choice.ts'
import { modelNamed } from '../../../gateway/core/models.ts'
import { podsIn, serverFrom, workloadName } from '../../../gateway/core/servers.ts'
import { anObject, aServer, aServerOf, aSlice, known } from './known.ts'

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
    const knows = server && chosenFrom([server], () => 0, { key: undefined, turn: 0 })?.knows
    return { knows, lora: server?.lora, replicas: server?.replicas.length }
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
      asks: { knows: undefined, lora: undefined, replicas: 0 },
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

describe('a Pod that the status does not list knows its model by', () => {
  test.each([
    { what: 'the Model, without args', more: {}, knows: 'falcon' },
    { what: 'a flag', more: { args: ['--served-model-name=own'] }, knows: 'own' },
    { what: 'a flag of its command', more: { command: ['vllm', '--alias', 'own'] }, knows: 'own' },
    { what: 'a flag with a placeholder', more: { args: ['-a', '{name}-q4'] }, knows: 'falcon-q4' },
    { what: 'a flag without one', more: { args: ['--alias={{name}}'] }, knows: '{name}' },
  ])('$what', ({ more, knows }) => {
    expect(aServer('chat', 1, more).replicas[0]).toMatchObject({ knows, model: 'falcon' })
  })
})

describe('of a server whose spec is changed to another Model and name', () => {
  const more = {
    model: { name: 'eagle' },
    aliases: ['gpt'],
    adapters: [{ name: 'polite' }],
    served: [{ name: 'polite' }],
    args: ['--served-model-name=new'],
    revisions: [
      { revision: '5f6d', name: 'old', model: 'falcon' },
      { revision: '77bc', name: 'new', model: 'eagle' },
      { revision: '99zz', name: 'other' },
      { revision: '44ff', name: 'new' },
    ],
  }
  const asked = (name: string, ...pods: readonly string[]) => {
    const [server] = known(aServerOf('chat', pods, more)).get(name) ?? []
    return server?.replicas.map(({ address }) => {
      const only = (one: string) => (one === address ? 0 : Number.POSITIVE_INFINITY)
      const choice = chosenFrom([server], only, { key: undefined, turn: 0 })
      return `${choice?.address.replace(':8080', '')} as ${choice?.knows}`
    })
  }
  const podOf = (revision: string) => `chat-server-${revision}-x7k2p`
  const [old, young, third, rolling] = ['5f6d', '77bc', '99zz', '44ff'].map(podOf) as [
    string,
    string,
    string,
    string,
  ]
  test.each([
    { what: 'the own name asks each by the name that it knows', name: 'chat' },
    { what: 'an alias does so, too', name: 'gpt' },
  ])('$what', ({ name }) => {
    expect(asked(name, old, young, third)).toEqual([
      `${old} as old`,
      `${young} as new`,
      `${third} as other`,
    ])
  })

  test('an adapter is asked for by its own name', () => {
    expect(asked('polite', old, young)).toEqual([`${old} as polite`, `${young} as polite`])
  })

  test('the name of the new Model reaches the Pods that serve it', () => {
    expect(asked('eagle', old, young)).toEqual([`${young} as new`])
  })

  test('a Pod whose Model is not known has the new one if it has the name that the spec gives', () => {
    expect(asked('eagle', third, rolling)).toEqual([`${rolling} as new`])
  })

  test('that name waits while only Pods of the old one are ready, and others do not', () => {
    const names = known(aServerOf('chat', [old], more))
    const [server] = names.get('eagle') ?? []
    expect(server).toMatchObject({
      replicas: [],
      says: 'Model "eagle" is not served yet: Serving: serving',
    })
    expect(modelNamed('eagle', names)).toMatchObject({ status: 'not ready' })
    expect(modelNamed('chat', names)).toMatchObject({ status: 'ready' })
  })

  test.each([
    { what: 'of a revision that it does not list', pod: 'chat-server-88bd-x7k2p' },
    { what: 'whose name only begins with one', pod: 'chat-server-5f6d-a-x7k2p' },
    { what: 'of another Deployment', pod: 'other-server-5f6d-x7k2p' },
    { what: 'whose name is shorter than the random part', pod: 'x' },
  ])('a Pod $what is asked as the spec says', ({ pod }) => {
    expect(asked('eagle', pod)).toEqual([`${pod} as new`])
  })

  test('endpoints without names are asked as the spec says', () => {
    expect(aServer('chat', 1, more).replicas).toMatchObject([{ knows: 'new', model: 'eagle' }])
  })
})

describe('of a server with a long name, whose Pods’ names lack the end of the revision', () => {
  const revisions = [
    { revision: '5f6d7c8b9x', name: 'old', model: 'falcon' },
    { revision: '5f6d7zzzzz', name: 'new', model: 'falcon' },
  ]
  /** As Kubernetes names a Pod. */
  const podOf = (server: string, revision: string) =>
    `${`${workloadName(server)}-${revision}-`.slice(0, 58)}x7k2p`
  const knows = (server: string, all: typeof revisions) =>
    aServerOf(server, [podOf(server, '5f6d7c8b9x')], { revisions: all }).replicas[0]?.knows

  test.each([39, 40, 44])(
    'of %i characters, a Pod is known by the beginning of the revision',
    (length) => {
      expect(knows('a'.repeat(length), revisions)).toBe('old')
    },
  )

  test('of 50 characters, it is known only if there is one revision', () => {
    expect(knows('a'.repeat(50), revisions.slice(0, 1))).toBe('old')
    expect(knows('a'.repeat(50), revisions)).toBe('falcon')
  })
})

const aName = fc.stringMatching(/^[a-z]([-a-z0-9]{0,48}[a-z0-9])?$/)
const aRevision = fc.stringMatching(/^[bcdfghjklmnpqrstvwxz2456789]{8,10}$/)

test('whatever the names, no Pod is asked by a name that only Pods of another revision know', () => {
  fc.assert(
    fc.property(
      aName,
      fc.uniqueArray(aRevision, { minLength: 1, maxLength: 4 }),
      (name, revisions) => {
        const pods = revisions.map(
          (revision) => `${`${workloadName(name)}-${revision}-`.slice(0, 58)}x7k2p`,
        )
        const served = revisions.map((revision) => ({ revision, name: `knows-${revision}` }))
        const { replicas } = aServerOf(name, pods, { revisions: served })
        const right = new Map(pods.map((pod, at) => [`${pod}:8080`, served[at]?.name]))
        for (const { address, knows } of replicas)
          if (knows !== 'falcon' && new Set(pods).size === pods.length)
            expect(knows).toBe(right.get(address))
      },
    ),
  )
})

describe('the replicas of a server', () => {
  const addresses = (...slices: Parameters<typeof aSlice>[]) =>
    podsIn(slices.map((slice) => aSlice(...slice))).map(({ address }) => address)

  test('are the ready endpoints of all slices, each once', () => {
    expect(addresses([['10.0.0.2', '10.0.0.1']], [['10.0.0.2']])).toEqual([
      '10.0.0.2:8080',
      '10.0.0.1:8080',
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
