import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { configOf, defaultConfig } from '../../crds/config.ts'
import { sentence } from '../../crds/schema/validator.ts'
import { root } from '../../terminal/root.ts'
import { findBuildBinaries } from '../binaries/find.ts'
import { programNamed } from '../node/requirements.ts'
import { type Build, withBuilder } from './buildkit.ts'
import { hasBuildx, withBuildx } from './buildx.ts'
import { copyInto, writeContext } from './context.ts'
import { probe } from './probe.ts'
import { nameOf, targets } from './targets.ts'

/** `npm run images`: builds the three images, and pushes them. */

export interface ImagesOptions {
  /** Where to push: PREFIX/substratus:TAG and so on. */
  readonly push?: string
  readonly tag?: string
  readonly platform?: string
  readonly base?: string
  readonly buildkit?: string
  /** Whether the registry speaks plain HTTP. */
  readonly insecure?: boolean
  /** Only write the context of the Dockerfile, to this folder. */
  readonly context?: string
}

const say = (line: string) => console.error(line)

export async function imagesCommand(options: ImagesOptions): Promise<number> {
  const { push, context } = options
  if (context) {
    await writeContext(resolve(context))
    return 0
  }
  if (!push)
    throw new Error(
      'name where to push the images: npm run images -- --push registry.example.com/tools',
    )
  const { tag } = options
  const checked = configOf({ images: { prefix: push, ...(tag && { tag }) } })
  if ('errors' in checked) throw new Error(checked.errors.map(sentence).join('; '))
  const folder = mkdtempSync(join(tmpdir(), 'substratus-images-'))
  const abort = new AbortController()
  // So that what is begun is removed.
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => abort.abort(new Error('interrupted')))
  try {
    await pushAll(buildsOf(join(folder, 'context'), push, options), folder, options, abort.signal)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const values = [`config.images.prefix=${push}`, ...(tag ? [`config.images.tag=${tag}`] : [])]
  say(`pushed. For helm install: ${values.map((value) => `--set ${value}`).join(' ')}`)
  return 0
}

function buildsOf(context: string, prefix: string, options: ImagesOptions): readonly Build[] {
  const { tag = defaultConfig.images.tag, platform, base, buildkit, insecure = false } = options
  const args = {
    VERSION: tag,
    REVISION: revision(),
    ...(base && { BASE: base }),
    ...(buildkit && { BUILDKIT: buildkit }),
  }
  return targets.map((target) => ({
    context,
    target,
    image: `${prefix}/${nameOf(target)}:${tag}`,
    args,
    insecure,
    ...(platform && { platforms: platform.split(',') }),
  }))
}

async function pushAll(
  builds: readonly Build[],
  folder: string,
  { push, insecure }: ImagesOptions,
  signal: AbortSignal,
) {
  if (hasBuildx()) {
    say('building with docker buildx')
    return withBuildx((build) => buildAll(builds, folder, build), signal)
  }
  if (!programNamed('runc'))
    throw new Error(
      'docker buildx is not available, and BuildKit without Docker needs runc: install one of the two',
    )
  say('docker buildx is not available: building with BuildKit')
  const binaries = await findBuildBinaries({ progress: say, signal })
  const registry = push?.split('/')[0]
  await withBuilder(
    { binaries, folder, signal, ...(insecure && registry && { insecure: registry }) },
    (build) => buildAll(builds, folder, (one) => build({ onLine: say, ...one })),
  )
}

async function buildAll(
  builds: readonly Build[],
  folder: string,
  build: (one: Build) => Promise<void>,
): Promise<void> {
  const [first] = builds
  if (!first) return
  say(`checking that programs for ${first.platforms?.join(', ') ?? 'this machine'} run`)
  const dockerfile = join(folder, 'probe')
  copyInto(dockerfile, root, ['Dockerfile'])
  await probe(build, { ...first, context: dockerfile }, say)
  say('compiling the server')
  await writeContext(first.context)
  for (const one of builds) {
    say(`building ${one.image}`)
    await build(one)
  }
}

/** The commit of the sources; empty if they are not in a Git repository. */
function revision(): string {
  try {
    const git = ['-C', root, 'rev-parse', 'HEAD'] as const
    return execFileSync('git', git, { encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    return ''
  }
}
