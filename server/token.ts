import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { latestIn } from './filewatch.ts'
import type { Log } from './log.ts'

/** Whether an Authorization header holds a token that may ask the hooks. */
export type Guard = (authorization: string | undefined) => boolean

/** Digests are equally long, so that the comparison tells nothing of the length either. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** A function that says whether a text is one of the secrets. */
export function knows(secrets: readonly string[]): (given: string) => boolean {
  const known = secrets.map(digest)
  return (given) => {
    const asked = digest(given)
    // Every one is compared, so that the time tells nothing of which it was.
    return known.filter((secret) => timingSafeEqual(secret, asked)).length > 0
  }
}

export function guardOf(tokens: readonly string[]): Guard {
  const isKnown = knows(tokens)
  return (authorization) => {
    const given = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
    return given !== undefined && isKnown(given)
  }
}

/** One token a line. Two lines let callers change from one to the other without a refusal. */
export function tokensIn(file: string): readonly string[] {
  const tokens = readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
  if (!tokens.length) throw new Error(`${file}: holds no token: write one into it, one line each`)
  if (tokens.some((token) => /\s/.test(token)))
    throw new Error(`${file}: a token has no spaces: write one line for each`)
  return tokens
}

/** Asks for the tokens of a file, and for its new ones once it changes, as a mounted Secret does. */
export function guardFrom(file: string, log: Log): Guard & { readonly stop: () => void } {
  const read = (from: string) => guardOf(tokensIn(from))
  const { latest, stop } = latestIn({ file, what: 'tokens', of: 'the hooks', read }, log)
  return Object.assign((authorization: string | undefined) => latest()(authorization), { stop })
}
