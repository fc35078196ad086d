import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { diskFull } from './report.ts'
import { fileBehind, type Source } from './source.ts'

/** One file over HTTP: `NAME.part` grows, across broken connections and Pods, and becomes NAME whole. */

type Web = Extract<Source, { scheme: 'https' }>

const tries = 6
const silenceMs = 60_000

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

/** The checksum that the server gives of the whole file, if it does: RFC 9530, RFC 3230, Content-MD5. */
export function promisedChecksum(
  headers: Headers,
): { algorithm: string; base64: string } | undefined {
  const repr = headers.get('repr-digest') ?? headers.get('digest') ?? ''
  const found = /(?:^|,)\s*sha-256=:?([A-Za-z0-9+/=]{44}):?/i.exec(repr)?.[1]
  if (found) return { algorithm: 'sha256', base64: found }
  const md5 = headers.get('content-md5')
  return md5 ? { algorithm: 'md5', base64: md5 } : undefined
}

/** The whole file's length: of an answer with a range, after the slash. */
export function totalOf(status: number, headers: Headers): number | undefined {
  const text =
    status === 206
      ? /\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1]
      : // With an encoding the length is not the file's.
        headers.get('content-encoding')
        ? undefined
        : headers.get('content-length')
  return text ? Number(text) : undefined
}

/** A mistake that no further try mends. */
const isFinal = (status: number): boolean =>
  status >= 400 && status < 500 && status !== 408 && status !== 416 && status !== 429

/** The codes of OpenSSL and Node for a certificate that does not verify. */
const isDistrust = ({ code = '' }: NodeJS.ErrnoException): boolean =>
  /^(CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_(GET_ISSUER|VERIFY)|ERR_TLS_CERT_ALTNAME)/.test(code)

const mostRedirects = 10

/**
 * Follows redirects and checks each one: from https never to plain http, and never to another scheme.
 * Every host gets the same request headers, without any credentials.
 */
async function follow(url: string, asking: RequestInit): Promise<Response | Refused> {
  const seen = new Set<string>()
  for (let at = new URL(url); ; ) {
    seen.add(at.href)
    const answer = await fetch(at.href, { ...asking, redirect: 'manual' })
    const location = answer.headers.get('location')
    if (![301, 302, 303, 307, 308].includes(answer.status) || !location) return answer
    await answer.body?.cancel()
    const refused = (why: string) => ({ final: true, message: `${url} ${why}` }) as const
    if (!URL.canParse(location, at.href)) return refused('redirects to an invalid address')
    const next = new URL(location, at)
    next.hash = ''
    if (!['https:', 'http:'].includes(next.protocol))
      return refused(`redirects to ${next.protocol}, which is not supported`)
    if (at.protocol === 'https:' && next.protocol === 'http:')
      return refused(`redirects from https to ${next.origin}, where anybody may change it`)
    if (next.username || next.password)
      return refused(`redirects to ${next.host} with credentials in the address`)
    if (seen.has(next.href)) return refused(`redirects in a circle, back to ${next.href}`)
    if (seen.size > mostRedirects) return refused(`redirects more than ${mostRedirects} times`)
    at = next
  }
}

/** Whether the response is a web page where a file was requested: a login, or a page about the file. */
const isPage = ({ url }: Web, headers: Headers): boolean =>
  /^\s*(text\/html|application\/xhtml\+xml)\b/i.test(headers.get('content-type') ?? '') &&
  !/\.x?html?$/i.test(new URL(url).pathname)

interface Refused {
  readonly final: true
  readonly message: string
}
type Attempt =
  | { readonly done: true }
  | Refused
  | { readonly final: false; readonly message: string }

/** The stem for temporary names: the hash of a name that leaves no room for an ending. */
const stemOf = (file: string): string =>
  Buffer.byteLength(file) > 240 ? createHash('sha256').update(file).digest('hex') : file

async function attempt(source: Web, into: string): Promise<Attempt> {
  const { url, sha256, file } = source
  const part = join(into, `${stemOf(file)}.part`)
  // What the part is of: another version of the file would otherwise be glued to it.
  const tagFile = `${part}.etag`
  const have = await sizeOf(part)
  const tag = await readFile(tagFile, 'utf8').catch(() => '')
  const resumes = have > 0 && tag !== ''
  const silence = new AbortController()
  const quiet = setTimeout(
    () => silence.abort(new Error(`nothing came for ${silenceMs / 1000} s`)),
    silenceMs,
  )
  try {
    const answer = await follow(url, {
      headers: {
        'accept-encoding': 'identity',
        ...(resumes && { range: `bytes=${have}-`, 'if-range': tag }),
      },
      signal: silence.signal,
    })
    if ('final' in answer) return answer
    if (answer.status === 416) {
      await rm(part, { force: true })
      return { final: false, message: 'the server cannot go on there' }
    }
    if (!answer.ok || !answer.body)
      return { final: isFinal(answer.status), message: `${url} answers ${answer.status}` }
    if (isPage(source, answer.headers)) {
      await answer.body.cancel()
      return { final: true, message: `${url} is a web page, not a file: ${fileBehind(url)}` }
    }
    const goesOn = answer.status === 206
    if (have)
      console.log(
        goesOn
          ? `going on at ${have} bytes`
          : 'beginning again: the server cannot go on, or the file has changed',
      )
    // A weak tag says nothing about bytes, and If-Range must not hold one.
    const etag = answer.headers.get('etag') ?? ''
    await writeFile(tagFile, etag.startsWith('W/') ? '' : etag)
    const total = totalOf(answer.status, answer.headers)
    const watched = new Transform({
      transform(chunk, _encoding, done) {
        quiet.refresh()
        done(null, chunk)
      },
    })
    await pipeline(
      Readable.fromWeb(answer.body as import('node:stream/web').ReadableStream),
      watched,
      createWriteStream(part, { flags: goesOn ? 'a' : 'w' }),
    )
    const size = await sizeOf(part)
    if (total !== undefined && size !== total)
      return { final: false, message: `${size} of ${total} bytes came` }
    const wrong = await wrongChecksum(part, sha256, answer.headers)
    if (wrong) {
      // What is wrong is not gone on with.
      await rm(part, { force: true })
      return { final: true, message: `${url} ${wrong}` }
    }
    await rename(part, join(into, file))
    await rm(tagFile, { force: true })
    return { done: true }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC')
      return { final: true, message: diskFull }
    const cause = (
      error instanceof Error && error.cause instanceof Error ? error.cause : error
    ) as NodeJS.ErrnoException
    // Behind a semicolon Node.js names an option of its own; here docs/troubleshooting.md says what to do.
    const [why] = cause.message.split(';')
    return isDistrust(cause)
      ? { final: true, message: `${url}: its certificate cannot be trusted: ${why}` }
      : { final: false, message: `the connection broke: ${cause.message}` }
  } finally {
    clearTimeout(quiet)
  }
}

async function wrongChecksum(path: string, wanted: string | undefined, headers: Headers) {
  if (wanted) {
    const found = (await hashOf(path, 'sha256')).digest('hex')
    if (found !== wanted) return `has sha256 ${found}, but spec.source says ${wanted}`
  }
  const promised = promisedChecksum(headers)
  if (!promised) return undefined
  const found = (await hashOf(path, promised.algorithm)).digest('base64')
  return found === promised.base64
    ? undefined
    : `came with ${promised.algorithm} ${found}, but the server says ${promised.base64}`
}

export async function download(source: Web, into: string): Promise<void> {
  if (await sizeOf(join(into, source.file))) {
    // An earlier Pod brought it, whole: it has its name only then.
    console.log(`${source.file} is there already`)
    return
  }
  for (let count = 1; ; count++) {
    const result = await attempt(source, into)
    if ('done' in result) return
    if (result.final) throw new Error(result.message)
    if (count === tries) throw new Error(`${source.url}: ${result.message}, ${tries} times`)
    console.log(`${result.message}: trying again`)
    await sleep(Math.min(30_000, 500 * 2 ** count))
  }
}
