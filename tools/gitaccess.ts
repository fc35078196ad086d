import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { authorityFile } from './authorities.ts'
import { originOf } from './gitwords.ts'
import { certificatesIn } from './network.ts'
import { type Ended, run } from './run.ts'
import { sshKeyOf, unixLines } from './sshkey.ts'

/**
 * How Git reaches a repository and what belongs to it. Credentials come from a Secret's files: username
 * and password, or ssh-privatekey and known_hosts; ca.crt is the server's CA.
 *
 * The credentials are sent only to the scheme, host and port of the URL that the user named. A server may
 * redirect anywhere, and a repository may have submodules and LFS files on any host. Git would ask for
 * credentials there too, but it gets none.
 */

/** The folder is a volume that root owns, which Git does not trust by default. */
export const trusted = ['-c', 'safe.directory=*'] as const

/** Parses a URL. The error does not repeat a URL that cannot be cloned: it may contain a password. */
export function addressOf(url: string): URL {
  const address = URL.canParse(url) ? new URL(url) : undefined
  // In the configuration of credentials, Git treats "*" in a host as any name.
  const isAddress = address && /^(https?|ssh):$/.test(address.protocol) && !/\*/.test(address.host)
  if (!isAddress)
    throw new Error(
      'build.git.url is not an address that can be cloned: write https://HOST/PATH or ssh://HOST/PATH',
    )
  // The user name of ssh:// is not secret: it is nearly always "git".
  if (address.password || (address.username && address.protocol !== 'ssh:'))
    throw new Error(
      'build.git.url must not hold credentials: put them into a Secret and name it in build.git.secretName',
    )
  return address
}

/** Git asks this program for the user name and the password; only the first line of each file is used. */
export const credentialHelper = (folder: string): string =>
  [
    '#!/bin/sh',
    `first() { head -n 1 '${folder}'/"$1" 2>/dev/null | tr -d '\\r\\n'; }`,
    `[ "$1" != get ] || printf 'username=%s\\npassword=%s\\n' "$(first username)" "$(first password)"`,
    '',
  ].join('\n')

/**
 * The empty value removes every other helper, and the second one is used only for this address.
 * Programs that Git starts, such as git-lfs, inherit both settings.
 */
export const credentialConfig = (address: URL, helper: string): readonly string[] => [
  '-c',
  'credential.helper=',
  '-c',
  `credential.${originOf(address.href)}.helper=${helper}`,
]

interface Credentials {
  /** The environment for a repository: the key of ssh is only for the named host. */
  readonly envFor: (url: string) => Readonly<Record<string, string | undefined>>
  readonly config: readonly string[]
  /** Every encoding in which a server could send the password back. */
  readonly hidden: readonly string[]
  readonly given: boolean
}

/** Git variables that the image may set: they could enable tracing, or accept any certificate. */
const inherited = (): Readonly<Record<string, undefined>> =>
  Object.fromEntries(
    Object.keys(process.env)
      .filter((name) => name.startsWith('GIT_'))
      .map((name) => [name, undefined]),
  )

/** The schemes that Git may use for a URL: what starts encrypted stays encrypted, even if redirected. */
const schemesFor = (url: string): string => {
  const scheme = originOf(url).split(':')[0] ?? ''
  return scheme === 'http' ? 'http:https' : scheme
}

/** The ssh options for the named host, and those for any other, which gets no key. */
function sshFor(home: string, knownHosts: string | undefined, privateKey: string | undefined) {
  const hosts = join(home, 'known_hosts')
  if (knownHosts) writeFileSync(hosts, unixLines(knownHosts))
  const ssh = ['ssh', '-o', 'BatchMode=yes', '-o', `UserKnownHostsFile=${hosts}`]
  if (privateKey === undefined) return { named: ssh.join(' '), other: ssh.join(' ') }
  // ssh refuses a key that others can read, and root owns the files of a Secret.
  const key = join(home, 'ssh-key')
  writeFileSync(key, sshKeyOf(privateKey), { mode: 0o600 })
  return {
    named: [...ssh, '-o', 'IdentitiesOnly=yes', '-i', key].join(' '),
    other: ssh.join(' '),
  }
}

/** The environment in which git finds the credentials. No argument or URL contains them. */
function credentials(secret: string, home: string, address: URL): Credentials {
  const has = (name: string) => existsSync(join(secret, name))
  const read = (name: string) => (has(name) ? readFileSync(join(secret, name), 'utf8') : undefined)
  const isSsh = address.protocol === 'ssh:'
  const ssh = sshFor(
    home,
    read('known_hosts') ?? process.env.GIT_KNOWN_HOSTS,
    isSsh ? read('ssh-privatekey') : undefined,
  )
  const authorities = [read('ca.crt') ?? process.env.GIT_CA_BUNDLE, certificatesIn(process.env)]
    .filter(Boolean)
    .join('\n')
  const env = {
    ...inherited(),
    GIT_TERMINAL_PROMPT: '0',
    // An empty value also disables core.askPass and SSH_ASKPASS, which would answer for any address.
    GIT_ASKPASS: '',
    GIT_CONFIG_NOSYSTEM: '1',
    // Errors are recognized by their English text.
    LC_ALL: 'C',
    ...(authorities && { GIT_SSL_CAINFO: authorityFile(join(home, 'ca.crt'), authorities) }),
  }
  const helper = join(home, 'git-credentials')
  const hasPassword = has('password') && !isSsh
  if (hasPassword) writeFileSync(helper, credentialHelper(secret), { mode: 0o700 })
  return {
    envFor: (url) => ({
      ...env,
      GIT_ALLOW_PROTOCOL: schemesFor(url),
      GIT_SSH_COMMAND: originOf(url) === originOf(address.href) ? ssh.named : ssh.other,
    }),
    config: hasPassword ? credentialConfig(address, helper) : ['-c', 'credential.helper='],
    hidden: hasPassword ? formsOf(read('username') ?? '', read('password') ?? '') : [],
    given: has('ssh-privatekey') || has('password'),
  }
}

function formsOf(username: string, password: string): readonly string[] {
  const [user, secret] = [username, password].map((text) => text.split(/[\r\n]/)[0] ?? '')
  if (!secret) return []
  return [Buffer.from(`${user}:${secret}`).toString('base64'), encodeURIComponent(secret), secret]
}

/** The server chooses the text after "remote:", and more people can read a log than a Secret. */
export const without = (hidden: readonly string[], text: string): string =>
  hidden.reduce((left, form) => left.replaceAll(form, '***'), text)

/** A repository in its folder. */
export interface Repository {
  readonly url: string
  readonly folder: string
}

export interface Access {
  /** The scheme, host and port that the credentials are for. */
  readonly named: string
  /** Whether there are credentials at all. */
  readonly given: boolean
  readonly git: (repository: Repository, ...args: readonly string[]) => Promise<Ended>
  /** The same, without logging. */
  readonly read: (repository: Repository, ...args: readonly string[]) => Promise<Ended>
  /** An error without the password, which a server may have sent back. */
  readonly fault: (message: string) => Error
}

/** Removes a folder inside a repository's Git folder. */
export async function removeFrom(
  repository: Repository,
  name: string,
  { read }: Access,
): Promise<void> {
  const { code, stdout } = await read(repository, 'rev-parse', '--git-path', name)
  if (code !== 0 || !stdout.trim()) return
  await rm(resolve(repository.folder, stdout.trim()), { recursive: true, force: true })
}

/** Git LFS files are fetched later, all at once, and not by a filter that the image configures. */
const withoutFilter = ['smudge=', 'process=', 'required=false'].flatMap((setting) => [
  '-c',
  `filter.lfs.${setting}`,
])

export function accessFor(url: string, secret: string): Access {
  const address = addressOf(url)
  const { envFor, config, hidden, given } = credentials(secret, process.env.HOME ?? '/tmp', address)
  const read: Access['read'] = (repository, ...args) => {
    const all = [...trusted, ...config, ...withoutFilter, '-C', repository.folder, ...args]
    return run('git', all, { env: envFor(repository.url), show: false })
  }
  return {
    named: originOf(url),
    given,
    read,
    git: async (...given) => {
      const ended = await read(...given)
      process.stderr.write(without(hidden, ended.output))
      return ended
    },
    fault: (message) => new Error(without(hidden, message)),
  }
}
