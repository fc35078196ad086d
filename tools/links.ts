import { lstat, readlink } from 'node:fs/promises'
import { join, posix } from 'node:path'

/**
 * Resolves links as the container that created them would: its artifacts were in /content/artifacts,
 * and its other files are gone. Nothing outside the artifacts is ever read.
 */

const home = '/content/artifacts'

type Lead =
  | {
      readonly leads: 'inside'
      readonly path: string
      /** Whether the link works wherever the artifacts are mounted. */
      readonly portable: boolean
    }
  | { readonly leads: 'outside' | 'nowhere' | 'circle' }

/** The kernel's own limit. */
const maxLinks = 40

const partsOf = (path: string): readonly string[] => path.split('/').filter(Boolean)

/** A slash at the end requires a folder. */
const stepsOf = (target: string): readonly string[] => [
  ...partsOf(target),
  ...(target.endsWith('/') ? ['.'] : []),
]

const root = partsOf(home)

/** Where a link in the artifacts leads, with all further links resolved. */
export async function leadOf(folder: string, path: string, target: string): Promise<Lead> {
  let at = posix.isAbsolute(target) ? [] : [...root, ...partsOf(path).slice(0, -1)]
  let todo = stepsOf(target)
  let portable = !posix.isAbsolute(target)
  let links = 1
  const below = () =>
    root.every((name, index) => at[index] === name) ? at.slice(root.length) : undefined
  for (;;) {
    const [next, ...rest] = todo
    if (next === undefined) break
    todo = rest
    if (next === '.') continue
    at = next === '..' ? at.slice(0, -1) : [...at, next]
    const inside = below()
    if (!inside) portable = false
    if (!inside?.length || next === '..') continue
    const full = join(folder, ...inside)
    const found = await lstat(full).catch(() => undefined)
    if (!found || (!found.isDirectory() && !found.isSymbolicLink() && todo.length))
      return { leads: 'nowhere' }
    if (!found.isSymbolicLink()) continue
    if (++links > maxLinks) return { leads: 'circle' }
    const then = await readlink(full)
    todo = [...stepsOf(then), ...todo]
    at = posix.isAbsolute(then) ? [] : at.slice(0, -1)
  }
  const inside = below()
  return inside ? { leads: 'inside', path: inside.join('/'), portable } : { leads: 'outside' }
}

export interface Tree {
  readonly files: ReadonlySet<string>
  readonly folders: ReadonlySet<string>
  /** Each link, and the path inside the artifacts that it leads to. */
  readonly links: ReadonlyMap<string, string>
}

interface Followed {
  /** The path of a file through links, and the file's own path. */
  readonly path: string
  readonly file: string
}

/** The files that replace one link in a storage without links. */
interface Spread {
  readonly files: readonly Followed[]
  readonly circles: readonly string[]
}

/** The contents of every folder, so that a walk need not search the whole tree. */
export function contentsOf({
  files,
  folders,
  links,
}: Tree): ReadonlyMap<string, readonly string[]> {
  return Map.groupBy([...files, ...folders, ...links.keys()].sort(), (path) => {
    const parent = posix.dirname(path)
    return parent === '.' ? '' : parent
  })
}

/**
 * The files behind a link; for a folder, all files below it. A link to a folder that is being walked
 * is a cycle. Links to folders of links multiply, so a walk stops after `room` steps.
 */
export function spread(
  tree: Tree,
  contents: ReadonlyMap<string, readonly string[]>,
  link: string,
  room: number,
): Spread | undefined {
  const files: Followed[] = []
  const circles: string[] = []
  let steps = 0
  const walk = (real: string, path: string, around: readonly string[]): boolean => {
    if (++steps > room) return false
    if (tree.files.has(real)) {
      files.push({ path, file: real })
      return true
    }
    if (around.includes(real)) {
      circles.push(path)
      return true
    }
    const deeper = [...around, real]
    return (contents.get(real) ?? []).every((child) =>
      walk(tree.links.get(child) ?? child, posix.join(path, posix.basename(child)), deeper),
    )
  }
  const parents = partsOf(link)
    .slice(0, -1)
    .map((_, index, names) => names.slice(0, index + 1).join('/'))
  return walk(tree.links.get(link) ?? link, link, ['', ...parents]) ? { files, circles } : undefined
}
