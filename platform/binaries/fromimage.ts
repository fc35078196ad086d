import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Descriptor, referenceOf, registry } from '../../tools/registry.ts'
import { silenceAfter } from '../../tools/silence.ts'
import { command } from '../command.ts'
import type { Progress } from '../progress.ts'
import { placed } from './cache.ts'
import { goArch, goOs } from './catalog.ts'
import { extractMember, reporting } from './releases.ts'

interface Extracting {
  readonly progress: Progress
  readonly signal?: AbortSignal
}

/** Extracts one binary from an image, by its file name, to `path`. */
export async function extractFromImage(
  image: string,
  binary: string,
  path: string,
  how: Extracting,
): Promise<string> {
  const source = sourceOf(image, how)
  const folder = await mkdtemp(join(tmpdir(), 'substratus-image-'))
  try {
    // The program of an image is usually in its last layers.
    for (const descriptor of [...(await source.layers())].reverse()) {
      const layer = join(folder, descriptor.digest.replace(':', '-'))
      await source.save(descriptor, layer)
      const member = await memberOf(layer, binary)
      if (member) return await placed(path, (temporary) => extractMember(layer, member, temporary))
      await rm(layer)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  throw new Error(`"${image}" has no file named ${binary}`)
}

/** How long the registry may send nothing. */
const silenceMs = 20_000

/** The image, pulled without credentials. */
function sourceOf(image: string, { progress, signal }: Extracting) {
  const { host, repository, version } = referenceOf(image)
  const insecure = /^(localhost|127\.0\.0\.1)(:|$)/.test(host)
  const from = registry(host, { insecure })

  const manifest = async (version: string) => {
    const quiet = silenceAfter(silenceMs, signal)
    try {
      const found = await from.manifest(repository, version, quiet.signal)
      if (!found) throw new Error(`${host}/${repository} has no ${version}`)
      return found.content
    } finally {
      quiet.stop()
    }
  }

  const layers = async (): Promise<readonly Descriptor[]> => {
    const top = await manifest(version)
    const own = top.manifests ? await manifest(ownPlatform(top.manifests, image)) : top
    return own.layers ?? []
  }

  const save = async ({ digest, size }: Descriptor, path: string): Promise<void> => {
    const quiet = silenceAfter(silenceMs, signal)
    const hash = createHash('sha256')
    const report = reporting(`${host}/${repository}`, progress)
    let bytes = 0
    const watched = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        quiet.reset()
        hash.update(chunk)
        bytes += chunk.length
        report(bytes, size)
        done(null, chunk)
      },
    })
    try {
      const blob = await from.download(repository, digest, quiet.signal)
      await pipeline(blob, watched, createWriteStream(path))
    } finally {
      quiet.stop()
    }
    if (`sha256:${hash.digest('hex')}` !== digest)
      throw new Error(`${host} returned a different layer for ${digest}`)
  }

  return { layers, save }
}

function ownPlatform(manifests: readonly Descriptor[], image: string): string {
  const own = manifests.find(
    ({ platform }) => platform?.os === goOs() && platform.architecture === goArch(),
  )
  if (!own) throw new Error(`"${image}" has nothing for ${goOs()}/${goArch()}`)
  return own.digest
}

/** tar itself detects the compression of a layer. */
async function memberOf(layer: string, binary: string): Promise<string | undefined> {
  const lines = (await command('tar', ['-tf', layer])).split('\n')
  return lines.find((name) => name === binary || name.endsWith(`/${binary}`))
}
