import { gitUrl } from '../../platform/node/addresses.ts'
import { apply, get, manifest } from '../cluster/cluster.ts'
import { git } from '../git.ts'
import { repositoryOf, untilSays } from './realnode.ts'

/** Commits a folder as the only commit of a new repository. */
function commitFolder(name: string, folder: string) {
  git(folder, 'init', '--quiet', '--initial-branch=main')
  // Includes files that a .gitignore in it would exclude.
  git(folder, 'add', '--all', '--force')
  git(folder, 'commit', '--quiet', '--message', name)
  git(folder, 'push', '--quiet', repositoryOf(name), 'main')
  return { url: `${gitUrl}/${name}.git`, commit: git(folder, 'rev-parse', 'HEAD') }
}

/** Builds an image from a folder with the project's own builder, as a Model that is its image. */
export async function imageOfFolder(
  namespace: string,
  name: string,
  folder: string,
  args?: Readonly<Record<string, string>>,
) {
  const { url, commit } = commitFolder(`${namespace}/${name}`, folder)
  await apply(
    namespace,
    manifest('Model', name, { build: { git: { url }, ...(args && { args }) } }),
  )
  await untilSays(namespace, `model/${name}`, 'True Done: the image is the model', 280)
  const { status } = await get(namespace, `model/${name}`)
  return { url, commit, image: String(status.artifacts.image) }
}
