import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { cleaned } from './redact.ts'

/**
 * An OCI registry, as far as packaging needs it: manifests are read and written, blobs are looked
 * for, mounted, copied and streamed. Nothing is kept on disk.
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

/** As Docker reads it: without a host it is Docker Hub's, without a namespace its library. */
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
}

export interface Fetched {
  readonly mediaType: string
  readonly digest: string
  // biome-ignore lint/suspicious/noExplicitAny: JSON of another's, read with care.
  readonly content: any
}

type DockerConfig = Readonly<{ auths?: Readonly<Record<string, { auth?: string }>> }>

/** The Basic credentials of a host in ~/.docker/config.json. */
export function basicOf(config: DockerConfig, host: string): string | undefined {
  const names = [host, `https://${host}`, `https://${host}/v2/`, `${host}/v2/`]
  if (host === 'registry-1.docker.io') names.push('https://index.docker.io/v1/', 'docker.io')
  return names.map((name) => config.auths?.[name]?.auth).find(Boolean)
}

const readConfig = (): DockerConfig => {
  try {
    const home = process.env.DOCKER_CONFIG ?? join(process.env.HOME ?? '/', '.docker')
    return JSON.parse(readFileSync(join(home, 'config.json'), 'utf8'))
  } catch {
    return {}
  }
}

const accept = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

export const sha256 = (data: string | Buffer): string =>
  `sha256:${createHash('sha256').update(data).digest('hex')}`

interface Body {
  readonly stream: () => AsyncIterable<Buffer>
  readonly length: number
}

interface Asking {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer | Body
  /** Statuses that are answers, and no errors. */
  readonly allow?: readonly number[]
}

/** Browsers and Git follow as many. */
const mostRedirects = 20

/** The address that a server names, relative to the address of that server. */
function nextOf(location: string, from: URL, what: string): URL {
  const next = URL.canParse(location, from.href) ? new URL(location, from) : undefined
  if (!next || !/^https?:$/.test(next.protocol))
    throw new Error(`${from.origin} names a ${what} that is not an https:// address`)
  if (from.protocol === 'https:' && next.protocol === 'http:')
    throw new Error(
      `${from.origin} names a ${what} in plain http, ${next.origin}, which is not followed: set the registry's external address to https://`,
    )
  return next
}

/** fetch, but redirects are followed here, so that each address gets its own headers. */
async function follow(
  url: URL,
  asking: RequestInit & { readonly method: string },
  headersFor: (at: URL) => Readonly<Record<string, string>>,
) {
  // Only 307 and 308 repeat a request that writes. A stream is never repeated: it can be read only once.
  const followed = ['GET', 'HEAD'].includes(asking.method)
    ? [301, 302, 303, 307, 308]
    : 'duplex' in asking
      ? []
      : [307, 308]
  let at = url
  for (let redirects = 0; redirects <= mostRedirects; redirects++) {
    const answer = await fetch(at, { ...asking, headers: headersFor(at), redirect: 'manual' })
    const location = answer.headers.get('location')
    if (!followed.includes(answer.status) || location === null) return { answer, at }
    await answer.body?.cancel()
    at = nextOf(location, at, 'redirect')
  }
  throw new Error(`more than ${mostRedirects} redirects`)
}

/** A manifest is not trusted, and its digests become parts of paths. */
function asDigest(text: string): string {
  if (/^sha256:[0-9a-f]{64}$/.test(text)) return text
  throw new Error(`"${text}" in the image's manifest is not a sha256 digest`)
}

/** One registry, with the tokens it has given. */
export function registry(host: string, insecure: boolean) {
  const base = new URL(`${insecure ? 'http' : 'https'}://${host}`)
  const basic = basicOf(readConfig(), host)
  const tokens = new Map<string, string>()

  function once(url: URL, { method = 'GET', headers, body }: Asking, scope: string) {
    const token = tokens.get(scope)
    const isStream = typeof body === 'object' && !Buffer.isBuffer(body)
    const asking = {
      method,
      ...(isStream
        ? { body: Readable.toWeb(Readable.from(body.stream())), duplex: 'half' }
        : body !== undefined && { body }),
    } as RequestInit & { method: string }
    return follow(url, asking, (at) => ({
      ...headers,
      ...(token && at.origin === base.origin && { authorization: token }),
      ...(isStream && { 'content-length': String(body.length) }),
    }))
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
      tokens.set(scope, await tokenFor(challenge, at, scope, basic).catch(unreachable))
      await answer.body?.cancel()
      answer = (await once(url, asking, scope).catch(unreachable)).answer
    }
    if (answer.ok || allow.includes(answer.status)) return answer
    throw new Error(`${host}/${repository}: ${refusal(answer.status, await answer.text(), method)}`)
  }

  const unreachable = (error: unknown): never => {
    const { cause, message } = error as Error
    // fetch reports only that it failed; the cause says why.
    throw new Error(
      cause instanceof Error
        ? `${host} cannot be reached: ${cause.message}`
        : `${host}: ${message}`,
    )
  }

  return {
    async manifest(repository: string, version: string): Promise<Fetched | undefined> {
      const isDigest = version.includes(':')
      const path = `/v2/${repository}/manifests/${isDigest ? asDigest(version) : version}`
      const answer = await ask(path, { headers: { accept }, allow: [404] }, repository)
      const bytes = Buffer.from(await answer.arrayBuffer())
      if (answer.status === 404) return undefined
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

    async json(repository: string, digest: string) {
      const answer = await ask(`/v2/${repository}/blobs/${asDigest(digest)}`, {}, repository)
      const bytes = Buffer.from(await answer.arrayBuffer())
      if (sha256(bytes) !== digest) throw new Error(`${host} gives another blob for ${digest}`)
      return JSON.parse(bytes.toString('utf8'))
    },

    async has(repository: string, digest: string): Promise<boolean> {
      const asking = { method: 'HEAD', allow: [404] }
      const answer = await ask(`/v2/${repository}/blobs/${asDigest(digest)}`, asking, repository)
      return answer.ok
    },

    async download(repository: string, digest: string): Promise<AsyncIterable<Buffer>> {
      const answer = await ask(`/v2/${repository}/blobs/${asDigest(digest)}`, {}, repository)
      if (!answer.body) throw new Error(`${host}/${repository} has no ${digest}`)
      return Readable.fromWeb(answer.body as import('node:stream/web').ReadableStream)
    },

    /** A blob that another repository of the registry has, without its bytes; false where it cannot. */
    async mount(repository: string, digest: string, from: string): Promise<boolean> {
      const query = `mount=${asDigest(digest)}&from=${encodeURIComponent(from)}`
      const path = `/v2/${repository}/blobs/uploads/?${query}`
      const answer = await ask(path, { method: 'POST' }, repository)
      await answer.body?.cancel()
      return answer.status === 201
    },

    /** Sends a blob; what it is called is known only when the last byte has passed. */
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
      const where = nextOf(begun.headers.get('location') ?? '', base, 'place to upload to')
      const patched = await ask(where, { method: 'PATCH', headers, body }, repository).catch(
        (error) => {
          // A stream that fails breaks the connection: why it failed is what matters.
          throw fault ?? error
        },
      )
      await patched.body?.cancel()
      if (sent !== length) throw new Error(`${sent} of ${length} bytes were sent`)
      const digest = `sha256:${hash.digest('hex')}`
      const next = patched.headers.get('location') ?? where.href
      const end = nextOf(next, where, 'place to upload to')
      end.searchParams.set('digest', digest)
      const put = await ask(end, { method: 'PUT', headers: { 'content-length': '0' } }, repository)
      await put.body?.cancel()
      return { digest, size: length }
    },
  }
}
export type Registry = ReturnType<typeof registry>

/** Bearer realm="…",service="…" → a token; Basic → the credentials themselves. */
async function tokenFor(challenge: string, from: URL, scope: string, basic: string | undefined) {
  const field = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1]
  const realm = field('realm')
  if (!/^bearer /i.test(challenge) || !realm) {
    if (!basic) throw new Error('it asks for credentials, and registry.pushSecretName gives none')
    return `Basic ${basic}`
  }
  const url = nextOf(realm, from, 'token server')
  const service = field('service')
  if (service) url.searchParams.set('service', service)
  url.searchParams.set('scope', scope)
  const { answer } = await follow(url, { method: 'GET' }, (at) => ({
    ...(basic && at.origin === url.origin && { authorization: `Basic ${basic}` }),
  }))
  if (!answer.ok) throw new Error(`${url.host} gives no token: ${answer.status}`)
  const { token, access_token } = (await answer.json()) as Record<string, string>
  return `Bearer ${token ?? access_token}`
}

/** A registry's errors are JSON, mostly. */
function refusal(status: number, text: string, method: string): string {
  const what = method === 'GET' || method === 'HEAD' ? 'pull' : 'push'
  let words = text.trim().split('\n')[0] ?? ''
  try {
    const { code, message } = JSON.parse(text).errors[0]
    words = [code, message].filter(Boolean).join(': ')
  } catch {
    // Its own words, then.
  }
  // Cleaned before it is cut: half a credential would not be recognized.
  return `${what} refused with ${status}${words ? `: ${cleaned(words).slice(0, 300)}` : ''}`
}
