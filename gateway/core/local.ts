import { type Refusal, refusals } from './refusals.ts'

/**
 * A gateway on a person's machine has no keys, and every web page in the person's browser can send it
 * requests. A page is told by what the browser says about it: where it is from, or, if its own name was made
 * to lead to this machine, the name that it asks for.
 */

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

/** The names of this machine, for itself. */
const ownHost = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?$/i

/** What browsers send with a request that no other page has caused. */
const ownSites: readonly unknown[] = [undefined, 'none', 'same-origin']

/**
 * Refuses a request that a web page may have caused. A page at another port of this machine is foreign, too:
 * it may be a notebook's, whose image nobody has checked.
 */
export function refusedAsPage(headers: Headers): Refusal | undefined {
  const { host, origin } = headers
  const isOwn =
    typeof host === 'string' &&
    ownHost.test(host) &&
    (origin === undefined || origin === `http://${host}`) &&
    ownSites.includes(headers['sec-fetch-site'])
  return isOwn ? undefined : refusals.fromPage()
}
