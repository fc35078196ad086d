import { createHmac } from 'node:crypto'
import type { Reporting } from '../../hooks/progress/address.ts'
import { latestIn } from '../filewatch.ts'
import type { Log } from '../log.ts'
import { tokensIn } from '../token.ts'

/** Not the tokens themselves: what one of them signs never helps to guess it. */
const keyOf = (token: string): string =>
  createHmac('sha256', token).update('addresses of progress').digest('hex')

/** The keys of addresses, from the tokens of the hooks; the first one signs, each is accepted. */
export function keysFrom(file: string, log: Log) {
  const read = (from: string) => tokensIn(from).map(keyOf)
  return latestIn({ file, what: 'keys', of: 'the addresses of progress', read }, log)
}

/** What the hooks need to know; `keys` are never empty. */
export const reportingAt = (url: string, keys: () => readonly string[]) => (): Reporting => ({
  url,
  key: keys()[0] ?? '',
})
