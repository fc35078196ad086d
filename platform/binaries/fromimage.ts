import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { command } from '../command.ts'
import type { Progress } from '../progress.ts'
import { placed } from './cache.ts'
import { goArch, goOs } from './catalog.ts'
import { downloadTo, extractMember, open } from './releases.ts'

/** An image's name taken apart. */
export interface Reference {
  readonly registry: string
  readonly repository: string
  /** A tag, or sha256:… */
  readonly version: string
}

/** registry/repository[:tag][@sha256:…]; a digest wins over a tag. */
export function referenceOf(text: string): Reference {
  const [name = '', digest] = text.split('@')
  const [registry = '', ...rest] = name.split('/')
  const [repository = '', tag = 'latest'] = rest.join('/').split(':')
  if (
    !/[.:]|^localhost$/.test(registry) ||
    !repository ||
    (digest && !/^sha256:[0-9a-f]{64}$/.test(digest))
  ) {
    throw new Error(`"${text}" is no full image name: registry/repository:tag or …@sha256:…`)
  }
  return { registry, repository, version: digest ?? tag }
}

interface Descriptor {
  readonly digest: string
  readonly mediaType?: string
  readonly platform?: { readonly os: string; readonly architecture: string }
}

interface Manifest {
  readonly manifests?: readonly Descriptor[]
  readonly layers?: readonly Descriptor[]
}

const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

interface Extracting {
  readonly progress: Progress
  readonly signal?: AbortSignal
}

/** Takes one binary out of an image, by its file name, and puts it at `path`. */
export async function extractFromImage(
  image: string,
  binary: string,
  path: string,
  how: Extracting,
): Promise<string> {
  const reference = referenceOf(image)
  const registry = registryOf(reference, how)
  const top = await registry.manifest(reference.version)
  const manifest = top.manifests ? await registry.manifest(ownPlatform(top.manifests, image)) : top
  const folder = await mkdtemp(join(tmpdir(), 'substratus-image-'))
  try {
    // The last layers carry what the image was made for.
    for (const { digest } of [...(manifest.layers ?? [])].reverse()) {
      const layer = join(folder, digest.replace(':', '-'))
      await registry.blob(digest, layer)
      const member = await memberOf(layer, binary)
      if (member) return await placed(path, (temporary) => extractMember(layer, member, temporary))
      await rm(layer)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  throw new Error(`"${image}" has no file named ${binary}`)
}

function ownPlatform(manifests: readonly Descriptor[], image: string): string {
  const own = manifests.find(
    ({ platform }) => platform?.os === goOs() && platform.architecture === goArch(),
  )
  if (!own) throw new Error(`"${image}" has nothing for ${goOs()}/${goArch()}`)
  return own.digest
}

/** tar finds out itself how a layer is compressed. */
async function memberOf(layer: string, binary: string): Promise<string | undefined> {
  const lines = (await command('tar', ['-tf', layer])).split('\n')
  return lines.find((name) => name === binary || name.endsWith(`/${binary}`))
}

/** The few calls of the registry protocol that a pull needs. */
function registryOf({ registry, repository }: Reference, how: Extracting) {
  const scheme = /^(localhost|127\.0\.0\.1)(:|$)/.test(registry) ? 'http' : 'https'
  const base = `${scheme}://${registry}/v2/${repository}`
  let authorization: string | undefined

  const headers = (more: Readonly<Record<string, string>> = {}) => ({
    ...more,
    ...(authorization && { authorization }),
  })

  const manifest = async (version: string): Promise<Manifest> => {
    const url = `${base}/manifests/${version}`
    const get = () => open(url, how.signal, headers({ accept: manifestTypes }))
    let { response, quiet } = await get()
    if (response.status === 401) {
      clearTimeout(quiet)
      await response.body?.cancel()
      authorization = await anonymousToken(response.headers.get('www-authenticate') ?? '', how)
      ;({ response, quiet } = await get())
    }
    const bytes = Buffer.from(await response.arrayBuffer())
    clearTimeout(quiet)
    if (!response.ok) throw new Error(`${url} answers ${response.status}`)
    const found = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
    if (version.startsWith('sha256:') && found !== version) {
      throw new Error(`${url} has the digest ${found}: refused`)
    }
    return JSON.parse(bytes.toString('utf8'))
  }

  const blob = async (digest: string, path: string) => {
    if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new Error(`"${digest}" is no sha256 digest`)
    await downloadTo(path, `${base}/blobs/${digest}`, digest.slice('sha256:'.length), {
      ...how,
      headers: headers(),
    })
  }

  return { manifest, blob }
}

/** Bearer realm="…",service="…",scope="…" → a token, as anybody gets for a public image. */
async function anonymousToken(challenge: string, how: Extracting): Promise<string> {
  const field = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1]
  const realm = field('realm')
  if (!challenge.startsWith('Bearer ') || !realm) {
    throw new Error('the registry asks for a login that is not anonymous')
  }
  const url = new URL(realm)
  for (const name of ['service', 'scope']) {
    const value = field(name)
    if (value) url.searchParams.set(name, value)
  }
  const { response, quiet } = await open(url.href, how.signal)
  const body = (await response.json()) as { token?: string; access_token?: string }
  clearTimeout(quiet)
  return `Bearer ${body.token ?? body.access_token}`
}
