import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Server } from 'node:https'
import { follow } from './filewatch.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'

/** The files of a certificate and its key, PEM. */
export interface TlsFiles {
  readonly cert: string
  readonly key: string
}

interface Pair {
  readonly cert: string
  readonly key: string
}

export const pairIn = ({ cert, key }: TlsFiles): Pair => ({
  cert: readFileSync(cert, 'utf8'),
  key: readFileSync(key, 'utf8'),
})

const expiryOf = ({ cert }: Pair): number => Date.parse(new X509Certificate(cert).validTo) / 1000

/**
 * New connections use the new certificate as soon as the files change; open connections continue.
 * While only one of the two files has changed, the old pair stays in use.
 */
export function followCertificate(
  server: Server,
  files: TlsFiles,
  metrics: Metrics,
  log: Log,
): () => void {
  metrics.certificateExpiry.set(expiryOf(pairIn(files)))
  return follow([files.cert, files.key], () => {
    try {
      const pair = pairIn(files)
      const expiry = expiryOf(pair)
      server.setSecureContext(pair)
      metrics.certificateExpiry.set(expiry)
      log.info({ until: new Date(expiry * 1000).toISOString() }, 'took the changed certificate')
    } catch (error) {
      log.error({ err: error }, 'the changed certificate is unusable, the old one stays')
    }
  })
}
