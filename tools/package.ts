import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { basicOf, type Credentials, credentialsIn, readersOf } from './credentials.ts'
import { filesOf, type Manifest, readManifest, type Sealed } from './manifest.ts'
import { type Options, required } from './options.ts'
import { byteCounter } from './progress.ts'
import {
  type Descriptor,
  type Reference,
  type Registry,
  referenceOf,
  registry,
} from './registry.ts'
import { report } from './report.ts'
import { archive, type Entry, entryOf, lengthOf, type Observer } from './tar.ts'

/**
 * Builds a new image from the run's image, with the artifacts in /content/model. Layers are streamed
 * from storage to the registry, so nothing is written to the builder's disk. Meanwhile, each file's
 * sha256 is compared with the manifest.
 */

const ociManifest = 'application/vnd.oci.image.manifest.v1+json'
const ociConfig = 'application/vnd.oci.image.config.v1+json'
const ociLayer = 'application/vnd.oci.image.layer.v1.tar'

/** Registries refuse layers over 10 GB, and nodes pull several at once. */
const layerSize = 2 * 2 ** 30

/** Maps Docker's media types to OCI's; the bytes are the same. */
export const ociType = (mediaType: string): string =>
  ({
    'application/vnd.docker.image.rootfs.diff.tar.gzip': `${ociLayer}+gzip`,
    'application/vnd.docker.image.rootfs.diff.tar': ociLayer,
    'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip': `${ociLayer}+gzip`,
  })[mediaType] ?? mediaType

/** Groups files, in order, into layers up to the size; a larger file gets a layer of its own. */
export function layersOf(
  entries: readonly Entry[],
  size = layerSize,
): readonly (readonly Entry[])[] {
  const layers: Entry[][] = []
  let room = 0
  for (const entry of entries) {
    const bytes = entry.type === 'file' ? entry.bytes : 0
    if (!layers.length || bytes > room) {
      layers.push([])
      room = size
    }
    layers.at(-1)?.push(entry)
    room -= bytes
  }
  return layers
}

/** The folders above a path, and the whiteout that hides what lower layers have in it. */
export const placeOf = (into: string): readonly Entry[] => {
  const names = into.split('/').filter(Boolean)
  const folders = names.map(
    (_, index): Entry => ({
      type: 'folder',
      name: `${names.slice(0, index + 1).join('/')}/`,
      mode: 0o755,
    }),
  )
  return [
    ...folders,
    { type: 'file', name: `${names.join('/')}/.wh..wh..opq`, mode: 0o644, bytes: 0 },
  ]
}

/** An image's configuration; most of it is passed on unchanged. */
interface ImageConfig {
  readonly config?: {
    readonly Labels?: Readonly<Record<string, string>>
    readonly [field: string]: unknown
  }
  readonly rootfs?: { readonly type?: string; readonly diff_ids?: readonly string[] }
  readonly history?: readonly object[]
  readonly [field: string]: unknown
}

interface Base {
  readonly config: ImageConfig
  readonly layers: readonly Descriptor[]
}

const architecture = process.arch === 'x64' ? 'amd64' : process.arch

const nothing: Base = {
  config: { architecture, os: 'linux' },
  layers: [],
}

async function baseOf(source: Registry, from: Reference): Promise<Base> {
  let found = await source.manifest(from.repository, from.version)
  const list = found?.content.manifests ?? []
  if (list.length) {
    const own = list.find(
      ({ platform }) => platform?.os === 'linux' && platform.architecture === architecture,
    )
    if (!own) throw new Error(`the run's image has none for linux/${architecture}`)
    found = await source.manifest(from.repository, own.digest)
  }
  if (!found) throw new Error(`${from.host}/${from.repository} has no ${from.version}`)
  const { config, layers = [] } = found.content
  if (!config) throw new Error(`${from.host}/${from.repository} has a manifest without a config`)
  return { config: await source.json<ImageConfig>(from.repository, config.digest), layers }
}

interface Place {
  readonly registry: Registry
  readonly reference: Reference
}

type Open = (reference: Reference, basic: string | undefined, needed: string) => Place

/**
 * The run's image, and its registry with the first credentials that can read it. Those of the object
 * and of the administrator's pull Secret come before the push credentials, even for the same host.
 */
async function readBase(
  from: Reference,
  basics: readonly string[],
  open: Open,
): Promise<{ readonly base: Base; readonly source: Place }> {
  const faults: unknown[] = []
  for (const basic of basics.length ? basics : [undefined]) {
    const source = open(from, basic, 'neither imagePullSecrets nor registry.pullSecretName')
    try {
      return { base: await baseOf(source.registry, from), source }
    } catch (fault) {
      faults.push(fault)
    }
  }
  throw faults[0]
}

/** The base image, and where it is; `scratch` is nowhere. */
async function sourceOf(
  from: string,
  credentials: Credentials,
  open: Open,
): Promise<{ readonly base: Base; readonly source?: Place }> {
  if (from === 'scratch') return { base: nothing }
  const reference = referenceOf(from)
  return readBase(reference, readersOf(credentials, reference.host, reference.repository), open)
}

/** Mounts or copies a layer of the base into the new image's repository, unless it is there already. */
async function transferred(layer: Descriptor, from: Place, to: Place): Promise<Descriptor> {
  const { digest, size, mediaType } = layer
  const { repository } = to.reference
  const known = { digest, size, mediaType: ociType(mediaType) }
  if (await to.registry.has(repository, digest)) return known
  const sameHost = from.reference.host === to.reference.host
  if (sameHost && (await to.registry.mount(repository, digest, from.reference.repository)))
    return known
  const stream = await from.registry.download(from.reference.repository, digest)
  const sent = await to.registry.upload(repository, size, () => stream)
  if (sent.digest !== digest) throw new Error(`a layer of ${from.reference.repository} is damaged`)
  return known
}

/** Compares each streamed file with its entry in the manifest. */
function verifier(into: string, files: readonly Sealed[]): Observer {
  const expected = new Map(files.map((file) => [posix.join(into, file.path).slice(1), file]))
  let hash = createHash('sha256')
  return ({ name }, chunk) => {
    if (chunk) return void hash.update(chunk)
    const found = hash.digest('hex')
    hash = createHash('sha256')
    const sealed = expected.get(name)
    if (!sealed || 'link' in sealed || sealed.sha256 !== found)
      throw new Error(`${name} is not what was sealed: the storage has lost or changed data`)
  }
}

export function configWith(
  base: ImageConfig,
  layers: readonly Descriptor[],
  labels: Readonly<Record<string, string>>,
): ImageConfig {
  const { history = [], rootfs, config = {}, ...rest } = base
  return {
    ...rest,
    created: '1970-01-01T00:00:00Z',
    config: { ...config, Labels: { ...config.Labels, ...labels } },
    rootfs: {
      type: 'layers',
      diff_ids: [...(rootfs?.diff_ids ?? []), ...layers.map(({ digest }) => digest)],
    },
    history: [
      ...history,
      ...layers.map(() => ({ created_by: 'substratus package', created: '1970-01-01T00:00:00Z' })),
    ],
  }
}

/** Pushes the configuration and the manifest, after the layers; returns the image's digest. */
async function publish(
  { registry, reference: { repository, version } }: Place,
  config: ImageConfig,
  layers: readonly Descriptor[],
): Promise<string> {
  const text = JSON.stringify(config)
  const sent = await registry.upload(repository, Buffer.byteLength(text), async function* () {
    yield Buffer.from(text)
  })
  return registry.putManifest(
    repository,
    version,
    ociManifest,
    JSON.stringify({
      schemaVersion: 2,
      mediaType: ociManifest,
      config: { mediaType: ociConfig, ...sent },
      layers,
    }),
  )
}

/** The artifacts, at their paths in the image. Throws if a sealed file or link is missing or changed. */
async function sealedEntries(
  artifacts: string,
  into: string,
  manifest: Manifest,
): Promise<readonly Entry[]> {
  const { files, links, folders } = await filesOf(artifacts)
  const named = (path: string) => posix.join(into, path).slice(1)
  const entries = await Promise.all(
    [...folders, ...[...files, ...links].sort()].map((path) =>
      entryOf(artifacts, path, named(path)),
    ),
  )
  const there = new Set([...files, ...links])
  const lost = manifest.files.find(({ path }) => !there.has(path))
  if (lost) throw new Error(`${lost.path} was sealed, and is missing`)
  const sealedLinks = new Map(
    manifest.files.flatMap((file) => ('link' in file ? [[named(file.path), file.link]] : [])),
  )
  const bent = entries.find(
    (entry) => entry.type === 'link' && sealedLinks.get(entry.name) !== entry.to,
  )
  if (bent)
    throw new Error(`${bent.name} is not what was sealed: the storage has lost or changed data`)
  return entries
}

export async function main(options: Options): Promise<void> {
  const from = required(options, 'from')
  const artifacts = required(options, 'artifacts')
  const into = required(options, 'into')
  const image = required(options, 'image')
  const insecureHost = process.env.REGISTRY_INSECURE === 'true' ? referenceOf(image).host : ''
  const open: Open = (reference, basic, needed) => ({
    reference,
    registry: registry(reference.host, {
      insecure: reference.host === insecureHost,
      basic,
      needed,
    }),
  })
  const credentials = credentialsIn(process.env)
  const target = referenceOf(image)
  const to = open(target, basicOf(credentials.push, target.host), 'registry.pushSecretName')
  const { repository } = to.reference

  const before = written()
  const manifest = await readManifest(artifacts)
  const { base, source } = await sourceOf(from, credentials, open)

  const entries = await sealedEntries(artifacts, into, manifest)
  const verify = verifier(into, manifest.files)
  const sent = byteCounter(manifest.bytes)
  const observe: Observer = (entry, chunk) => {
    if (chunk) sent(chunk.length)
    verify(entry, chunk)
  }

  const baseLayers: Descriptor[] = []
  for (const layer of base.layers)
    baseLayers.push(source ? await transferred(layer, source, to) : layer)

  const added: Descriptor[] = []
  for (const layer of layersOf([...placeOf(into), ...entries])) {
    const length = lengthOf(layer)
    console.log(`pushing ${layer.length} files, ${length} bytes`)
    const sent = await to.registry.upload(repository, length, () => archive(layer, observe))
    added.push({ ...sent, mediaType: ociLayer })
  }

  const labels = {
    'ai.substratus.created-by': 'substratus package',
    'ai.substratus.artifacts': manifest.digest,
    'org.opencontainers.image.base.name': from,
  }
  const config = configWith(base.config, added, labels)
  const digest = await publish(to, config, [...baseLayers, ...added])
  console.log(`bytes written to disk while packaging: ${written() - before}`)
  report({ digest })
}

/** What this process has written to disk, as the kernel counts it. */
const written = (): number =>
  Number(/^write_bytes: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1])
