import { describe, expect, test } from 'vitest'
import { refusedCaller } from '../../../ui/caller.ts'

const token = 'abcdefghijklmnopqrstuvwxyz012345'
const host = '127.0.0.1:8899'
const authorization = `Bearer ${token}`
const session = { to: 'session' } as const
const file = { to: 'file', path: '/' } as const
const codeOf = (headers: object, route: typeof session | typeof file = session) =>
  refusedCaller({ host, ...headers }, token, route)?.code

describe('the page itself is answered', () => {
  test.each([
    { when: 'it asks', headers: { authorization } },
    { when: 'the browser says so', headers: { authorization, 'sec-fetch-site': 'same-origin' } },
    { when: 'it changes something', headers: { authorization, origin: `http://${host}` } },
    { when: 'a port is forwarded by ssh', headers: { authorization, host: 'localhost:4000' } },
  ])('when $when', ({ headers }) => {
    expect(codeOf(headers)).toBeUndefined()
  })

  test('files need no token, and a link may lead to them', () => {
    expect(codeOf({ 'sec-fetch-site': 'cross-site' }, file)).toBeUndefined()
  })
})

describe('others are refused', () => {
  test.each([
    { who: 'another user without a token', headers: {}, code: 401 },
    { who: 'a wrong token', headers: { authorization: `Bearer ${'x'.repeat(32)}` }, code: 401 },
    { who: 'a token that is a prefix', headers: { authorization: 'Bearer abc' }, code: 401 },
    { who: 'an empty token', headers: { authorization: 'Bearer ' }, code: 401 },
    { who: 'a password', headers: { authorization: `Basic ${token}` }, code: 401 },
    { who: 'a token in a cookie', headers: { cookie: `token=${token}` }, code: 401 },
    { who: 'another page', headers: { authorization, origin: 'https://example.com' }, code: 403 },
    { who: 'a page of no origin', headers: { authorization, origin: 'null' }, code: 403 },
    {
      who: 'a page at another port of this machine, as a notebook is',
      headers: { authorization, origin: 'http://127.0.0.1:8888' },
      code: 403,
    },
    {
      who: 'an image of a page at another port',
      headers: { authorization, 'sec-fetch-site': 'same-site' },
      code: 403,
    },
    {
      who: 'an image of another page',
      headers: { authorization, 'sec-fetch-site': 'cross-site' },
      code: 403,
    },
    {
      who: 'a name that was made to lead to this machine',
      headers: { authorization, host: 'rebound.example.com' },
      code: 403,
    },
    {
      who: 'a name that begins like this machine',
      headers: { authorization, host: '127.0.0.1.example.com:8899' },
      code: 403,
    },
    { who: 'no name at all', headers: { authorization, host: undefined }, code: 403 },
    { who: 'a WebSocket', headers: { authorization, upgrade: 'websocket' }, code: 400 },
  ])('$who: $code', ({ headers, code }) => {
    expect(codeOf(headers)).toBe(code)
  })

  test('files, too, under a foreign name', () => {
    expect(codeOf({ host: 'rebound.example.com' }, file)).toBe(403)
  })
})
