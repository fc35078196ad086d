import { expect, test } from 'vitest'
import { tokenFor } from '../../../tools/token.ts'

const url = new URL('https://data.example/x.bin')

test.each([
  { what: 'the host itself', at: 'https://data.example/y', sent: true },
  { what: 'its port, written', at: 'https://data.example:443/y', sent: true },
  { what: 'another port', at: 'https://data.example:8443/x.bin', sent: false },
  { what: 'a host below it', at: 'https://a.data.example/x.bin', sent: false },
  { what: 'plain http', at: 'http://data.example/x.bin', sent: false },
])('the token goes to $what: $sent', ({ at, sent }) => {
  const { headers } = tokenFor(url, 't0ken')
  expect(headers(new URL(at), false)).toEqual(sent ? { authorization: 'Bearer t0ken' } : {})
  expect(headers(new URL(at), true)).toEqual({})
})

test('a source by plain http gets none', () => {
  const plain = new URL('http://data.example/x.bin')
  expect(tokenFor(plain, 't0ken').headers(plain, false)).toEqual({})
})

test.each([
  { what: 'no token', given: undefined },
  { what: 'an empty one', given: '' },
  { what: 'one of white space', given: ' \n' },
])('with $what nothing is sent, and the error says how to set one', ({ given }) => {
  const { headers, remedy } = tokenFor(url, given)
  expect(headers(url, false)).toEqual({})
  expect(remedy(url)).toBe('if it needs a token, give HTTP_TOKEN in spec.env, from a Secret')
})
