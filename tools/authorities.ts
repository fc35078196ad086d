import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { unixLines } from './sshkey.ts'

/** Certificate authorities of private hosts, in addition to those that the system trusts. */

/** Debian's bundle. */
const system = '/etc/ssl/certs/ca-certificates.crt'

/** Writes a bundle that works for public and private hosts. */
export function authorityFile(path: string, authorities: string): string {
  const known = existsSync(system) ? readFileSync(system, 'utf8') : ''
  writeFileSync(path, `${known}\n${unixLines(authorities)}`)
  return path
}
