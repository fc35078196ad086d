import { timingSafeEqual } from 'node:crypto'
import { refusedAsPage } from '../gateway/core/local.ts'
import type { Route } from './route.ts'
import type { Status } from './wire.ts'

/**
 * Only this page may call. Another page of the browser names itself in Origin or Sec-Fetch-Site, or
 * has a name that was made to lead to this machine in Host; another user of the machine lacks the token.
 *
 * The token is in no cookie: those of 127.0.0.1 reach every port of it, also that of a notebook.
 */

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

const refusal = (code: number, message: string): Status => ({ kind: 'Status', code, message })

/** Files have no secret in them, and a browser that opens an address sends no token. */
export function refusedCaller(headers: Headers, token: string, route: Route): Status | undefined {
  if (headers.upgrade !== undefined) return refusal(400, 'WebSockets are not passed on')
  const isFile = route.to === 'file'
  // A link in a mail or a terminal leads here from another site.
  const asked = isFile ? { host: headers.host } : headers
  if (refusedAsPage(asked))
    return refusal(403, 'only the page itself may ask this, at 127.0.0.1 or localhost')
  if (isFile || isToken(headers.authorization, token)) return undefined
  return refusal(
    401,
    'the token is missing or wrong: open the address that kubectl substratus ui has printed',
  )
}

function isToken(given: unknown, token: string): boolean {
  const [expected, actual] = [Buffer.from(`Bearer ${token}`), Buffer.from(String(given))]
  return expected.length === actual.length && timingSafeEqual(expected, actual)
}
