import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { isUntrusted, untrusted } from './network.ts'
import { follow, maxRedirects, type Refused } from './redirects.ts'
import { silenceAfter } from './silence.ts'
import { fileBehind } from './source.ts'
import type { Token } from './token.ts'

/**
 * Downloads one file over HTTP to `NAME.part`, and renames it to NAME when it is complete. It resumes
 * after a lost connection, and in the next Pod.
 */

export interface WebFile {
  readonly url: string
  /** The name of the local file. */
  readonly file: string
  readonly sha256?: string
  readonly token?: Token
}

export interface DownloadOptions {
  readonly tries: number
  /** How long a server may send nothing. */
  readonly silenceMs: number
  readonly say: (line: string) => void
  /** The name of whatever specifies the sha256, for messages. */
  readonly sha256From: string
  readonly arrived?: (bytes: number, total: number | undefined) => void
  readonly signal?: AbortSignal
}

export const downloadDefaults: DownloadOptions = {
  tries: 6,
  silenceMs: 60_000,
  say: (line) => console.log(line),
  sha256From: 'spec.source',
}

const sizeOf = async (path: string): Promise<number> => {
  try {
    return (await stat(path)).size
  } catch {
    return 0
  }
}

const hashOf = async (path: string, algorithm: string) => {
  const hash = createHash(algorithm)
  await pipeline(createReadStream(path), hash)
  return hash
}

/** The server's checksum of the whole file, if it sends one: RFC 9530, RFC 3230, Content-MD5. */
export function promisedChecksum(
  headers: Headers,
): { algorithm: string; base64: string } | undefined {
  const repr = headers.get('repr-digest') ?? headers.get('digest') ?? ''
  const found = /(?:^|,)\s*sha-256=:?([A-Za-z0-9+/=]{44}):?/i.exec(repr)?.[1]
  if (found) return { algorithm: 'sha256', base64: found }
  const md5 = headers.get('content-md5')
  return md5 ? { algorithm: 'md5', base64: md5 } : undefined
}

/** The whole file's length; in a response to a range request it follows the slash. */
export function totalOf(status: number, headers: Headers): number | undefined {
  const text =
    status === 206
      ? /\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1]
      : // With a content encoding, the length is not the file's.
        headers.get('content-encoding')
        ? undefined
        : headers.get('content-length')
  return text ? Number(text) : undefined
}

/** Whether retrying is pointless. */
const isFinal = (status: number): boolean =>
  status >= 400 && status < 500 && status !== 408 && status !== 416 && status !== 429

/** Why a redirect is not followed; the text follows "redirects". */
const refusals: Readonly<Record<Refused['fault'], (to: URL) => string>> = {
  invalid: () => 'to an invalid address',
  scheme: (to) => `to ${to.protocol}, which is not supported`,
  plain: (to) => `from https to ${to.origin}, where anybody may change it`,
  credentials: (to) => `to ${to.host} with credentials in the address`,
  circle: (to) => `in a circle, back to ${to.href}`,
  many: () => `more than ${maxRedirects} times`,
}

/** Whether the response is a web page where a file was requested: a login, or a page about the file. */
const isPage = ({ url }: WebFile, headers: Headers): boolean =>
  /^\s*(text\/html|application\/xhtml\+xml)\b/i.test(headers.get('content-type') ?? '') &&
  !/\.x?html?$/i.test(new URL(url).pathname)

type Attempt = { readonly done: true } | { readonly final: boolean; readonly message: string }

const permanent = (message: string): Attempt => ({ final: true, message })
const temporary = (message: string): Attempt => ({ final: false, message })

/** The stem of temporary names: a hash if the name is too long to append a suffix. */
const stemOf = (file: string): string =>
  Buffer.byteLength(file) > 240 ? createHash('sha256').update(file).digest('hex') : file

async function attempt(wanted: WebFile, into: string, options: DownloadOptions): Promise<Attempt> {
  const quiet = silenceAfter(options.silenceMs, options.signal)
  try {
    return await fetched(wanted, into, options, quiet)
  } catch (error) {
    options.signal?.throwIfAborted()
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw error
    const cause = (
      error instanceof Error && error.cause instanceof Error ? error.cause : error
    ) as NodeJS.ErrnoException
    // After a semicolon, Node.js suggests one of its own options.
    const [why] = cause.message.split(';')
    return isUntrusted(cause)
      ? permanent(`${wanted.url}: ${untrusted}: ${why}`)
      : temporary(`the connection broke: ${cause.message}`)
  } finally {
    quiet.stop()
  }
}

/** What a server has answered, and what may help where it asks who is there. */
function refusalOf({ url, token }: WebFile, at: URL, status: number): string {
  const { origin } = new URL(url)
  const who = at.origin === origin ? url : `${url} redirects to ${at.origin}, which`
  const remedy = [401, 403].includes(status) ? token?.remedy(at) : undefined
  return [`${who} answers ${status}`, ...(remedy ? [remedy] : [])].join(': ')
}

type Quiet = ReturnType<typeof silenceAfter>

async function fetched(
  wanted: WebFile,
  into: string,
  options: DownloadOptions,
  quiet: Quiet,
): Promise<Attempt> {
  const { url, file } = wanted
  const part = join(into, `${stemOf(file)}.part`)
  // The ETag of the partial file, so that it is never continued with another version of the file.
  const tagFile = `${part}.etag`
  const have = await sizeOf(part)
  const tag = await readFile(tagFile, 'utf8').catch(() => '')
  const resumes = have > 0 && tag !== ''
  const found = await follow(new URL(url), { signal: quiet.signal }, (at, left) => ({
    ...wanted.token?.headers(at, left),
    'accept-encoding': 'identity',
    ...(resumes && { range: `bytes=${have}-`, 'if-range': tag }),
  }))
  if ('fault' in found) return permanent(`${url} redirects ${refusals[found.fault](found.to)}`)
  const { answer, at } = found
  if (answer.status === 416) {
    await rm(part, { force: true })
    return temporary('the server cannot go on there')
  }
  if (!answer.ok || !answer.body)
    return { final: isFinal(answer.status), message: refusalOf(wanted, at, answer.status) }
  if (isPage(wanted, answer.headers)) {
    await answer.body.cancel()
    return permanent(`${url} is a web page, not a file: ${fileBehind(url)}`)
  }
  const goesOn = answer.status === 206
  if (have)
    options.say(
      goesOn
        ? `going on at ${have} bytes`
        : 'beginning again: the server cannot go on, or the file has changed',
    )
  // A weak tag does not identify bytes, and If-Range must not contain one.
  const etag = answer.headers.get('etag') ?? ''
  await writeFile(tagFile, etag.startsWith('W/') ? '' : etag)
  await append(answer, part, goesOn ? have : 0, options, quiet)
  const fault = await faultOf(part, answer, wanted, options.sha256From)
  if (fault) return fault
  await rename(part, join(into, file))
  await rm(tagFile, { force: true })
  return { done: true }
}

/** Writes the body after the first `have` bytes. */
async function append(
  { body, status, headers }: Response,
  part: string,
  have: number,
  { arrived }: DownloadOptions,
  quiet: Quiet,
): Promise<void> {
  const total = totalOf(status, headers)
  let bytes = have
  const watched = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      quiet.reset()
      bytes += chunk.length
      arrived?.(bytes, total)
      done(null, chunk)
    },
  })
  await pipeline(
    Readable.fromWeb(body as import('node:stream/web').ReadableStream),
    watched,
    createWriteStream(part, { flags: have ? 'a' : 'w' }),
  )
}

/** Why the downloaded file is wrong or incomplete; undefined if it is neither. */
async function faultOf(
  part: string,
  { status, headers }: Response,
  { url, sha256 }: WebFile,
  sha256From: string,
): Promise<Attempt | undefined> {
  const total = totalOf(status, headers)
  const size = await sizeOf(part)
  if (total !== undefined && size !== total) return temporary(`${size} of ${total} bytes came`)
  const wrong = await wrongChecksum(part, sha256, sha256From, headers)
  if (!wrong) return undefined
  // Resuming would keep the wrong bytes.
  await rm(part, { force: true })
  return permanent(`${url} ${wrong}`)
}

async function wrongChecksum(
  path: string,
  wanted: string | undefined,
  from: string,
  headers: Headers,
): Promise<string | undefined> {
  if (wanted) {
    const found = (await hashOf(path, 'sha256')).digest('hex')
    if (found !== wanted) return `has sha256 ${found}, but ${from} says ${wanted}`
  }
  const promised = promisedChecksum(headers)
  if (!promised) return undefined
  const found = (await hashOf(path, promised.algorithm)).digest('base64')
  return found === promised.base64
    ? undefined
    : `came with ${promised.algorithm} ${found}, but the server says ${promised.base64}`
}

export async function download(
  wanted: WebFile,
  into: string,
  options = downloadDefaults,
): Promise<void> {
  const { tries, say, signal } = options
  if (await sizeOf(join(into, wanted.file))) {
    // An earlier Pod completed it; an incomplete file has another name.
    say(`${wanted.file} is there already`)
    return
  }
  for (let count = 1; ; count++) {
    const result = await attempt(wanted, into, options)
    if ('done' in result) return
    if (result.final) throw new Error(result.message)
    if (count === tries) throw new Error(`${wanted.url}: ${result.message}, ${tries} times`)
    say(`${result.message}: trying again`)
    await sleep(Math.min(30_000, 500 * 2 ** count), undefined, signal && { signal })
  }
}
