import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The manifest of sealed artifacts. What has none was never finished. */
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

/** Every file and folder below, by its path, in a fixed order. */
export async function filesOf(folder: string) {
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = (isFolder: boolean) =>
    found
      .filter((entry) => entry.isDirectory() === isFolder)
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
      .filter((path) => !isOurs(path))
      .sort()
  return { files: paths(false), folders: paths(true) }
}

/** The manifest of artifacts; an error where they are not whole. */
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
  return manifest
}
