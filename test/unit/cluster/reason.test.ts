import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { exchange } from '../../../cluster/exchange.ts'
import { reasonOf } from '../../../cluster/reason.ts'

const failed = (code: string, more: object = {}) =>
  Object.assign(new Error(`connect ${code} 10.0.0.1:6443`), {
    code,
    address: '10.0.0.1',
    port: 6443,
    ...more,
  })

describe('why a connection failed is told in words', () => {
  test.each([
    {
      when: 'nothing listens there',
      error: failed('ECONNREFUSED'),
      is: 'the connection to 10.0.0.1:6443 was refused',
    },
    {
      when: 'nothing listens at an address of IPv6',
      error: failed('ECONNREFUSED', { address: '::1' }),
      is: 'the connection to [::1]:6443 was refused',
    },
    {
      when: 'a certificate is not PEM',
      error: failed('ERR_OSSL_PEM_NO_START_LINE'),
      is: 'a certificate or key of the kubeconfig is not in PEM format',
    },
    {
      when: 'no network leads there',
      error: failed('EHOSTUNREACH'),
      is: 'there is no route to 10.0.0.1:6443',
    },
    { when: 'nobody answers', error: failed('ETIMEDOUT'), is: '10.0.0.1:6443 does not answer' },
    {
      when: 'a name is not known',
      error: Object.assign(new Error('getaddrinfo'), {
        code: 'ENOTFOUND',
        hostname: 'api.example',
      }),
      is: 'there is no host "api.example"',
    },
    {
      when: 'the cluster was made again, with another authority',
      error: failed('UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
      is: 'the certificate of the server is signed by an unknown authority',
    },
    {
      when: 'the other end hangs up',
      error: Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }),
      is: 'the other end closed the connection',
    },
    {
      when: 'nothing listens at a socket of this machine',
      error: failed('ECONNREFUSED', { address: '/run/x.sock', port: undefined }),
      is: 'the connection to /run/x.sock was refused',
    },
    {
      when: 'no name server answers',
      error: Object.assign(new Error('getaddrinfo'), {
        code: 'EAI_AGAIN',
        hostname: 'api.example',
      }),
      is: 'the name "api.example" cannot be resolved',
    },
    {
      when: 'an error has a list of errors that is null',
      error: Object.assign(new Error('odd'), { errors: null }),
      is: 'odd',
    },
    {
      when: 'each address of a name refuses',
      error: new AggregateError([failed('ECONNREFUSED', { address: '::1' })]),
      is: 'the connection to [::1]:6443 was refused',
    },
    {
      when: 'fetch says it',
      error: new TypeError('fetch failed', { cause: failed('ECONNREFUSED') }),
      is: 'the connection to 10.0.0.1:6443 was refused',
    },
    {
      when: 'it is another error with a cause',
      error: new Error('one', { cause: new Error('two') }),
      is: 'one: two',
    },
    { when: 'it is no error', error: 'just so', is: 'just so' },
  ])('when $when', ({ error, is }) => {
    expect(reasonOf(error)).toBe(is)
  })
})

test('a name with several addresses, none of which answers, leaves no empty message', async () => {
  const server = createServer().listen(0)
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  const error = await exchange(`http://localhost:${port}`, { method: 'GET' }).catch((one) => one)
  expect(reasonOf(error)).toMatch(/^the connection to .*:\d+ was refused$/)
})
