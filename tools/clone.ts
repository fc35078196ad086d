import { chmodSync, copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Options, optional, required } from './options.ts'
import { lastLines, run } from './run.ts'

/**
 * Brings one commit of a Git repository to a folder, without its history. Credentials come from a
 * Secret's files: username and password, or ssh-privatekey and known_hosts; ca.crt signs its server.
 */

const secret = '/secrets/git'

/** The authorities that everybody trusts. */
const systemAuthorities = '/etc/ssl/certs/ca-certificates.crt'

interface Wanted {
  readonly url: string
  readonly branch?: string
  readonly tag?: string
  readonly commit?: string
}

/** The folder is a volume's, which belongs to root: Git would not trust it. */
export const trusted = ['-c', 'safe.directory=*'] as const

/** What is fetched: a full reference, so that a branch and a tag of one name are told apart. */
export const refOf = ({ branch, tag, commit }: Wanted): string =>
  branch ? `refs/heads/${branch}` : tag ? `refs/tags/${tag}` : (commit ?? 'HEAD')

/** Git asks this program for the user name and the password, in that order. */
export const askpass = (folder: string): string =>
  [
    '#!/bin/sh',
    `case "$1" in Username*) cat ${folder}/username;; *) cat ${folder}/password;; esac`,
    '',
  ].join('\n')

/** Git's own words → what the person who wrote the manifest can do. */
export function clonedFault(said: string, wanted: Wanted, hasSecret: boolean): string {
  const { url, branch, tag, commit } = wanted
  const what = branch ? `branch "${branch}"` : tag ? `tag "${tag}"` : `commit "${commit}"`
  if (/couldn't find remote ref|not our ref|unadvertised object|no such remote ref/i.test(said))
    return branch || tag || commit
      ? `${url} has no ${what}`
      : `${url} is empty: there is no commit to build`
  if (/REMOTE HOST IDENTIFICATION HAS CHANGED/i.test(said))
    return `${url}: the host has another key than known_hosts says: compare both with what the host publishes`
  if (/certificate verification failed|SSL certificate problem/i.test(said))
    return `${url}: its certificate cannot be trusted: put its authority's as ca.crt into the Secret, or ask the administrator for git.caBundle`
  if (/Host key verification failed/i.test(said))
    return `${url}: the host key is not known: put known_hosts into the Secret, or ask the administrator for git.knownHosts`
  if (
    /Authentication failed|could not read (Username|Password)|Permission denied|The requested URL returned error: 40[13]|terminal prompts disabled/i.test(
      said,
    )
  )
    return hasSecret
      ? `${url} refuses the credentials of the Secret in build.git.secretName`
      : `${url} asks for credentials: name a basic-auth or ssh-auth Secret in build.git.secretName`
  if (
    /repository .*not found|does not appear to be a git repository|returned error: 404/i.test(said)
  )
    return hasSecret
      ? `${url} does not exist, or the credentials of the Secret may not see it`
      : `${url} does not exist, or is private: then name a Secret in build.git.secretName`
  if (/Could not resolve host|Failed to connect|Connection (refused|timed out)/i.test(said))
    return `${url} cannot be reached: ${lastLines(said, 1).replace(/^fatal: /, '')}`
  return `${url} cannot be cloned: ${lastLines(said, 2)}`
}

interface Credentials {
  readonly env: Readonly<Record<string, string>>
  readonly given: boolean
}

/** The environment in which git finds the credentials; nothing of them is in an argument or a URL. */
function credentials(home: string): Credentials {
  const has = (name: string) => existsSync(join(secret, name))
  const knownHosts = has('known_hosts')
    ? readFileSync(join(secret, 'known_hosts'), 'utf8')
    : process.env.GIT_KNOWN_HOSTS
  const hosts = join(home, 'known_hosts')
  if (knownHosts) writeFileSync(hosts, `${knownHosts}\n`)
  const authorities = has('ca.crt')
    ? readFileSync(join(secret, 'ca.crt'), 'utf8')
    : process.env.GIT_CA_BUNDLE
  const ssh = ['ssh', '-o', 'BatchMode=yes', '-o', `UserKnownHostsFile=${hosts}`]
  const env: Record<string, string> = {
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: 'https:ssh:http',
    GIT_CONFIG_NOSYSTEM: '1',
  }
  if (authorities) {
    // Beside those of the system: one bundle serves public and private hosts.
    const bundle = join(home, 'ca.crt')
    const known = existsSync(systemAuthorities) ? readFileSync(systemAuthorities, 'utf8') : ''
    writeFileSync(bundle, `${known}\n${authorities}\n`)
    env.GIT_SSL_CAINFO = bundle
  }
  if (has('ssh-privatekey')) {
    // ssh refuses a key that others may read, and a Secret's file belongs to root.
    const key = join(home, 'ssh-key')
    copyFileSync(join(secret, 'ssh-privatekey'), key)
    chmodSync(key, 0o600)
    ssh.push('-o', 'IdentitiesOnly=yes', '-i', key)
  }
  if (has('password')) {
    const program = join(home, 'askpass')
    writeFileSync(program, askpass(secret), { mode: 0o700 })
    env.GIT_ASKPASS = program
  }
  return {
    env: { ...env, GIT_SSH_COMMAND: ssh.join(' ') },
    given: has('ssh-privatekey') || has('password'),
  }
}

export async function main(options: Options): Promise<void> {
  const wanted: Wanted = {
    url: required(options, 'url'),
    branch: optional(options, 'branch'),
    tag: optional(options, 'tag'),
    commit: optional(options, 'commit'),
  }
  const into = required(options, 'into')
  const { env, given } = credentials(process.env.HOME ?? '/tmp')
  const git = (...args: readonly string[]) => run('git', [...trusted, '-C', into, ...args], { env })
  const must = async (...args: readonly string[]) => {
    const { code, said } = await git(...args)
    if (code !== 0) throw new Error(clonedFault(said, wanted, given))
  }

  await must('init', '--quiet', '--initial-branch=main', '.')
  await must('remote', 'add', 'origin', wanted.url)
  const shallow = await git('fetch', '--depth=1', '--no-tags', 'origin', refOf(wanted))
  if (shallow.code === 0) return must('checkout', '--quiet', '--detach', 'FETCH_HEAD')
  // Not every server gives out a commit by its hash: then the history has it.
  const byHash = wanted.commit !== undefined && !/Authentication|403|401/.test(shallow.said)
  if (!byHash) throw new Error(clonedFault(shallow.said, wanted, given))
  await must('fetch', '--quiet', 'origin', '+refs/heads/*:refs/remotes/origin/*', '--tags')
  const found = await git('checkout', '--quiet', '--detach', wanted.commit ?? '')
  if (found.code !== 0) throw new Error(`${wanted.url} has no commit "${wanted.commit}"`)
}
