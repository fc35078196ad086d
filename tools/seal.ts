import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, lstat, open, readdir, readlink, rename, rm } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { bucketEnv, rcloneFault, remoteOf } from './bucket.ts'
import { digestOf, filesOf, type Manifest, manifestName, type Sealed } from './manifest.ts'
import { type Options, optional, required } from './options.ts'
import { report } from './report.ts'
import { run } from './run.ts'
import { sourceOf } from './source.ts'

/**
 * Makes artifacts whole: sizes and sha256 of every file in a manifest that is written last. Then
 * the trees of older attempts go, but the one that others still use.
 */

export const hashOf = async (path: string): Promise<string> => {
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
  keep: readonly string[],
): readonly string[] => siblings.filter((name) => name !== attempt && !keep.includes(name))

async function removeOlder(artifacts: string, storage: string, keep: readonly string[]) {
  const stage = dirname(artifacts)
  const kept = keep.map((path) => relative(stage, resolve(storage, path)))
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

interface Copy {
  readonly artifacts: string
  /** STAGE/ATTEMPT, here and there. */
  readonly path: string
  readonly to: string
  readonly keep: readonly string[]
}

/** To a bucket, compared there by checksum; the manifest comes last, and only then go older ones. */
async function copyAway({ artifacts, path, to, keep }: Copy): Promise<void> {
  const source = sourceOf(to)
  if (source.scheme !== 's3') throw new Error(`"${to}" is no s3:// address`)
  const rclone = async (...args: readonly string[]) => {
    const { code, said, stdout } = await run('rclone', args, { env: bucketEnv('s3', process.env) })
    if (code !== 0) throw new Error(rcloneFault(said, source))
    return stdout
  }
  const place = remoteOf(source)
  const there = `${place}/${path}`
  // A bucket has no links: what they point at goes instead.
  const others = ['--exclude', `/${manifestName}`, '--copy-links']
  const ways = ['--checksum', '--retries=5', '--low-level-retries=10', '--stats=10s']
  await rclone('copy', artifacts, there, ...others, ...ways)
  await rclone('check', artifacts, there, ...others, '--one-way')
  await rclone('copyto', join(artifacts, manifestName), `${there}/${manifestName}`, '--checksum')

  const stage = dirname(path)
  const names = (await rclone('lsf', '--dirs-only', `${place}/${stage}`))
    .split('\n')
    .map((name) => name.replace(/\/$/, ''))
    .filter(Boolean)
  const kept = keep.map((used) => relative(stage, used))
  for (const name of olderThan(relative(stage, path), names, kept)) {
    await rclone('purge', `${place}/${stage}/${name}`)
    console.log(`removed ${name}`)
  }
}

export async function main(options: Options): Promise<void> {
  const artifacts = resolve(required(options, 'artifacts'))
  const storage = resolve(required(options, 'storage'))
  const { digest, bytes, files } = await seal(artifacts)
  console.log(`${files.length} files, ${bytes} bytes`)
  const to = optional(options, 'to')
  const { keep = [] } = options
  if (to) await copyAway({ artifacts, path: relative(storage, artifacts), to, keep })
  else await removeOlder(artifacts, storage, keep)
  report({ digest, bytes })
}
