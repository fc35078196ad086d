import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, lstat, open, readdir, readlink, rename, rm } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { digestOf, filesOf, type Manifest, manifestName, type Sealed } from './manifest.ts'
import { type Options, optional, required } from './options.ts'
import { report } from './report.ts'

/**
 * Makes artifacts whole: sizes and sha256 of every file in a manifest that is written last. Then
 * the trees of older attempts go, but the one that others still use.
 */

const hashOf = async (path: string): Promise<string> => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash)
  return hash.digest('hex')
}

/** What others run as another user reads by its group: 0600, as libraries like to write, is opened. */
async function readable(path: string, mode: number, isFolder: boolean): Promise<void> {
  const wanted = mode | (isFolder ? 0o050 : 0o040)
  if (wanted !== mode) await chmod(path, wanted).catch(() => {})
}

async function sealed(folder: string, path: string): Promise<Sealed> {
  const full = join(folder, path)
  const found = await lstat(full)
  if (found.isSymbolicLink()) return { path, link: await readlink(full) }
  if (!found.isFile()) throw new Error(`${path} is neither a file, a folder nor a link`)
  await readable(full, found.mode & 0o7777, false)
  return { path, bytes: found.size, sha256: await hashOf(full) }
}

/** Written under another name, flushed and renamed: it is there whole, or not at all. */
async function writeLast(path: string, text: string): Promise<void> {
  const file = await open(`${path}.part`, 'w', 0o644)
  await file.writeFile(text)
  await file.sync()
  await file.close()
  await rename(`${path}.part`, path)
}

/** Which folders beside an attempt's are of older ones, and used by nobody. */
export const olderThan = (
  attempt: string,
  siblings: readonly string[],
  keep: string | undefined,
): readonly string[] => siblings.filter((name) => name !== attempt && name !== keep)

async function removeOlder(artifacts: string, storage: string, keep: string | undefined) {
  const stage = dirname(artifacts)
  const kept = keep && relative(stage, resolve(storage, keep))
  const older = olderThan(relative(stage, artifacts), await readdir(stage), kept)
  for (const name of older) {
    // Another user's files may not be ours to remove: room is lost then, and nothing else.
    await rm(join(stage, name), { recursive: true, force: true }).then(
      () => console.log(`removed ${name}`),
      (error) => console.log(`cannot remove ${name}: ${error.message}`),
    )
  }
}

export async function seal(artifacts: string): Promise<Manifest> {
  const manifest = join(artifacts, manifestName)
  await rm(manifest, { force: true })
  const { files, folders } = await filesOf(artifacts)
  if (!files.length)
    throw new Error('nothing was written to /content/artifacts: there is no result to keep')
  for (const path of folders) {
    const full = join(artifacts, path)
    await readable(full, (await lstat(full)).mode & 0o7777, true)
  }
  const entries: Sealed[] = []
  for (const path of files) entries.push(await sealed(artifacts, path))
  const bytes = entries.reduce((sum, entry) => sum + ('bytes' in entry ? entry.bytes : 0), 0)
  const made: Manifest = { version: 1, digest: digestOf(entries), bytes, files: entries }
  await writeLast(manifest, `${JSON.stringify(made, null, 1)}\n`)
  return made
}

export async function main(options: Options): Promise<void> {
  const artifacts = resolve(required(options, 'artifacts'))
  const storage = resolve(required(options, 'storage'))
  const { digest, bytes, files } = await seal(artifacts)
  console.log(`${files.length} files, ${bytes} bytes`)
  await removeOlder(artifacts, storage, optional(options, 'keep'))
  report({ digest, bytes })
}
