import { join } from 'node:path'
import { type Access, type Repository, removeFrom } from './gitaccess.ts'
import { fetchLargeFiles } from './gitlfs.ts'
import { clonedFault, originOf } from './gitwords.ts'

/**
 * Fetches the submodules of a repository, recursively. Git could do that itself, but each is on a host
 * that the repository chooses: the scheme is checked, and only the named host gets credentials.
 */

/** A repository with ten submodules, each with ten others, could go on for ever. */
const most = 500

interface Submodule {
  readonly path: string
  /** Relative to the clone, for messages. */
  readonly shown: string
  readonly commit: string
  readonly inside: Repository
}

export async function fetchSubmodules(clone: Repository, access: Access): Promise<void> {
  const fail = ({ shown }: Pick<Submodule, 'shown'>, why: string) =>
    access.fault(`submodule "${shown}" of ${clone.url} ${why}`)
  const todo = [...(await submodulesOf({ inside: clone, shown: '' }, access))]
  for (let count = 1; ; count++) {
    const next = todo.shift()
    if (!next) return
    if (count > most) throw fail(next, `is one of more than ${most}: they are not fetched`)
    const address = await addressIn(next, access, fail)
    await fetchOne(next, address, access, fail)
    const repository = { url: address.url, folder: join(next.inside.folder, next.path) }
    await fetchLargeFiles(repository, access)
    todo.push(...(await submodulesOf({ inside: repository, shown: next.shown }, access)))
  }
}

type Fail = (submodule: Submodule, why: string) => Error

async function submodulesOf(
  { inside, shown }: Pick<Submodule, 'inside' | 'shown'>,
  access: Access,
): Promise<readonly Submodule[]> {
  const { code, stdout, output } = await access.read(inside, 'submodule', 'status')
  if (code !== 0) {
    const [, path] = /no submodule mapping found in \.gitmodules for path '(.*)'/.exec(output) ?? []
    throw access.fault(
      `${inside.url} has a submodule at "${path ?? ''}" whose address its .gitmodules does not name`,
    )
  }
  return [...stdout.matchAll(/^[-+ U]([0-9a-f]+) (.*)$/gm)].map(
    ([, commit = '', path = '']): Submodule => ({ path, shown: join(shown, path), commit, inside }),
  )
}

interface Address {
  readonly url: string
  /** The submodule's name: Git has refused any that leads out of its folder. */
  readonly name: string
}

/** The URL of a submodule, with "../" resolved by Git. */
async function addressIn(submodule: Submodule, access: Access, fail: Fail): Promise<Address> {
  const { inside, path } = submodule
  await access.git(inside, 'submodule', 'init', '--', path)
  const args = ['config', '--file', '.gitmodules', '-z', '--get-regexp', '^submodule\\..*\\.path$']
  const { stdout } = await access.read(inside, ...args)
  const [, name = ''] =
    stdout
      .split('\0')
      .map((entry) => /^submodule\.(.*)\.path\n(.*)$/s.exec(entry))
      .find((entry) => entry?.[2]?.replace(/\/+$/, '') === path) ?? []
  const url = (await access.read(inside, 'config', `submodule.${name}.url`)).stdout.trim()
  if (!url) throw fail(submodule, 'has no address in .gitmodules')
  if (URL.canParse(url) && new URL(url).password)
    throw fail(submodule, 'has credentials in its address: they are not sent')
  const scheme = originOf(url).split(':')[0] ?? ''
  const isPlain = scheme === 'http' && inside.url.startsWith('http:')
  if (!isPlain && !['https', 'ssh'].includes(scheme))
    throw fail(submodule, `is at "${url}": only https:// and ssh:// are fetched`)
  return { url, name }
}

async function fetchOne(
  submodule: Submodule,
  { url, name }: Address,
  access: Access,
  fail: Fail,
): Promise<void> {
  const { inside, path, commit } = submodule
  const update = (...depth: readonly string[]) =>
    // The URL decides which credentials ssh gets.
    access.git(
      { url, folder: inside.folder },
      ...['submodule', 'update', '--checkout', ...depth, '--', path],
    )
  if ((await update('--depth=1')).code === 0) return
  // Some servers do not serve a commit by its hash: then fetch the whole history.
  await access.git(inside, 'submodule', 'deinit', '--force', '--', path)
  await removeFrom(inside, `modules/${name}`, access)
  await access.git(inside, 'submodule', 'init', '--', path)
  const { code, output } = await update()
  if (code === 0) return
  const isNamed = originOf(url) === access.named
  const why = clonedFault(output, { url, commit }, access.given && isNamed)
  const asksOthers = !isNamed && access.given && /asks for credentials|is private/.test(why)
  throw fail(
    submodule,
    asksOthers
      ? `is at ${originOf(url)}, which asks for credentials; those of build.git.secretName are sent only to ${access.named}`
      : `cannot be fetched: ${why}`,
  )
}
