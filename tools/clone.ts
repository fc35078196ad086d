import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageLines, unreachableIn } from './gitwords.ts'
import { type Options, optional, required } from './options.ts'
import { run } from './run.ts'
import { sshKeyOf, unixLines } from './sshkey.ts'

/**
 * Clones one commit of a Git repository into a folder, without its history. Credentials come from a
 * Secret's files: username and password, or ssh-privatekey and known_hosts; ca.crt is the server's CA.
 *
 * The user name and password are sent only to the scheme, host and port of the URL. A server may
 * redirect anywhere, and Git would ask for credentials there too, but it gets none.
 */

/** Where the Secret is mounted, unless --secret names another folder. */
const mounted = '/secrets/git'

/** The certificate authorities that the system trusts. */
const systemAuthorities = '/etc/ssl/certs/ca-certificates.crt'

interface Wanted {
  readonly url: string
  readonly branch?: string
  readonly tag?: string
  readonly commit?: string
}

/** The folder is a volume that root owns, which Git does not trust by default. */
export const trusted = ['-c', 'safe.directory=*'] as const

/** The full reference to fetch, because a branch and a tag may have the same name. */
export const refOf = ({ branch, tag, commit }: Wanted): string =>
  branch ? `refs/heads/${branch}` : tag ? `refs/tags/${tag}` : (commit ?? 'HEAD')

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

const originOf = ({ protocol, host }: URL): string => `${protocol}//${host}`

/** Git asks this program for the user name and the password; only the first line of each file is used. */
export const credentialHelper = (folder: string): string =>
  [
    '#!/bin/sh',
    `first() { head -n 1 '${folder}'/"$1" 2>/dev/null | tr -d '\\r\\n'; }`,
    `[ "$1" != get ] || printf 'username=%s\\npassword=%s\\n' "$(first username)" "$(first password)"`,
    '',
  ].join('\n')

/**
 * The empty value removes every other helper, and the second helper is used only for this address.
 * Programs that Git starts, such as git-lfs if the image has it, inherit both settings.
 */
export const credentialConfig = (address: URL, helper: string): readonly string[] => [
  '-c',
  'credential.helper=',
  '-c',
  `credential.${originOf(address)}.helper=${helper}`,
]

/** Turns Git's error into what the author of the manifest can do about it. */
export function clonedFault(output: string, wanted: Wanted, hasSecret: boolean): string {
  const { url, branch, tag, commit } = wanted
  const what = branch ? `branch "${branch}"` : tag ? `tag "${tag}"` : `commit "${commit}"`
  if (/couldn't find remote ref|not our ref|unadvertised object|no such remote ref/i.test(output))
    return branch || tag || commit
      ? `${url} has no ${what}`
      : `${url} is empty: there is no commit to build`
  if (/REMOTE HOST IDENTIFICATION HAS CHANGED/i.test(output))
    return `${url}: the host has another key than known_hosts says: compare both with what the host publishes`
  if (/certificate verification failed|SSL certificate problem/i.test(output))
    return `${url}: its certificate cannot be trusted: put its authority's as ca.crt into the Secret, or ask the administrator for git.caBundle`
  if (/Host key verification failed/i.test(output))
    return `${url}: the host key is not known: put known_hosts into the Secret, or ask the administrator for git.knownHosts`
  const [, asking = ''] = /could not read (?:Username|Password) for '([^']+)'/i.exec(output) ?? []
  const elsewhere = URL.canParse(asking) ? originOf(new URL(asking)) : ''
  const named = originOf(new URL(url))
  if (elsewhere && elsewhere !== named)
    return `${url} redirects to ${elsewhere}, which asks for credentials; those of build.git.secretName are sent only to ${named}: if you trust the new address, write it in build.git.url`
  if (/protocol "?http"? (not supported|disabled)/i.test(output))
    return `${url} redirects to plain http://, where nothing protects what is cloned: write the address it has moved to in build.git.url`
  const [, unreadable] = /^Load key "[^"]*": (.*)$/m.exec(output) ?? []
  if (unreadable && hasSecret)
    return `${url}: ssh cannot read ssh-privatekey in the Secret of build.git.secretName: ${unreadable.trim()}`
  if (
    /Authentication failed|could not read (Username|Password)|Permission denied|Too many authentication failures|The requested URL returned error: 40[13]|terminal prompts disabled/i.test(
      output,
    )
  )
    return hasSecret
      ? `${url} refuses the credentials of the Secret in build.git.secretName`
      : `${url} asks for credentials: name a basic-auth or ssh-auth Secret in build.git.secretName`
  if (
    /repository .*not found|project .*could not be found|does not appear to be a git repository|returned error: 404/i.test(
      output,
    )
  )
    return hasSecret
      ? `${url} does not exist, or the credentials of the Secret may not see it`
      : `${url} does not exist, or is private: then name a Secret in build.git.secretName`
  const cause = unreachableIn(output)
  if (cause) return `${url} cannot be reached: ${cause}`
  return `${url} cannot be cloned: ${messageLines(output).slice(-2).join('\n')}`
}

interface Credentials {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly config: readonly string[]
  /** Every encoding in which a server could send the password back. */
  readonly hidden: readonly string[]
  readonly given: boolean
}

/** Git variables that the image may set: they could enable traces, or accept any certificate. */
const inherited = (): Readonly<Record<string, undefined>> =>
  Object.fromEntries(
    Object.keys(process.env)
      .filter((name) => name.startsWith('GIT_'))
      .map((name) => [name, undefined]),
  )

/** The environment in which git finds the credentials. No argument or URL contains them. */
function credentials(secret: string, home: string, address: URL): Credentials {
  const has = (name: string) => existsSync(join(secret, name))
  const read = (name: string) => (has(name) ? readFileSync(join(secret, name), 'utf8') : undefined)
  const knownHosts = read('known_hosts') ?? process.env.GIT_KNOWN_HOSTS
  const hosts = join(home, 'known_hosts')
  if (knownHosts) writeFileSync(hosts, unixLines(knownHosts))
  const authorities = read('ca.crt') ?? process.env.GIT_CA_BUNDLE
  const ssh = ['ssh', '-o', 'BatchMode=yes', '-o', `UserKnownHostsFile=${hosts}`]
  const env: Record<string, string | undefined> = {
    ...inherited(),
    GIT_TERMINAL_PROMPT: '0',
    // Empty, it also disables core.askPass and SSH_ASKPASS, which would answer for any address.
    GIT_ASKPASS: '',
    // Also for redirects: a clone that starts encrypted stays encrypted.
    GIT_ALLOW_PROTOCOL: address.protocol === 'http:' ? 'http:https' : address.protocol.slice(0, -1),
    GIT_CONFIG_NOSYSTEM: '1',
    // Faults are known by their English words.
    LC_ALL: 'C',
  }
  if (authorities) {
    // Added to the system's authorities, so that one bundle works for public and private hosts.
    const bundle = join(home, 'ca.crt')
    const known = existsSync(systemAuthorities) ? readFileSync(systemAuthorities, 'utf8') : ''
    writeFileSync(bundle, `${known}\n${unixLines(authorities)}`)
    env.GIT_SSL_CAINFO = bundle
  }
  const privateKey = address.protocol === 'ssh:' ? read('ssh-privatekey') : undefined
  if (privateKey !== undefined) {
    // ssh refuses a key that others can read, and root owns the files of a Secret.
    const key = join(home, 'ssh-key')
    writeFileSync(key, sshKeyOf(privateKey), { mode: 0o600 })
    ssh.push('-o', 'IdentitiesOnly=yes', '-i', key)
  }
  const helper = join(home, 'git-credentials')
  const hasPassword = has('password') && address.protocol !== 'ssh:'
  if (hasPassword) writeFileSync(helper, credentialHelper(secret), { mode: 0o700 })
  return {
    env: { ...env, GIT_SSH_COMMAND: ssh.join(' ') },
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

export async function main(options: Options): Promise<void> {
  const wanted: Wanted = {
    url: required(options, 'url'),
    branch: optional(options, 'branch'),
    tag: optional(options, 'tag'),
    commit: optional(options, 'commit'),
  }
  const into = required(options, 'into')
  const secret = optional(options, 'secret') ?? mounted
  const home = process.env.HOME ?? '/tmp'
  const { env, config, hidden, given } = credentials(secret, home, addressOf(wanted.url))
  const git = async (...args: readonly string[]) => {
    const all = [...trusted, ...config, '-C', into, ...args]
    const ended = await run('git', all, { env, show: false })
    process.stderr.write(without(hidden, ended.output))
    return ended
  }
  const fault = (output: string) => new Error(without(hidden, clonedFault(output, wanted, given)))
  const must = async (...args: readonly string[]) => {
    const { code, output } = await git(...args)
    if (code !== 0) throw fault(output)
  }

  await must('init', '--quiet', '--initial-branch=main', '.')
  await must('remote', 'add', 'origin', wanted.url)
  const shallow = await git('fetch', '--depth=1', '--no-tags', 'origin', refOf(wanted))
  if (shallow.code === 0) return must('checkout', '--quiet', '--detach', 'FETCH_HEAD')
  // Some servers do not serve a commit by its hash: then fetch the whole history.
  const byHash = wanted.commit !== undefined && !/Authentication|403|401/.test(shallow.output)
  if (!byHash) throw fault(shallow.output)
  await must('fetch', '--quiet', 'origin', '+refs/heads/*:refs/remotes/origin/*', '--tags')
  const found = await git('checkout', '--quiet', '--detach', wanted.commit ?? '')
  if (found.code !== 0) throw new Error(`${wanted.url} has no commit "${wanted.commit}"`)
}
