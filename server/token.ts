import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { latestIn } from './filewatch.ts'
import type { Log } from './log.ts'

/** Whether an Authorization header contains a token that the hooks accept. */
export type Guard = (authorization: string | undefined) => boolean

/** Digests have the same length, so the comparison does not reveal the length of the secret. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Returns a function that tells whether a text is one of the secrets. */
export function isOneOf(secrets: readonly string[]): (given: string) => boolean {
  const digests = secrets.map(digest)
  return (given) => {
    const wanted = digest(given)
    // All secrets are compared, so the time does not reveal which one matched.
    return digests.filter((secret) => timingSafeEqual(secret, wanted)).length > 0
  }
}

export function guardOf(tokens: readonly string[]): Guard {
  const isAccepted = isOneOf(tokens)
  return (authorization) => {
    const given = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
    return given !== undefined && isAccepted(given)
  }
}

/** Reads one token per line. With two, clients can switch from one to the other without an error. */
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

/** Accepts the tokens of a file, and reads them again when it changes, as a mounted Secret does. */
export function guardFrom(file: string, log: Log): Guard & { readonly stop: () => void } {
  const read = (from: string) => guardOf(tokensIn(from))
  const { latest, stop } = latestIn({ file, what: 'tokens', of: 'the hooks', read }, log)
  return Object.assign((authorization: string | undefined) => latest()(authorization), { stop })
}
