import { type Access, type Repository, removeFrom } from './gitaccess.ts'
import { messageLines, originOf, unreachableIn } from './gitwords.ts'

/**
 * Fetches the files that a repository stores with Git LFS: without this, the clone has only pointers to
 * them. git-lfs asks Git for credentials, which Git has only for the named address. To other hosts it
 * sends only the headers that the LFS server provides for them.
 */

/** git-lfs checks out nothing without its filter. */
const filter = [
  'filter.lfs.clean=git-lfs clean -- %f',
  'filter.lfs.smudge=git-lfs smudge -- %f',
  'filter.lfs.process=git-lfs filter-process',
  'filter.lfs.required=true',
  // The repository's own configuration may ask to keep pointers where a download fails.
  'lfs.skipdownloaderrors=false',
  'lfs.basictransfersonly=true',
].flatMap((setting) => ['-c', setting])

export async function fetchLargeFiles(repository: Repository, access: Access): Promise<void> {
  const { url } = repository
  const tracked = await access.read(repository, 'ls-files', ':(attr:filter=lfs)')
  if (!tracked.stdout) return
  const fail = (why: string) => access.fault(`${url} stores files with Git LFS, ${why}`)
  const unsafe = (await serversIn(repository, access)).find((server) => !isFetched(server, url))
  if (unsafe !== undefined) throw fail(`at "${unsafe}" by its .lfsconfig: only https:// is fetched`)
  if ((await access.read(repository, 'lfs', 'version')).code !== 0)
    throw fail('which this builder image cannot fetch, because it lacks git-lfs')
  const pulled = await access.git(repository, ...filter, 'lfs', 'pull', '--include=*', '--exclude=')
  if (pulled.code !== 0) throw fail(largeFault(pulled.output, access))
  // They are in the working tree now: a second copy would only fill the disk and the build's context.
  await removeFrom(repository, 'lfs', access)
}

const isFetched = (server: string, url: string): boolean =>
  server.startsWith('https://') || (server.startsWith('http://') && url.startsWith('http://'))

/** The LFS servers that the repository names, besides its own. */
async function serversIn(repository: Repository, access: Access): Promise<readonly string[]> {
  const urls = '^(lfs|remote\\..*)\\.(lfs)?url$'
  const args = ['config', '--file', '.lfsconfig', '--get-regexp', urls]
  const { stdout } = await access.read(repository, ...args)
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => line.replace(/^\S+ /, ''))
}

/** Lines in which git-lfs says what it was doing, not what went wrong. */
const about =
  /^(Check that it exists|Failed to fetch some objects|Downloading LFS objects|Errors? )/i

function largeFault(output: string, { named, given }: Access): string {
  const lines = messageLines(output)
    .filter((line) => line && !about.test(line))
    .map((line) => line.replace(/^(batch response|\[\d+\]): */, ''))
  const [, asking = ''] = /Git credentials for (\S+) not found/i.exec(output) ?? []
  const cause = unreachableIn(output) ?? lines.at(0) ?? 'without a stated reason'
  if (asking && originOf(asking) !== named)
    return `at ${originOf(asking)}, which asks for credentials; those of build.git.secretName are sent only to ${named}`
  if (asking || /Authorization error|Authentication required/i.test(output))
    return given
      ? 'and its server refuses the credentials of the Secret in build.git.secretName'
      : 'and its server asks for credentials: name a Secret in build.git.secretName'
  return `which cannot be fetched: ${cause}`
}
