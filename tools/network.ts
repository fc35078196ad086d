import { rmSync } from 'node:fs'
import * as http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tls from 'node:tls'
import { authorityFile } from './authorities.ts'

/**
 * The network as spec.env describes it, or builder.env in the configuration for the programs that have
 * the push credentials: proxies under the usual names, and private CAs in CA_CERTIFICATES, as PEM. Each
 * program that the tools start has its own variables for both.
 */

const proxyNames = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'ALL_PROXY'] as const

/**
 * The variables of Go, OpenSSL, Python, curl, Git and rclone that name a CA bundle. Not AWS_CA_BUNDLE,
 * with which rclone does not start.
 */
const authorities = [
  'SSL_CERT_FILE',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'RCLONE_CA_CERT',
  'GIT_SSL_CAINFO',
  'NODE_EXTRA_CA_CERTS',
] as const

/** Where the variables come from, for messages. */
export type Origin = 'spec.env' | 'builder.env of the configuration'

/** What a message says about a server whose certificate cannot be verified. */
export const untrustedBy = (origin: Origin): string =>
  `its certificate is not trusted: if it comes from a private CA, set CA_CERTIFICATES in ${origin}`
export const untrusted = untrustedBy('spec.env')

/** The codes of OpenSSL and Node for a certificate that does not verify. */
export const isUntrusted = ({ code = '' }: NodeJS.ErrnoException): boolean =>
  /^(CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_(GET_ISSUER|VERIFY)|ERR_TLS_CERT_ALTNAME)/.test(code)

type Env = Readonly<Record<string, string | undefined>>

/** Both spellings: curl reads http_proxy only in lower case, other programs only in capitals. */
export function proxyEnv(env: Env): Readonly<Record<string, string>> {
  const all = proxyNames.flatMap((name): [string, string][] => {
    const lower = name.toLowerCase()
    const value = (env[lower] || env[name])?.trim()
    return value
      ? [
          [name, value],
          [lower, value],
        ]
      : []
  })
  return Object.fromEntries(all)
}

/** The text that OpenSSL writes between and around certificates is left out. */
const certificate = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

/** The certificates of CA_CERTIFICATES; undefined if it is not set. */
export function certificatesIn(env: Env, origin: Origin = 'spec.env'): string | undefined {
  const given = env.CA_CERTIFICATES?.trim()
  if (!given) return undefined
  const found = given.match(certificate)
  if (found) return found.join('\n')
  throw new Error(
    `CA_CERTIFICATES in ${origin} contains no certificate: set it to the PEM text (-----BEGIN CERTIFICATE-----…), from a Secret or a ConfigMap`,
  )
}

/** Prepares this process and those that it will start. */
export function useNetwork(origin: Origin, env: NodeJS.ProcessEnv = process.env): void {
  const proxies = proxyEnv(env)
  Object.assign(env, proxies)
  // Node.js itself uses proxies only when it is told to.
  if (Object.keys(proxies).length) http.setGlobalProxyFromEnv(proxies)
  const given = certificatesIn(env, origin)
  if (!given) return
  const file = authorityFile(join(tmpdir(), `authorities-${process.pid}.crt`), given)
  process.on('exit', () => rmSync(file, { force: true }))
  for (const name of authorities) env[name] = file
  // The hub's faster protocol has a client of its own, which trusts only public CAs.
  env.HF_HUB_DISABLE_XET ??= '1'
  const added = given.match(certificate) ?? []
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), ...added])
}
