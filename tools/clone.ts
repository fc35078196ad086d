import { type Access, accessFor, type Repository } from './gitaccess.ts'
import { fetchLargeFiles } from './gitlfs.ts'
import { clonedFault, type Wanted } from './gitwords.ts'
import { type Options, optional, required } from './options.ts'
import { fetchSubmodules } from './submodules.ts'

/**
 * Clones one commit of a Git repository into a folder, without its history, but with the large files of
 * Git LFS and with the submodules. tools/gitaccess.ts says where the credentials go.
 */

/** Where the Secret is mounted, unless --secret names another folder. */
const mounted = '/secrets/git'

/** The full reference to fetch, because a branch and a tag may have the same name. */
export const refOf = ({ branch, tag, commit }: Wanted): string =>
  branch ? `refs/heads/${branch}` : tag ? `refs/tags/${tag}` : (commit ?? 'HEAD')

async function checkOut(wanted: Wanted, into: string, access: Access): Promise<Repository> {
  const repository = { url: wanted.url, folder: into }
  const git = (...args: readonly string[]) => access.git(repository, ...args)
  const fault = (output: string) => access.fault(clonedFault(output, wanted, access.given))
  const must = async (...args: readonly string[]) => {
    const { code, output } = await git(...args)
    if (code !== 0) throw fault(output)
  }

  await must('init', '--quiet', '--initial-branch=main', '.')
  await must('remote', 'add', 'origin', wanted.url)
  const shallow = await git('fetch', '--depth=1', '--no-tags', 'origin', refOf(wanted))
  if (shallow.code === 0) {
    await must('checkout', '--quiet', '--detach', 'FETCH_HEAD')
    return repository
  }
  // Some servers do not serve a commit by its hash: then fetch the whole history.
  const byHash = wanted.commit !== undefined && !/Authentication|403|401/.test(shallow.output)
  if (!byHash) throw fault(shallow.output)
  await must('fetch', '--quiet', 'origin', '+refs/heads/*:refs/remotes/origin/*', '--tags')
  const found = await git('checkout', '--quiet', '--detach', wanted.commit ?? '')
  if (found.code !== 0) throw new Error(`${wanted.url} has no commit "${wanted.commit}"`)
  return repository
}

export async function main(options: Options): Promise<void> {
  const wanted: Wanted = {
    url: required(options, 'url'),
    branch: optional(options, 'branch'),
    tag: optional(options, 'tag'),
    commit: optional(options, 'commit'),
  }
  const access = accessFor(wanted.url, optional(options, 'secret') ?? mounted)
  const repository = await checkOut(wanted, required(options, 'into'), access)
  await fetchLargeFiles(repository, access)
  await fetchSubmodules(repository, access)
}
