import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Parent } from '../../crds/kind.ts'

/**
 * The address that an attempt reports to: `URL/progress/UID/JOB/TOKEN`. The token is a keyed hash of the
 * object and the attempt, so no address can be guessed, and none is worth anything for another attempt.
 */

/** What the server tells the hooks, so that they can write addresses. */
export interface Reporting {
  /** Where Pods reach the server: http://HOST:PORT. */
  readonly url: string
  readonly key: string
}

/** Which attempt reports: the uid of the object and the name of its Job. */
export interface Attempt {
  readonly uid: string
  readonly job: string
}

/** 128 bits; a name contains no slash, so no two attempts have the same text. */
export const attemptToken = (key: string, { uid, job }: Attempt): string =>
  createHmac('sha256', key).update(`${uid}/${job}`).digest('hex').slice(0, 32)

/** Undefined for an object without a uid, as a person may send it with curl. */
export function progressAddress(
  { url, key }: Reporting,
  { metadata: { uid } }: Parent,
  job: string,
): string | undefined {
  return uid && `${url}/progress/${uid}/${job}/${attemptToken(key, { uid, job })}`
}

/** An attempt, and the token that came with it. */
type Claimed = Attempt & { readonly token: string }

/** Whether one of the keys has signed the address; the time does not tell how much of the token is right. */
export const isSigned = (claimed: Claimed, keys: readonly string[]): boolean =>
  keys.some((key) => isSame(attemptToken(key, claimed), claimed.token))

const isSame = (wanted: string, given: string): boolean =>
  wanted.length === given.length && timingSafeEqual(Buffer.from(wanted), Buffer.from(given))

/** The attempt and the token in the path of a request; undefined if the path is another one. */
export function attemptIn(path: string): Claimed | undefined {
  const [, uid, job, token] =
    /^\/progress\/([\w-]{1,64})\/([a-z0-9-]{1,63})\/([0-9a-f]{32})$/.exec(path) ?? []
  return uid && job && token ? { uid, job, token } : undefined
}
