import { lstat, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { openInside } from './manifest.ts'

/** Tar archives, for layers of images, as a stream of bytes whose length is known beforehand. */

export type Entry =
  | { readonly type: 'folder'; readonly name: string; readonly mode: number }
  | {
      readonly type: 'file'
      readonly name: string
      readonly mode: number
      readonly bytes: number
      readonly from?: { readonly folder: string; readonly path: string }
    }
  | { readonly type: 'link'; readonly name: string; readonly to: string }

const block = 512

const padded = (bytes: number): number => Math.ceil(bytes / block) * block

const typeFlag = { folder: '5', file: '0', link: '2', extended: 'x' } as const

interface Head {
  readonly name: string
  readonly mode: number
  readonly bytes: number
  readonly flag: string
  readonly link?: string
}

const octal = (value: number, width: number): string =>
  `${value.toString(8).padStart(width - 1, '0')}\0`

/** One ustar header. Owner root and time zero: the same files give the same layer. */
function head({ name, mode, bytes, flag, link = '' }: Head): Buffer {
  const header = Buffer.alloc(block)
  header.write(name.slice(0, 100), 0)
  header.write(octal(mode, 8), 100)
  header.write(octal(0, 8), 108)
  header.write(octal(0, 8), 116)
  header.write(octal(Math.min(bytes, 0o77777777777), 12), 124)
  header.write(octal(0, 12), 136)
  header.write('        ', 148)
  header.write(flag, 156)
  header.write(link.slice(0, 100), 157)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

/** `LENGTH KEY=VALUE\n`, where the length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  let length = rest + String(rest).length
  if (String(length).length !== String(rest).length) length = rest + String(length).length
  return `${length} ${key}=${value}\n`
}

const fits = (text: string): boolean => /^[ -~]*$/.test(text) && text.length <= 100

/** A pax header, for what the ustar header cannot hold: long or non-ASCII names, and files over 8 GiB. */
function extended(entry: Entry): Buffer {
  const bytes = entry.type === 'file' ? entry.bytes : 0
  const link = entry.type === 'link' ? entry.to : ''
  const records = [
    ...(fits(entry.name) ? [] : [paxRecord('path', entry.name)]),
    ...(fits(link) ? [] : [paxRecord('linkpath', link)]),
    ...(bytes > 0o77777777777 ? [paxRecord('size', String(bytes))] : []),
  ].join('')
  if (!records) return Buffer.alloc(0)
  const body = Buffer.from(records)
  const before = head({ name: 'pax', mode: 0o644, bytes: body.length, flag: typeFlag.extended })
  return Buffer.concat([before, body, Buffer.alloc(padded(body.length) - body.length)])
}

export function headersOf(entry: Entry): Buffer {
  return Buffer.concat([
    extended(entry),
    head({
      name: entry.name,
      mode: entry.type === 'link' ? 0o777 : entry.mode,
      bytes: entry.type === 'file' ? entry.bytes : 0,
      flag: typeFlag[entry.type],
      ...(entry.type === 'link' && { link: entry.to }),
    }),
  ])
}

/** The archive's length, to the byte. */
export const lengthOf = (entries: readonly Entry[]): number =>
  entries.reduce(
    (sum, entry) =>
      sum + headersOf(entry).length + (entry.type === 'file' ? padded(entry.bytes) : 0),
    2 * block,
  )

/** Called with each chunk of a file, and with `undefined` at its end. */
export type Observer = (entry: Entry, chunk: Buffer | undefined) => void

export async function* archive(
  entries: readonly Entry[],
  observe: Observer = () => {},
): AsyncGenerator<Buffer> {
  for (const entry of entries) {
    yield headersOf(entry)
    if (entry.type !== 'file' || !entry.from) continue
    let seen = 0
    const file = await openInside(entry.from.folder, entry.from.path)
    for await (const chunk of file.createReadStream({ highWaterMark: 1 << 20 })) {
      seen += chunk.length
      if (seen > entry.bytes) throw new Error(`${entry.name} has grown while it was read`)
      observe(entry, chunk)
      yield chunk
    }
    if (seen < entry.bytes) throw new Error(`${entry.name} has shrunk while it was read`)
    observe(entry, undefined)
    yield Buffer.alloc(padded(seen) - seen)
  }
  yield Buffer.alloc(2 * block)
}

/** The entry for a path of a folder, under the given name. */
export async function entryOf(folder: string, path: string, name: string): Promise<Entry> {
  const full = join(folder, path)
  const found = await lstat(full)
  if (found.isSymbolicLink()) return { type: 'link', name, to: await readlink(full) }
  if (found.isDirectory()) return { type: 'folder', name: `${name}/`, mode: 0o755 }
  const mode = found.mode & 0o100 ? 0o755 : 0o644
  return { type: 'file', name, mode, bytes: found.size, from: { folder, path } }
}
