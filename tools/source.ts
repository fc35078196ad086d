import { manifestName } from './manifest.ts'

/** A parsed spec.source, by scheme. */
export type Source =
  | {
      readonly scheme: 'hf'
      readonly address: string
      readonly repository: string
      readonly revision: string
    }
  | {
      readonly scheme: 'https'
      readonly address: string
      readonly url: string
      readonly file: string
      /** From `#sha256=…`. */
      readonly sha256?: string
    }
  | {
      readonly scheme: 's3' | 'gs'
      readonly address: string
      readonly bucket: string
      readonly path: string
    }

/** The longest name that file systems allow, in bytes. */
const maxName = 255

/**
 * The name of the file at an address. It is taken from the address as written: URL would resolve `..`,
 * in any spelling, to another file than a reader expects.
 */
function fileOf(address: string): string {
  const parts = address
    .replace(/^[a-z]+:\/\/[^/?#]*/, '')
    .replace(/[?#].*$/s, '')
    .split('/')
    .map((part) => decoded(part, address))
  const [file = 'index'] = parts.filter(Boolean).slice(-1)
  // The API of a store may encode a whole path in one part: `dir%2Ffile.bin`.
  const names = parts.flatMap((part) => part.split(/[\\/]/))
  if (names.includes('..') || file === '.' || /^[\\/]|[\\/]$/.test(file))
    throw new Error(
      `"${address}" leads through "..", or does not end in a name: write the address it stands for`,
    )
  const name = file.split(/[\\/]/).at(-1) ?? ''
  if (hasControl(name)) throw new Error(`"${address}" names a file with control characters`)
  const bytes = Buffer.byteLength(name)
  if (bytes > maxName)
    throw new Error(
      `"${address}" names a file with ${bytes} bytes: a name may have ${maxName} at most`,
    )
  if (name === manifestName || name === `${manifestName}.part`)
    throw new Error(`"${address}" names a file "${name}", which is the name of the manifest`)
  return name
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const hasControl = (text: string): boolean => /[\x00-\x1f\x7f]/.test(text)

function decoded(part: string, address: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new Error(`"${address}" has "${part}" in it, which is not percent-encoded UTF-8`)
  }
}

/** Advice on what to write instead of the address of a page about a file. */
export function fileBehind(page: string): string {
  const { host, pathname, origin } = new URL(page)
  const [owner, name, what, ...rest] = pathname
    .replace(/^\/datasets\//, '/')
    .split('/')
    .slice(1)
  const onHub = /(^|\.)(huggingface\.co|hf\.co)$/.test(host)
  if (onHub && name && (!what || what === 'tree'))
    return `write hf://${owner}/${name}${rest[0] ? `@${rest[0]}` : ''}`
  const raw = onHub ? 'resolve' : /(^|\.)github\.com$/.test(host) ? 'raw' : undefined
  if (raw && what === 'blob') return `write ${origin}${pathname.replace('/blob/', `/${raw}/`)}`
  return 'write the address of the file itself; one that ends in .html is loaded as it is'
}

export function sourceOf(address: string): Source {
  const [, scheme = '', rest = ''] = /^([a-z0-9]+):\/\/(.*)$/s.exec(address) ?? []
  switch (scheme) {
    case 'hf': {
      const [repository = '', revision = 'main'] = rest.split('@')
      return { scheme, address, repository, revision }
    }
    case 'http':
    case 'https': {
      const url = new URL(address)
      const sha256 = /^#sha256=([0-9a-f]{64})$/i.exec(url.hash)?.[1]?.toLowerCase()
      if (url.hash && !sha256)
        throw new Error(`"${url.hash}" is no checksum: write #sha256= and 64 hexadecimal digits`)
      url.hash = ''
      const file = fileOf(address)
      return { scheme: 'https', address, url: url.href, file, ...(sha256 && { sha256 }) }
    }
    case 's3':
    case 'gs': {
      const [bucket = '', ...path] = rest.split('/')
      return { scheme, address, bucket, path: path.join('/').replace(/\/+$/, '') }
    }
    default:
      throw new Error(`"${address}" is none of hf://, https://, s3:// and gs://`)
  }
}
