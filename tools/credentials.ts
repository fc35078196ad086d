import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Credentials for registries: the push credentials are in ~/.docker/config.json, and pull-only ones are
 * files in /secrets/registry, one for each Secret.
 */

export interface DockerConfig {
  readonly auths?: Readonly<Record<string, Auth>>
}

interface Auth {
  readonly auth?: string
  readonly username?: string
  readonly password?: string
}

interface Entry {
  /** The name in a Docker configuration. */
  readonly host: string
  /** The kubelet also allows a name with the beginning of a repository's path. */
  readonly path: string
  /** `user:password` in base64. */
  readonly basic: string
}

const hub = 'https://index.docker.io/v1/'
const hubHosts = ['registry-1.docker.io', 'index.docker.io', 'docker.io']

function entryOf([name, { auth, username, password }]: [string, Auth]): readonly Entry[] {
  const [host = '', ...path] = name.replace(/^https?:\/\//, '').split('/')
  const pair = username && password ? `${username}:${password}` : undefined
  const basic = auth || (pair && Buffer.from(pair).toString('base64'))
  const isWhole = /^v[12]$/.test(path[0] ?? '')
  return basic ? [{ host, path: isWhole ? '' : path.filter(Boolean).join('/'), basic }] : []
}

const entriesOf = ({ auths }: DockerConfig): readonly Entry[] =>
  Object.entries(auths ?? {}).flatMap(entryOf)

/** A `*` stands for part of a host's name, as in the kubelet. */
function isHost(entry: Entry, host: string): boolean {
  if (hubHosts.includes(host)) return hubHosts.includes(entry.host)
  const parts = entry.host.split('*').map((part) => part.replaceAll(/[^A-Za-z0-9]/g, '\\$&'))
  return new RegExp(`^${parts.join('[^.]*')}$`).test(host)
}

/** The Basic credentials of a host. */
export const basicOf = (config: DockerConfig, host: string): string | undefined =>
  entriesOf(config).find((entry) => isHost(entry, host))?.basic

/** All credentials that may read a repository, the most specific first, the push credentials last. */
export function readersOf(
  { push, pull }: Credentials,
  host: string,
  repository: string,
): readonly string[] {
  const isAbove = ({ path }: Entry) => !path || `${repository}/`.startsWith(`${path}/`)
  const readers = pull
    .flatMap(entriesOf)
    .filter((entry) => isHost(entry, host) && isAbove(entry))
    .sort((a, b) => b.path.length - a.path.length)
    .map(({ basic }) => basic)
  const pusher = basicOf(push, host)
  return [...new Set([...readers, ...(pusher ? [pusher] : [])])]
}

/**
 * One Docker configuration for BuildKit, which uses one pair of credentials per host. The push
 * credentials take precedence, and everything else in their configuration is retained.
 */
export function mergedConfig({ push, pull }: Credentials): DockerConfig {
  const pushed = Object.entries(push.auths ?? {}).map(([name]) => entryOf([name, { auth: '-' }])[0])
  const isPushed = ({ host }: Entry) => pushed.some((entry) => entry && isHost(entry, host))
  const readers = pull
    .flatMap(entriesOf)
    .filter((entry) => !entry.host.includes('*') && !isPushed(entry))
    .sort((a, b) => a.path.length - b.path.length)
  const auths: Record<string, Auth> = {}
  for (const { host, basic } of readers)
    auths[hubHosts.includes(host) ? hub : host] ??= { auth: basic }
  return { ...push, auths: { ...auths, ...push.auths } }
}

export interface Credentials {
  readonly push: DockerConfig
  readonly pull: readonly DockerConfig[]
}

function readConfig(file: string): DockerConfig {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) ?? {}
  } catch {
    return {}
  }
}

type Env = Readonly<Record<string, string | undefined>>

/** The files of this process, whose contents are removed from what it prints. */
export function credentialFiles(env: Env): {
  readonly push: string
  readonly pull: readonly string[]
} {
  const folder = env.REGISTRY_SECRETS ?? '/secrets/registry'
  const push = join(env.DOCKER_CONFIG ?? join(env.HOME ?? '/', '.docker'), 'config.json')
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith('.json'))
    return { push, pull: names.sort().map((name) => join(folder, name)) }
  } catch {
    return { push, pull: [] }
  }
}

export function credentialsIn(env: Env): Credentials {
  const { push, pull } = credentialFiles(env)
  return { push: readConfig(push), pull: pull.map(readConfig) }
}

/** Writes the configuration for BuildKit; returns its folder, for DOCKER_CONFIG. */
export function writeMerged(env: Env): string {
  const folder = join(env.HOME ?? '/home/build', 'docker')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const merged = mergedConfig(credentialsIn(env))
  writeFileSync(join(folder, 'config.json'), JSON.stringify(merged), { mode: 0o600 })
  return folder
}
