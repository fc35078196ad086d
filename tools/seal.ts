import { randomUUID } from 'node:crypto'
import { type BigIntStats, constants } from 'node:fs'
import { lstat, open, readdir, readlink, realpath, rename, rm, symlink } from 'node:fs/promises'
import { dirname, join, posix, relative, resolve } from 'node:path'
import { adapterIn } from './adapter.ts'
import { bucketEnv, persistently, rcloneFault, remoteOf } from './bucket.ts'
import { contentsOf, leadOf, spread, type Tree } from './links.ts'
import {
  digestOf,
  filesOf,
  hashOf,
  type Manifest,
  manifestName,
  type Sealed,
  shown,
} from './manifest.ts'
import { type Options, optional, required } from './options.ts'
import { byteCounter, reportRclone } from './progress.ts'
import { diskFull, finalError, report } from './report.ts'
import { run } from './run.ts'
import { type Source, sourceOf } from './source.ts'

/**
 * Seals artifacts: it writes a manifest with the size and sha256 of every file, last of all. Then it
 * removes the folders of older attempts, except those that are still in use.
 */

/** Lets the group read a file: libraries often write 0600, and other containers run as other users. */
async function readable(path: string, isFolder: boolean): Promise<void> {
  // O_NOFOLLOW, so that no link is followed; O_NONBLOCK, so that opening a pipe does not wait.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const file = await open(path, flags).catch(() => undefined)
  if (!file) return
  try {
    const mode = (await file.stat()).mode & 0o7777
    const wanted = mode | (isFolder ? 0o050 : 0o040)
    if (wanted !== mode) await file.chmod(wanted).catch(() => {})
  } finally {
    await file.close()
  }
}

/** How many times a file is read that keeps changing. */
const hashings = 3

const stateOf = (folder: string, path: string) => lstat(join(folder, path), { bigint: true })

const alike = (a: BigIntStats, b: BigIntStats): boolean =>
  a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs

async function sealed(
  folder: string,
  path: string,
  read: (bytes: number) => void,
): Promise<Sealed & { readonly bytes: number }> {
  await readable(join(folder, path), false)
  for (let left = hashings; left > 0; left -= 1) {
    const before = await stateOf(folder, path)
    const sha256 = await hashOf(folder, path, read)
    const after = await stateOf(folder, path)
    if (alike(before, after)) return { path, bytes: Number(after.size), sha256 }
    console.log(`${shown(path)} has changed while it was read`)
  }
  throw new Error(
    `${shown(path)} has changed each of the ${hashings} times that it was read: another program writes to it`,
  )
}

/**
 * Writes a file under another name, flushes and renames it, so that it is never incomplete. The other
 * name must not exist, because writing through a link would change a file elsewhere.
 */
async function writeLast(path: string, text: string): Promise<void> {
  const file = await open(`${path}.part`, 'wx', 0o644)
  await file.writeFile(text)
  await file.sync()
  await file.close()
  await rename(`${path}.part`, path)
}

/** STAGE/ATTEMPT: each attempt writes into its own folder below its stage's folder. */
const storagePath = /^(?:load|run)\/(?!\.{1,2}$)[^/]+$/

/** An attempt's folder is named by a hash; a folder with any other name is never removed. */
const attemptPath = /^(?:load|run)\/[0-9a-f]{16}$/

/** The folders of older attempts of the stage that are no longer in use. */
export const olderThan = (
  path: string,
  siblings: readonly string[],
  keep: readonly string[],
): readonly string[] =>
  siblings
    .filter(() => attemptPath.test(path))
    .map((name) => `${posix.dirname(path)}/${name}`)
    .filter((sibling) => attemptPath.test(sibling) && sibling !== path && !keep.includes(sibling))

interface Place {
  readonly storage: string
  /** STAGE/ATTEMPT. */
  readonly path: string
  readonly keep: readonly string[]
}

/** Where the artifacts are. Throws before it changes anything if that is not an attempt's folder. */
async function placeOf(
  artifacts: string,
  storage: string,
  keep: readonly string[],
): Promise<Place> {
  const path = relative(storage, artifacts)
  if (!storagePath.test(path))
    throw new Error(
      `--artifacts="${artifacts}" is not the folder of an attempt: it must be load/ATTEMPT or run/ATTEMPT below --storage="${storage}"`,
    )
  for (const used of keep)
    if (!storagePath.test(used))
      throw new Error(
        `--keep="${used}" is not the folder of an attempt: it must be load/ATTEMPT or run/ATTEMPT`,
      )
  const [whole, found] = await Promise.all([realpath(storage), realpath(artifacts)])
  if (found !== join(whole, path))
    throw new Error(
      `--artifacts="${artifacts}" leads to "${found}" through a link: nothing is sealed`,
    )
  return { storage: whole, path, keep }
}

async function removeOlder({ storage, path, keep }: Place) {
  const there = await readdir(join(storage, dirname(path)), { withFileTypes: true })
  const names = there.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  for (const older of olderThan(path, names, keep)) {
    // Files of another user may not be removable: that costs space, and nothing else.
    await rm(join(storage, older), { recursive: true, force: true }).then(
      () => console.log(`removed ${older}`),
      (error) => console.log(`cannot remove ${older}: ${error.message}`),
    )
  }
}

/** Called with each file, link or folder that is not sealed. */
type Omit = (name: string, why: string) => void

/** The first omission is reported, with the count; the others are only in the log. */
function omissions() {
  const all: string[] = []
  return {
    omit: (name: string, why: string): void => {
      const line = `${name} is left out: ${why}`
      console.log(line)
      all.push(line)
    },
    report: () => ({
      ...(all[0] !== undefined && { unsealed: { count: all.length, first: all[0].slice(0, 400) } }),
    }),
  }
}

const fate = {
  outside: 'outside of the artifacts',
  nowhere: 'nowhere',
  circle: 'in a circle',
} as const

/** Makes an absolute link relative: it works only if the artifacts are mounted at the same path. */
async function madeRelative(folder: string, link: string, path: string): Promise<string> {
  const target = posix.relative(posix.dirname(link), path) || '.'
  const full = join(folder, link)
  const beside = join(folder, posix.dirname(link), `.substratus-${randomUUID()}`)
  await symlink(target, beside)
  await rename(beside, full)
  console.log(`${shown(link)} links to ${shown(target)} now, which works wherever it is mounted`)
  return target
}

interface Link {
  readonly path: string
  readonly link: string
  /** The path that it leads to, if that is inside the artifacts. */
  readonly to?: string
}

async function linkAt(folder: string, path: string): Promise<Link> {
  const link = await readlink(join(folder, path))
  const lead = await leadOf(folder, path, link)
  if (lead.leads !== 'inside') {
    console.log(`${shown(path)} links to ${shown(link)}, which leads ${fate[lead.leads]}`)
    return { path, link }
  }
  if (lead.portable) return { path, link, to: lead.path }
  try {
    return { path, link: await madeRelative(folder, path, lead.path), to: lead.path }
  } catch (error) {
    console.log(`${shown(path)} stays an absolute link: ${(error as Error).message}`)
    return { path, link }
  }
}

interface Behind {
  /** The file, and its entry under the path through links. */
  readonly file: string
  readonly sealed: Sealed & { readonly bytes: number }
}

/**
 * The files that replace links in a storage without links, such as a bucket. Links to folders of links
 * multiply, so there is a limit: ten times the original, but at least a thousand files and a gibibyte.
 */
function followed(
  files: readonly (Sealed & { readonly bytes: number })[],
  folders: readonly string[],
  links: readonly Link[],
  omit: Omit,
): readonly Behind[] {
  const known = new Map(files.map((file) => [file.path, file]))
  const tree: Tree = {
    files: new Set(known.keys()),
    folders: new Set(folders),
    links: new Map(links.flatMap(({ path, to }) => (to === undefined ? [] : [[path, to]]))),
  }
  const contents = contentsOf(tree)
  const own = files.reduce((sum, { bytes }) => sum + bytes, 0)
  let room = 10 * (files.length + links.length) + 1000
  let bytes = Math.max(10 * own, 2 ** 30)
  return links.flatMap(({ path, to }) => {
    if (to === undefined) {
      omit(shown(path), 'a bucket cannot store links, and it leads to nothing inside the artifacts')
      return []
    }
    const found = spread(tree, contents, path, room)
    const added = (found?.files ?? []).flatMap((one): readonly Behind[] => {
      const file = known.get(one.file)
      return file ? [{ file: one.file, sealed: { ...file, path: one.path } }] : []
    })
    const size = added.reduce((sum, { sealed }) => sum + sealed.bytes, 0)
    if (!found || size > bytes) {
      omit(shown(path), 'following links to folders of links would store too many copies')
      return []
    }
    for (const circle of found.circles) omit(shown(circle), 'its link leads in a circle')
    room -= added.length
    bytes -= size
    return added.filter(({ sealed: { path } }) => {
      if (isListed(path)) return true
      omit(shown(path), 'its name cannot be written in a list of files')
      return false
    })
  })
}

/** Whether the kernel resolves a link as this code did: rclone will follow it by the kernel. */
async function arrives(
  folder: string,
  { file, sealed: { path } }: Behind,
  omit: Omit,
): Promise<boolean> {
  const [whole, found] = await Promise.all([
    realpath(folder),
    realpath(join(folder, path)).catch(() => ''),
  ])
  if (found === join(whole, file)) return true
  omit(shown(path), 'its link leads outside the artifacts')
  return false
}

/**
 * rclone uses the first of these characters for its own escapes, and cannot open a file with it in its
 * name. The second is what it sees in a name that is not UTF-8, which it would change while copying.
 */
const unreadable = ['‛', '\uFFFD'] as const

/** rclone reads a list of files, one per line, in which these characters mean something else. */
const isListed = (path: string): boolean => !/[\r\n␀／．‛\uFFFD]/.test(path)

interface Made {
  readonly manifest: Manifest
  /** The files that are reachable only through links. */
  readonly behindLinks: readonly string[]
  /** What could not be sealed, for the termination message. */
  readonly omitted: { readonly unsealed?: { readonly count: number; readonly first: string } }
}

/** A bucket has no folders, only files with a path. */
function omitEmpty({ files, folders, links }: Awaited<ReturnType<typeof filesOf>>, omit: Omit) {
  const full = new Set([...files, ...links, ...folders].map((path) => posix.dirname(path)))
  for (const folder of folders)
    if (!full.has(folder)) omit(shown(folder), 'a bucket cannot store an empty folder')
}

/** Of a file that is gone, reading it will say so. */
async function sizeOf(folder: string, files: readonly string[]): Promise<number> {
  let bytes = 0
  for (const file of files)
    bytes += (await lstat(join(folder, file)).catch(() => ({ size: 0 }))).size
  return bytes
}

/** With `follows`, for a storage without links, the manifest lists the files behind links instead. */
export async function seal(artifacts: string, follows = false): Promise<Made> {
  const { omit, report } = omissions()
  const path = join(artifacts, manifestName)
  // Remove anything with these names, even a folder, and only the link if it is one.
  for (const name of [path, `${path}.part`]) await rm(name, { recursive: true, force: true })
  const found = await filesOf(artifacts)
  for (const { name, why } of found.left) omit(name, why)
  if (follows) omitEmpty(found, omit)
  for (const folder of found.folders) await readable(join(artifacts, folder), true)
  const read = byteCounter(await sizeOf(artifacts, found.files))
  const files: Awaited<ReturnType<typeof sealed>>[] = []
  for (const file of found.files) {
    const char = follows && unreadable.find((one) => file.includes(one))
    if (char) omit(shown(file), `rclone cannot read "${char}"`)
    else files.push(await sealed(artifacts, file, read))
  }
  const links: Link[] = []
  for (const link of found.links) links.push(await linkAt(artifacts, link))
  const more: Sealed[] = follows ? [] : links.map(({ path, link }) => ({ path, link }))
  if (follows)
    for (const behind of followed(files, found.folders, links, omit))
      if (await arrives(artifacts, behind, omit)) more.push(behind.sealed)
  const entries = [...files, ...more].sort((a, b) => (a.path < b.path ? -1 : 1))
  if (!entries.length)
    throw finalError('nothing was written to /content/artifacts: there is no result to keep')
  const bytes = entries.reduce((sum, entry) => sum + ('bytes' in entry ? entry.bytes : 0), 0)
  const manifest: Manifest = { version: 1, digest: digestOf(entries), bytes, files: entries }
  await writeLast(path, `${JSON.stringify(manifest, null, 1)}\n`)
  return {
    manifest,
    behindLinks: follows ? more.map((file) => file.path) : [],
    omitted: report(),
  }
}

type Bucket = Extract<Source, { scheme: 's3' | 'gs' }>

function bucketOf(to: string): Bucket {
  const source = sourceOf(to)
  if (source.scheme !== 's3') throw new Error(`"${to}" is no s3:// address`)
  return source
}

/** Copies artifacts to a bucket, the manifest last, compares checksums, and removes older attempts. */
async function copyToBucket(
  { storage, path, keep }: Place,
  to: Bucket,
  behindLinks: readonly string[],
): Promise<void> {
  const rclone = async (args: readonly string[], input?: string) => {
    const env = bucketEnv('s3', process.env)
    const { code, output, stdout } = await run('rclone', args, { env, input, heard: reportRclone })
    if (code !== 0) throw new Error(rcloneFault(output, to))
    return stdout
  }
  const place = remoteOf(to)
  const there = `${place}/${path}`
  const artifacts = join(storage, path)
  // A bucket cannot store links: the files behind them are copied in their place, one by one.
  const [escapes, replaces] = unreadable
  const without = [
    `/${manifestName}`,
    `*${escapes}*`,
    `*${escapes}*/**`,
    // In a name that is not UTF-8, only a regular expression matches it.
    `{{.*${replaces}.*}}`,
  ]
  const plain = [...without.map((pattern) => `--exclude=${pattern}`), '--skip-links']
  const linked = ['--files-from-raw', '-', '--copy-links']
  const list = behindLinks.map((file) => `${file}\n`).join('')
  const flags = ['--checksum', ...persistently]
  await rclone(['copy', artifacts, there, ...plain, ...flags])
  if (list) await rclone(['copy', artifacts, there, ...linked, ...flags], list)
  await rclone(['check', artifacts, there, ...plain, '--one-way'])
  if (list) await rclone(['check', artifacts, there, ...linked, '--one-way'], list)
  await rclone(['copyto', join(artifacts, manifestName), `${there}/${manifestName}`, '--checksum'])

  const stage = posix.dirname(path)
  const names = (await rclone(['lsf', '--dirs-only', `${place}/${stage}`]))
    .split('\n')
    .map((name) => name.replace(/\/$/, ''))
  for (const older of olderThan(path, names, keep)) {
    // The new attempt is complete: an older one that cannot be removed only costs space.
    await rclone(['purge', `${place}/${older}`]).then(
      () => console.log(`removed ${older}`),
      (error) => console.log(`cannot remove ${older}: ${error.message}`),
    )
  }
}

export async function main(options: Options): Promise<void> {
  try {
    await sealAndReport(options)
  } catch (error) {
    // A full disk does not grow by itself.
    throw (error as NodeJS.ErrnoException).code === 'ENOSPC' ? finalError(diskFull) : error
  }
}

/** Seals artifacts, and reports the result, with what the caller adds. */
export async function sealAndReport(options: Options, more: object = {}): Promise<void> {
  const artifacts = resolve(required(options, 'artifacts'))
  const storage = resolve(required(options, 'storage'))
  const to = optional(options, 'to')
  const bucket = to === undefined ? undefined : bucketOf(to)
  const place = await placeOf(artifacts, storage, options.keep ?? [])
  const { manifest, behindLinks, omitted } = await seal(artifacts, bucket !== undefined)
  const { digest, bytes, files } = manifest
  console.log(`${files.length} files, ${bytes} bytes`)
  const adapter = await adapterIn(
    artifacts,
    files.map(({ path }) => path),
  )
  if (bucket) await copyToBucket(place, bucket, behindLinks)
  else await removeOlder(place)
  report({ digest, bytes, ...omitted, ...(adapter && { adapter }), ...more })
}
