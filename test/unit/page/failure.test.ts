import { expect, test } from 'vitest'
import { mayPass } from '../../../page/core/failure.ts'

test.each([
  { what: 'no answer', code: undefined },
  { what: 'too many requests', code: 429 },
  { what: 'an error of the API server', code: 500 },
  { what: 'an API server that cannot be reached', code: 502 },
])('a request may succeed later after $what', ({ code }) => {
  expect(mayPass({ message: 'no', ...(code && { code }) })).toBe(true)
})

test.each([
  { what: 'a bad request', code: 400 },
  { what: 'a missing right', code: 403 },
  { what: 'a missing object', code: 404 },
])('and not after $what', ({ code }) => {
  expect(mayPass({ message: 'no', code })).toBe(false)
})
