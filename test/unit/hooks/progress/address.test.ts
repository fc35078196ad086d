import fc from 'fast-check'
import { expect, test } from 'vitest'
import { attemptIn, attemptToken, progressAddress } from '../../../../hooks/progress/address.ts'
import { aModel } from '../../../objects.ts'

const reporting = { url: 'http://substratus.substratus.svc:8090', key: 'k' }
const job = 'falcon-model-run-0a1b2c3d'

test('an address names the object, its Job and a token, and is read back', () => {
  const address = progressAddress(reporting, aModel({}), job) ?? ''
  expect(address).toMatch(
    /^http:\/\/substratus\.substratus\.svc:8090\/progress\/uid-of-falcon\/falcon-model-run-0a1b2c3d\/[0-9a-f]{32}$/,
  )
  expect(attemptIn(new URL(address).pathname)).toEqual({
    uid: 'uid-of-falcon',
    job,
    token: attemptToken('k', { uid: 'uid-of-falcon', job }),
  })
})

test('no two attempts, objects or keys have the same token', () => {
  const part = fc.stringMatching(/^[a-z0-9-]{1,12}$/)
  const attempt = fc.record({ key: part, uid: part, job: part })
  fc.assert(
    fc.property(attempt, attempt, (one, other) => {
      const isSame = JSON.stringify(one) === JSON.stringify(other)
      expect(attemptToken(one.key, one) === attemptToken(other.key, other)).toBe(isSame)
    }),
  )
})

test.each([
  '/progress',
  '/progress/u/j',
  '/progress/u/j/short',
  `/progress/u/J/${'0'.repeat(32)}`,
  `/progress/u/j/${'0'.repeat(32)}/`,
  `/progress/../j/${'0'.repeat(32)}`,
  `/progress/u/j/${'g'.repeat(32)}`,
])('%s is no address', (path) => {
  expect(attemptIn(path)).toBeUndefined()
})
