import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, readdir, readFile, readlink, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

/** The manifest of sealed artifacts. Artifacts without one are incomplete. */
export const manifestName = '.substratus.json'

export type Sealed =
  | { readonly path: string; readonly bytes: number; readonly sha256: string }
  | { readonly path: string; readonly link: string }

export interface Manifest {
  readonly version: 1
  readonly digest: string
  readonly bytes: number
  /** In the order of their paths. */
  readonly files: readonly Sealed[]
}

/** The same files give the same digest, whenever and wherever they were written. */
export const digestOf = (files: readonly Sealed[]): string =>
  `sha256:${createHash('sha256')
    .update(
      files
        .map((file) =>
          'link' in file
            ? `${JSON.stringify(file.path)} -> ${JSON.stringify(file.link)}\n`
            : `${JSON.stringify(file.path)} ${file.bytes} ${file.sha256}\n`,
        )
        .join(''),
    )
    .digest('hex')}`

const isOurs = (path: string): boolean => path === manifestName || path === `${manifestName}.part`

/** A path on one line of a log, whatever characters it contains. */
export const shown = (path: string): string => JSON.stringify(path)

interface Found {
  readonly files: readonly string[]
  readonly links: readonly string[]
  readonly folders: readonly string[]
  /** What cannot be listed in a manifest, and why. */
  readonly left: readonly { readonly name: string; readonly why: string }[]
}

const escaped = (name: Buffer): string =>
  [...name]
    .map((byte) =>
      byte > 0x1f && byte < 0x7f
        ? String.fromCharCode(byte)
        : `\\x${byte.toString(16).padStart(2, '0')}`,
    )
    .join('')

/** Everything below a folder, by path, in a fixed order. Links are not followed. */
export async function filesOf(folder: string): Promise<Found> {
  const files: string[] = []
  const links: string[] = []
  const folders: string[] = []
  const left: { name: string; why: string }[] = []
  const todo = ['']
  for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
    for (const entry of await readdir(join(folder, at), {
      withFileTypes: true,
      encoding: 'buffer',
    })) {
      const name = entry.name.toString('utf8')
      const path = at ? `${at}/${name}` : name
      if (isOurs(path)) continue
      if (!Buffer.from(name).equals(entry.name))
        left.push({
          name: `"${at && `${at}/`}${escaped(entry.name)}"`,
          why: 'its name is not UTF-8',
        })
      else if (entry.isSymbolicLink()) links.push(path)
      else if (entry.isFile()) files.push(path)
      else if (!entry.isDirectory())
        left.push({ name: shown(path), why: 'it is neither a file, a folder nor a link' })
      else if (Buffer.byteLength(join(folder, path)) > maxPath)
        left.push({ name: shown(`${path.slice(0, 200)}…`), why: 'its path is too long' })
      else {
        folders.push(path)
        todo.push(path)
      }
    }
  }
  return { files: files.sort(), links: links.sort(), folders: folders.sort(), left }
}

/** Linux allows paths of 4095 bytes; a name of 255 must still fit below a folder. */
const maxPath = 4095 - 256

/**
 * Opens a file of a folder to read. Others may write there at the same time, so it never follows a link
 * that has replaced the file or one of its folders.
 */
export async function openInside(folder: string, path: string): Promise<FileHandle> {
  const full = join(await realpath(folder), path)
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  const file = await open(full, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  const where = await readlink(`/proc/self/fd/${file.fd}`).catch(() => realpath(full))
  if (where === full && (await file.stat()).isFile()) return file
  await file.close()
  throw new Error(`${path} is not a regular file inside its folder`)
}

/** Whether a path of a manifest stays below the folder of the manifest. */
const staysInside = (path: unknown): boolean =>
  typeof path === 'string' &&
  !path.includes('\0') &&
  path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')

/** The sha256 of a file; `read` is told the size of each part. */
export async function hashOf(
  folder: string,
  path: string,
  read: (bytes: number) => void = () => {},
): Promise<string> {
  const hash = createHash('sha256')
  const file = await openInside(folder, path)
  const stream = file.createReadStream({ highWaterMark: 1 << 20 })
  stream.on('data', ({ length }) => read(length))
  await pipeline(stream, hash)
  return hash.digest('hex')
}

/** Reads the manifest of artifacts; throws if they are incomplete. */
export async function readManifest(folder: string): Promise<Manifest> {
  let text: string
  try {
    text = await readFile(join(folder, manifestName), 'utf8')
  } catch {
    throw new Error(`the artifacts have no ${manifestName}: they were never finished`)
  }
  const manifest = JSON.parse(text) as Manifest
  if (manifest.version !== 1)
    throw new Error(`${manifestName} is of version ${manifest.version}, which is newer than this`)
  if (digestOf(manifest.files) !== manifest.digest)
    throw new Error(`${manifestName} does not match its own digest: the storage has lost data`)
  const stray = manifest.files.find(({ path }) => !staysInside(path))
  if (stray)
    throw new Error(`${manifestName} names ${shown(stray.path)}, which is not in its folder`)
  return manifest
}
