import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type CheckKey, keyCheck, type User } from '../../gateway/keys.ts'
import { Refused } from '../../gateway/refused.ts'
import { type Bed, errorIn, gatewayBed, serving } from './gatewaybed.ts'

/** What keys are asked of the API server, how long the answers are remembered, and what clients get. */

let asked: string[]
let users: Record<string, User>
let allowed: Set<string>
let check: CheckKey
let isDown: boolean

beforeEach(() => {
  asked = []
  users = { good: { username: 'ann' }, poor: { username: 'bob' } }
  allowed = new Set(['ann team', 'ann other'])
  isDown = false
  check = keyCheck({
    userOf: async (token) => {
      asked.push(`who is ${token}`)
      if (isDown) throw new Error('connect ECONNREFUSED')
      return users[token]
    },
    mayUse: async ({ username }, namespace) => {
      asked.push(`may ${username} use ${namespace}`)
      return allowed.has(`${username} ${namespace}`)
    },
  })
  vi.useFakeTimers({ toFake: ['performance', 'Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const trying = async (token: string, namespace = 'team', from = '10.0.0.1'): Promise<string> => {
  try {
    return await check(`Bearer ${token}`, namespace, from)
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return `${error.refusal.status} ${error.refusal.code}`
  }
}

describe('a key', () => {
  test('is looked up once, by many requests at a time, and again after a minute', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => trying('good')))
    expect(new Set(all)).toEqual(new Set(['ann']))
    expect(asked).toEqual(['who is good', 'may ann use team'])
    vi.advanceTimersByTime(59_000)
    await trying('good')
    expect(asked).toHaveLength(2)
    vi.advanceTimersByTime(1001)
    await trying('good')
    expect(asked).toHaveLength(4)
  })

  test('has its right in each namespace', async () => {
    expect([await trying('good', 'other'), await trying('good', 'third')]).toEqual([
      'ann',
      '403 forbidden',
    ])
  })

  test('is not remembered past its end', async () => {
    const exp = Math.floor(Date.now() / 1000) + 5
    const token = `a.${Buffer.from(JSON.stringify({ exp })).toString('base64url')}.b`
    users[token] = { username: 'ann' }
    await trying(token)
    vi.advanceTimersByTime(6000)
    delete users[token]
    expect(await trying(token)).toBe('401 invalid_api_key')
  })

  test('that is wrong, or lacks the right, is remembered for ten seconds', async () => {
    expect([await trying('bad'), await trying('bad')]).toEqual(Array(2).fill('401 invalid_api_key'))
    expect([await trying('poor'), await trying('poor')]).toEqual(Array(2).fill('403 forbidden'))
    expect(asked).toEqual(['who is bad', 'who is poor', 'may bob use team'])
    users.bad = { username: 'ann' }
    allowed.add('bob team')
    vi.advanceTimersByTime(10_001)
    expect([await trying('bad'), await trying('poor')]).toEqual(['ann', 'bob'])
  })

  test('is not taken for wrong while the API server does not answer', async () => {
    isDown = true
    expect(await trying('good')).toBe('503 key_not_checked')
    isDown = false
    expect(await trying('good')).toBe('ann')
  })

  test.each([
    { what: 'empty', token: '' },
    { what: 'very long', token: 'x'.repeat(20_000) },
    { what: 'of two words', token: 'two words' },
  ])('that is $what is not looked up', async ({ token }) => {
    expect(await trying(token)).toBe('401 invalid_api_key')
    expect(asked).toEqual([])
  })

  test('in another scheme is none', async () => {
    await expect(check('Basic good', 'team', '')).rejects.toThrow(Refused)
    await expect(check(undefined, 'team', '')).rejects.toThrow(Refused)
  })
})

describe('an address that guesses', () => {
  const guesses = async (count: number) => {
    const results = []
    for (let at = 0; at < count; at++) results.push(await trying(`guess-${at}-${asked.length}`))
    return results.filter((it) => it === '401 invalid_api_key').length
  }

  test('is not looked at any more, while its good keys and other addresses are', async () => {
    await trying('good')
    expect(await guesses(50)).toBe(20)
    expect(asked.filter((it) => it.startsWith('who'))).toHaveLength(21)
    expect(await trying('good')).toBe('ann')
    expect(await trying('poor', 'team', '10.0.0.2')).toBe('403 forbidden')
    expect(await trying('poor')).toBe('403 forbidden')
    expect(await trying('new')).toBe('429 too_many_keys')
    vi.advanceTimersByTime(5000)
    expect(await guesses(50)).toBe(10)
  })
})

describe('while reviews of one address never end', () => {
  test('keys of other addresses, and those that were good before, are looked up all the same', async () => {
    const hanging = keyCheck({
      userOf: async (token) => (token.startsWith('slow') ? new Promise(() => {}) : users[token]),
      mayUse: async () => true,
    })
    const asking = async (token: string, from: string): Promise<string> =>
      hanging(`Bearer ${token}`, 'team', from).catch(({ refusal }) => refusal.code)
    expect(await asking('good', '10.0.0.1')).toBe('ann')
    const slow = Array.from({ length: 100 }, (_, at) => asking(`slow-${at}`, '10.0.0.1'))
    expect(await slow.at(-1)).toBe('too_many_keys')
    vi.advanceTimersByTime(60_001)
    expect(await asking('good', '10.0.0.1')).toBe('ann')
    expect(await asking('poor', '10.0.0.2')).toBe('bob')
    expect(await asking('new', '10.0.0.1')).toBe('too_many_keys')
  })
})

describe('a key that was good', () => {
  test('is looked up again, whatever others send from the address of the same proxy', async () => {
    await trying('good')
    for (let second = 0; second < 70; second++) {
      for (let at = 0; at < 5; at++) await trying(`guess-${second}-${at}`)
      vi.advanceTimersByTime(1000)
    }
    for (let at = 0; at < 5; at++) await trying(`last-${at}`)
    expect(await trying('new')).toBe('429 too_many_keys')
    isDown = true
    expect(await trying('good')).toBe('503 key_not_checked')
    isDown = false
    expect(await trying('good')).toBe('ann')
    delete users.good
    expect(await trying('good')).toBe('ann')
    vi.advanceTimersByTime(60_001)
    expect(await trying('good')).toBe('401 invalid_api_key')
  })
})

describe('a user that tries namespaces without the right', () => {
  test('is not looked at any more, while its good namespaces and other users are', async () => {
    users.more = { username: 'bob' }
    allowed.add('eve team')
    users.other = { username: 'eve' }
    await trying('good')
    const results = []
    for (let at = 0; at < 50; at++) results.push(await trying('poor', `made-up-${at}`))
    expect(results.filter((it) => it === '403 forbidden')).toHaveLength(20)
    expect(results.slice(20)).toEqual(Array(30).fill('429 too_many_keys'))
    expect(asked.filter((it) => it.startsWith('may bob'))).toHaveLength(20)
    // Neither another key nor another address of the same user changes that.
    expect(await trying('more', 'made-up', '10.0.0.2')).toBe('429 too_many_keys')
    expect([await trying('good'), await trying('other')]).toEqual(['ann', 'eve'])
    vi.advanceTimersByTime(5000)
    expect(await trying('poor', 'another')).toBe('403 forbidden')
  })
})

describe('over HTTP', () => {
  let bed: Bed
  beforeEach(async () => {
    vi.useRealTimers()
    bed = await gatewayBed({ checkKey: check })
    bed.set(serving([]))
  })
  afterEach(() => bed.end())

  test.each([
    { what: 'no key', headers: {}, says: /^401 invalid_api_key: the API key is missing/ },
    { what: 'a wrong key', headers: { authorization: 'Bearer x' }, says: /^401 invalid_api_key/ },
    {
      what: 'a key without the right',
      headers: { authorization: 'Bearer poor' },
      says: /^403 forbidden: bob may not create modelservers\/proxy in namespace "team"/,
    },
  ])('$what gets neither an answer nor a list', async ({ headers, says }) => {
    expect(await errorIn(await bed.post({ model: 'none' }, { headers }))).toMatch(says)
    const list = await fetch(`${bed.gateway.url}/team/v1/models`, { headers })
    expect(await errorIn(list)).toMatch(says)
  })

  test('a good key gets the list, and the log names its user, not the key', async () => {
    const headers = { authorization: 'Bearer good' }
    expect((await fetch(`${bed.gateway.url}/team/v1/models`, { headers })).status).toBe(200)
    expect(bed.lines).toMatchObject([{ user: 'ann', status: 200 }])
    expect(JSON.stringify(bed.lines)).not.toContain('good')
  })

  test('a client without a key can make up no series of metrics', async () => {
    await fetch(`${bed.gateway.url}/made-up/v1/models`)
    expect(await bed.metrics()).not.toContain('made-up')
  })
})
