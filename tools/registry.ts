import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { bodyUpTo } from './bounded.ts'
import { isUntrusted, untrustedBy } from './network.ts'
import { cleaned } from './redact.ts'
import { addressFrom, follow, maxRedirects, type Refused } from './redirects.ts'

/**
 * A client of OCI registries, as far as packaging needs it: it reads and writes manifests, and finds,
 * mounts, copies and streams blobs. It stores nothing on disk.
 *
 * Credentials are sent only to the registry's own scheme, host and port, and to the token server that
 * it names there, as in Docker and containerd. They are not sent to an address that the registry
 * redirects to or has a blob uploaded to. A request that starts with https never continues in plain http.
 */

export interface Reference {
  readonly host: string
  readonly repository: string
  /** A tag, or a digest. */
  readonly version: string
}

/** Parses a reference as Docker does: the defaults are Docker Hub and its namespace library. */
export function referenceOf(image: string): Reference {
  const [, name = '', digest] = /^([^@]+)(?:@(.+))?$/.exec(image) ?? []
  const [, path = '', tag] = /^(.*?)(?::([^/:]+))?$/.exec(name) ?? []
  const [first = '', ...rest] = path.split('/')
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  const repository = hasHost ? rest.join('/') : path
  const host = hasHost ? first : 'docker.io'
  const isHub = host === 'docker.io' || host === 'index.docker.io'
  return {
    host: isHub ? 'registry-1.docker.io' : host,
    repository: isHub && !repository.includes('/') ? `library/${repository}` : repository,
    version: digest ?? tag ?? 'latest',
  }
}

export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  /** In the list of an image for several platforms. */
  readonly platform?: { readonly os: string; readonly architecture: string }
}

/** The manifest of one image, or a list for several platforms. A registry may omit any field. */
interface ManifestContent {
  readonly mediaType?: string
  readonly manifests?: readonly Descriptor[]
  readonly config?: Descriptor
  readonly layers?: readonly Descriptor[]
}

interface Fetched {
  readonly mediaType: string
  readonly digest: string
  readonly content: ManifestContent
}

interface Access {
  /** Whether to use plain http. */
  readonly insecure?: boolean
  /** Basic credentials; without them, access is anonymous. */
  readonly basic?: string | undefined
  /** The setting that provides credentials, for the error if the registry requires them. */
  readonly needed?: string
}

const accept = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

export const sha256 = (data: string | Buffer): string =>
  `sha256:${createHash('sha256').update(data).digest('hex')}`

/** A registry is not trusted: what is parsed whole must fit into the memory of a small container. */
const mostJson = 8 * 1024 ** 2
const mostWords = 64 * 1024

interface Body {
  readonly stream: () => AsyncIterable<Buffer>
  readonly length: number
}

interface Asking {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer | Body
  /** Error statuses that the caller handles itself. */
  readonly allow?: readonly number[]
  readonly signal?: AbortSignal | undefined
}

/** Why an address that a registry names is refused; `what` is its purpose, such as a redirect. */
const refusals: Readonly<Record<Refused['fault'], (what: string, to: URL) => string>> = {
  invalid: (what) => `names a ${what} that is not an https:// address`,
  scheme: (what) => `names a ${what} that is not an https:// address`,
  plain: (what, to) =>
    `names a ${what} in plain http, ${to.origin}, which is not followed: set the registry's external address to https://`,
  credentials: (what) => `names a ${what} with credentials in its address`,
  circle: () => 'redirects in a circle',
  many: () => `redirects more than ${maxRedirects} times`,
}

function allowed<T extends object>(found: T | Refused, what: string): T {
  if (!('fault' in found)) return found
  throw new Error(`${found.from.origin} ${refusals[found.fault](what, found.to)}`)
}

/** A manifest is not trusted, and its digests become parts of paths. */
function asDigest(text: string): string {
  if (/^sha256:[0-9a-f]{64}$/.test(text)) return text
  throw new Error(`"${text}" in the image's manifest is not a sha256 digest`)
}

/** A client of one registry. It caches the registry's tokens. */
export function registry(host: string, { insecure, basic, needed }: Access = {}) {
  const base = new URL(`${insecure ? 'http' : 'https'}://${host}`)
  const tokens = new Map<string, string>()

  async function once(url: URL, asking: Asking, scope: string) {
    const { method = 'GET', headers, body, signal } = asking
    const token = tokens.get(scope)
    const isStream = typeof body === 'object' && !Buffer.isBuffer(body)
    const request = {
      method,
      ...(signal && { signal }),
      ...(isStream
        ? { body: Readable.toWeb(Readable.from(body.stream())), duplex: 'half' }
        : body !== undefined && { body }),
    } as RequestInit
    const found = await follow(url, request, (at) => ({
      ...headers,
      ...(token && at.origin === base.origin && { authorization: token }),
      ...(isStream && { 'content-length': String(body.length) }),
    }))
    return allowed(found, 'redirect')
  }

  async function ask(path: string | URL, asking: Asking, repository: string): Promise<Response> {
    const url = new URL(path, base)
    const { method = 'GET', allow = [] } = asking
    const scope = `repository:${repository}:${['GET', 'HEAD'].includes(method) ? 'pull' : 'pull,push'}`
    let { answer, at } = await once(url, asking, scope).catch(unreachable)
    if (answer.status === 401 && at.origin !== base.origin) {
      await answer.body?.cancel()
      throw new Error(
        `${host}/${repository}: the registry leads to ${at.origin}, which asks for credentials; they are sent only to ${base.origin}`,
      )
    }
    if (answer.status === 401) {
      const challenge = answer.headers.get('www-authenticate') ?? ''
      const login = { challenge, from: at, scope, basic, needed, signal: asking.signal }
      tokens.set(scope, await tokenFor(login).catch(unreachable))
      await answer.body?.cancel()
      answer = (await once(url, asking, scope).catch(unreachable)).answer
    }
    if (answer.ok || allow.includes(answer.status)) return answer
    throw new Error(
      `${host}/${repository}: ${refusal(answer.status, await wordsOf(answer), method)}`,
    )
  }

  const unreachable = (error: unknown): never => {
    const { cause, message } = error as Error
    if (cause instanceof Error && isUntrusted(cause))
      throw new Error(`${host}: ${untrustedBy('builder.env of the configuration')}`)
    // fetch reports only that it failed; the cause says why.
    throw new Error(
      cause instanceof Error
        ? `${host} cannot be reached: ${cause.message}`
        : `${host}: ${message}`,
    )
  }

  return {
    async manifest(
      repository: string,
      version: string,
      signal?: AbortSignal,
    ): Promise<Fetched | undefined> {
      const isDigest = version.includes(':')
      const path = `/v2/${repository}/manifests/${isDigest ? asDigest(version) : version}`
      const answer = await ask(path, { headers: { accept }, allow: [404], signal }, repository)
      if (answer.status === 404) {
        await answer.body?.cancel()
        return undefined
      }
      const bytes = await bodyUpTo(mostJson, answer)
      if (!bytes) throw new Error(`${host}/${repository}: a manifest is larger than 8 MiB`)
      if (isDigest && sha256(bytes) !== version)
        throw new Error(`${host} returned a different manifest for ${version}`)
      const content = JSON.parse(bytes.toString('utf8'))
      const mediaType = content.mediaType ?? answer.headers.get('content-type') ?? ''
      return { mediaType, digest: sha256(bytes), content }
    },

    async putManifest(repository: string, version: string, mediaType: string, text: string) {
      const path = `/v2/${repository}/manifests/${version}`
      const headers = { 'content-type': mediaType }
      await ask(path, { method: 'PUT', headers, body: text }, repository)
      return sha256(text)
    },

    async json<T>(repository: string, digest: string): Promise<T> {
      const answer = await ask(`/v2/${repository}/blobs/${asDigest(digest)}`, {}, repository)
      const bytes = await bodyUpTo(mostJson, answer)
      if (!bytes) throw new Error(`${host}/${repository}: ${digest} is larger than 8 MiB`)
      if (sha256(bytes) !== digest) throw new Error(`${host} gives another blob for ${digest}`)
      return JSON.parse(bytes.toString('utf8'))
    },

    async has(repository: string, digest: string): Promise<boolean> {
      const asking = { method: 'HEAD', allow: [404] }
      const answer = await ask(`/v2/${repository}/blobs/${asDigest(digest)}`, asking, repository)
      return answer.ok
    },

    /** The bytes of a blob; the caller must verify their digest. */
    async download(
      repository: string,
      digest: string,
      signal?: AbortSignal,
    ): Promise<AsyncIterable<Buffer>> {
      const path = `/v2/${repository}/blobs/${asDigest(digest)}`
      const answer = await ask(path, { signal }, repository)
      if (!answer.body) throw new Error(`${host}/${repository} has no ${digest}`)
      return Readable.fromWeb(answer.body as import('node:stream/web').ReadableStream)
    },

    /** Mounts a blob from another repository of the registry; false if that is not possible. */
    async mount(repository: string, digest: string, from: string): Promise<boolean> {
      const query = `mount=${asDigest(digest)}&from=${encodeURIComponent(from)}`
      const path = `/v2/${repository}/blobs/uploads/?${query}`
      const answer = await ask(path, { method: 'POST' }, repository)
      await answer.body?.cancel()
      return answer.status === 201
    },

    /** Uploads a blob; its digest is known only after its last byte. */
    async upload(repository: string, length: number, stream: () => AsyncIterable<Buffer>) {
      const begun = await ask(`/v2/${repository}/blobs/uploads/`, { method: 'POST' }, repository)
      await begun.body?.cancel()
      const hash = createHash('sha256')
      let sent = 0
      let fault: unknown
      async function* followed() {
        try {
          for await (const chunk of stream()) {
            hash.update(chunk)
            sent += chunk.length
            yield chunk
          }
        } catch (error) {
          fault = error
          throw error
        }
      }
      const headers = { 'content-type': 'application/octet-stream' }
      const body = { stream: followed, length }
      const place = 'place to upload to'
      const where = allowed(addressFrom(begun.headers.get('location') ?? '', base), place)
      const patched = await ask(where, { method: 'PATCH', headers, body }, repository).catch(
        (error) => {
          // A stream that fails breaks the connection too: report why the stream failed.
          throw fault ?? error
        },
      )
      await patched.body?.cancel()
      if (sent !== length) throw new Error(`${sent} of ${length} bytes were sent`)
      const digest = `sha256:${hash.digest('hex')}`
      const next = patched.headers.get('location') ?? where.href
      const end = allowed(addressFrom(next, where), place)
      end.searchParams.set('digest', digest)
      const put = await ask(end, { method: 'PUT', headers: { 'content-length': '0' } }, repository)
      await put.body?.cancel()
      return { digest, size: length }
    },
  }
}
export type Registry = ReturnType<typeof registry>

interface Login extends Pick<Access, 'basic'> {
  readonly challenge: string
  readonly from: URL
  readonly scope: string
  readonly needed: string | undefined
  readonly signal: AbortSignal | undefined
}

/** For Bearer realm="…",service="…" it requests a token; for Basic it returns the credentials. */
async function tokenFor({ challenge, from, scope, basic, needed, signal }: Login): Promise<string> {
  const field = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1]
  const realm = field('realm')
  if (!/^bearer /i.test(challenge) || !realm) {
    if (!basic)
      throw new Error(`it asks for credentials, and ${needed ?? 'this program'} gives none`)
    return `Basic ${basic}`
  }
  const url = allowed(addressFrom(realm, from), 'token server')
  const service = field('service')
  if (service) url.searchParams.set('service', service)
  url.searchParams.set('scope', scope)
  const found = await follow(url, signal ? { signal } : {}, (at) => ({
    ...(basic && at.origin === url.origin && { authorization: `Basic ${basic}` }),
  }))
  const { answer } = allowed(found, 'redirect')
  if (!answer.ok) throw new Error(`${url.host} gives no token: ${answer.status}`)
  const text = await bodyUpTo(mostWords, answer)
  if (!text) throw new Error(`${url.host} gives a token that is larger than 64 KiB`)
  const { token, access_token } = JSON.parse(text.toString('utf8')) as Record<string, string>
  return `Bearer ${token ?? access_token}`
}

/** An error's body. One that is too large is not quoted: a part could end inside a credential. */
const wordsOf = async (answer: Response): Promise<string> =>
  (await bodyUpTo(mostWords, answer))?.toString('utf8') ?? 'its message is larger than 64 KiB'

/** The errors of most registries are JSON. */
function refusal(status: number, text: string, method: string): string {
  const what = method === 'GET' || method === 'HEAD' ? 'pull' : 'push'
  let words = text.trim().split('\n')[0] ?? ''
  try {
    const { code, message } = JSON.parse(text).errors[0]
    words = [code, message].filter(Boolean).join(': ')
  } catch {
    // Not JSON: report the text itself.
  }
  // Cleaned before it is cut: half a credential would not be recognized.
  return `${what} refused with ${status}${words ? `: ${cleaned(words).slice(0, 300)}` : ''}`
}
