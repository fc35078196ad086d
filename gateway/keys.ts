import { hash } from 'node:crypto'
import { refusalOf } from '../cluster/refusal.ts'
import { refusals } from './core/refusals.ts'
import { Refused } from './refused.ts'
import { type Room, roomsOf } from './room.ts'

/** API keys: tokens that the cluster knows, whose user has the right `create modelservers/proxy`. */

export interface User {
  readonly username: string
  readonly uid?: string
  readonly groups?: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

/** What the API server is asked. */
export interface Reviews {
  /** The user of a token; undefined if it is not valid. */
  readonly userOf: (token: string) => Promise<User | undefined>
  readonly mayUse: (user: User, namespace: string) => Promise<boolean>
}

/** Resolves to the name of the user, or rejects with a refusal. */
export type CheckKey = (
  authorization: string | undefined,
  namespace: string,
  from: string,
) => Promise<string>

const goodMilliseconds = 60_000
const badMilliseconds = 10_000
const mostRemembered = 10_000
/** A token of Kubernetes has one or two kilobytes; that of an identity provider may have eight, or more. */
export const longestToken = 16_384
/**
 * Reviews of new keys at a time; one address gets at most half of them, because an authenticator may take long
 * for a wrong key. As many more are for keys that were good before.
 */
const mostAtOnce = 128
/**
 * Wrong keys of one address, before its unknown keys are no longer looked at. The same for namespaces in
 * which a user has no right: a path can name any number of them.
 */
const wrongAtOnce = 20
const wrongPerSecond = 2

export function keyCheck({ userOf, mayUse }: Reviews): CheckKey {
  const users = answers<User | undefined>()
  const rights = answers<boolean>()
  const wrong = budgets()
  const denied = budgets()
  const roomOfNew = roomsOf(mostAtOnce, refusals.tooManyKeys)
  const roomOfKnown = roomsOf(mostAtOnce, refusals.tooManyKeys)

  const roomFor = (wasGood: unknown, from: string): Room =>
    wasGood ? roomOfKnown(from) : roomOfNew(from)

  async function asked<T>(room: Room, question: () => Promise<T>): Promise<T> {
    room.take(1)
    try {
      return await question()
    } catch (error) {
      throw new Refused(refusals.noCheck(refusalOf(error).message))
    } finally {
      room.give(1)
    }
  }

  return async (authorization, namespace, from) => {
    const token = /^bearer +(\S+)\s*$/i.exec(authorization ?? '')?.[1]
    if (!token || token.length > longestToken) throw new Refused(refusals.noToken())
    const digest = hash('sha256', token, 'base64')
    // A key that was good is looked up all the same: others may guess from the address of the same proxy.
    const user = await users(digest, async (before) => {
      if (!before && wrong.isSpent(from)) throw new Refused(refusals.tooManyKeys())
      const found = await asked(roomFor(before, from), () => userOf(token))
      if (!found) wrong.spend(from)
      return { value: found, milliseconds: found ? leftOf(token) : badMilliseconds }
    })
    if (!user) throw new Refused(refusals.noToken())
    const isAllowed = await rights(`${digest} ${namespace}`, async (before) => {
      if (!before && denied.isSpent(user.username)) throw new Refused(refusals.tooManyKeys())
      const value = await asked(roomFor(before, from), () => mayUse(user, namespace))
      if (!value) denied.spend(user.username)
      return { value, milliseconds: value ? leftOf(token) : badMilliseconds }
    })
    if (!isAllowed) throw new Refused(refusals.noRight(user.username, namespace))
    return user.username
  }
}

/** How long a valid token is remembered: never past its end, which a JWT states. */
function leftOf(token: string): number {
  try {
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    return typeof exp === 'number'
      ? Math.max(0, Math.min(goodMilliseconds, exp * 1000 - Date.now()))
      : goodMilliseconds
  } catch {
    // Not a JWT.
    return goodMilliseconds
  }
}

interface Timed<T> {
  readonly value: T
  readonly milliseconds: number
}

interface Answer<T> {
  until: number
  readonly value: Promise<T>
  /** The same, once it is known. */
  last: T | undefined
}

/**
 * Remembers answers for a time; the same question is asked once, with the answer before. A question that
 * fails is forgotten, but not the answer before.
 */
function answers<T>() {
  const known = new Map<string, Answer<T>>()
  return async (key: string, ask: (before: T | undefined) => Promise<Timed<T>>): Promise<T> => {
    const found = known.get(key)
    if (found && found.until > performance.now()) return found.value
    known.delete(key)
    const [oldest] = known.keys()
    if (known.size >= mostRemembered && oldest !== undefined) known.delete(oldest)
    const answer = ask(found?.last)
    const shared = answer.then(({ value }) => value)
    // Whoever asks first reports a failure; often nobody else waits for it.
    shared.catch(() => {})
    const entry: Answer<T> = { until: Number.POSITIVE_INFINITY, value: shared, last: undefined }
    known.set(key, entry)
    try {
      const { value, milliseconds } = await answer
      entry.until = performance.now() + milliseconds
      entry.last = value
      return value
    } catch (error) {
      const isOurs = known.get(key) === entry
      if (isOurs && found) known.set(key, found)
      else if (isOurs) known.delete(key)
      throw error
    }
  }
}

/** How many wrong keys each address may still send, or how many wrong namespaces each user. */
function budgets() {
  const spent = new Map<string, { count: number; at: number }>()
  const spentBy = (from: string): number => {
    const { count, at } = spent.get(from) ?? { count: 0, at: 0 }
    return Math.max(0, count - ((performance.now() - at) / 1000) * wrongPerSecond)
  }
  return {
    isSpent: (from: string): boolean => spentBy(from) >= wrongAtOnce,
    spend: (from: string): void => {
      const count = spentBy(from) + 1
      spent.delete(from)
      const [oldest] = spent.keys()
      if (spent.size >= mostRemembered && oldest !== undefined) spent.delete(oldest)
      spent.set(from, { count, at: performance.now() })
    },
  }
}
