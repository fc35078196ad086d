import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../../terminal/root.ts'
import { nodeCache } from '../binaries/cache.ts'
import { command } from '../command.ts'
import { withBuilder } from '../images/buildkit.ts'
import { serverFiles, toolFiles, writeContext } from '../images/context.ts'
import { nameOf, type Target, targets } from '../images/targets.ts'
import { imageNamed, registryHost } from './addresses.ts'
import {
  buildkit,
  busybox,
  debian,
  env,
  hub,
  jovyan,
  jupyterlab,
  type Layer,
  nodejs,
  type Preparing,
  sh,
} from './layers.ts'

/**
 * Images without a public registry. Root file systems come from Debian's packages, and BuildKit builds
 * the project's own ones from Dockerfile. All are cached as OCI layouts:
 *
 *     busybox, debootstrap, pip ──▶ layers ──▶ base images ──▶ Dockerfile ──▶ the project's images
 */

export interface Making extends Preparing {
  readonly folder: string
}

const searchPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export interface Base {
  readonly name: string
  readonly layers: readonly Layer[]
  readonly flags: readonly string[]
}

const bases: readonly Base[] = [
  { name: 'pause:1', layers: [busybox], flags: ['--entrypoint', '/bin/sleep,2147483647'] },
  { name: 'base/busybox:1', layers: [busybox], flags: ['--cmd', '/bin/sh'] },
  { name: 'base/python:3', layers: [debian], flags: ['--cmd', '/usr/bin/python3'] },
  { name: 'base/node:24', layers: [debian, hub, nodejs], flags: ['--cmd', '/usr/local/bin/node'] },
  { name: 'base/buildkit:1', layers: [buildkit], flags: ['--cmd', '/usr/bin/buildkitd'] },
]

/** For Notebooks; built only on request. */
export const jupyterImage = 'base/jupyter:4'
/** The same as Jupyter Docker Stacks builds it: everything belongs to root, and uid 1000 runs it. */
export const stacksImage = 'base/jupyter-stacks:4'
const jupyter: readonly Base[] = [
  { name: jupyterImage, layers: [debian, jupyterlab], flags: ['--cmd', '/bin/bash'] },
  {
    name: stacksImage,
    layers: [debian, jupyterlab, jovyan],
    flags: [
      '--user=1000',
      '--workdir=/home/jovyan',
      ...['SHELL=/bin/bash', 'NB_USER=jovyan', 'NB_UID=1000', 'NB_GID=100'],
      ...['HOME=/home/jovyan', 'JUPYTER_PORT=8888', 'LC_ALL=C.UTF-8'],
      ...['--entrypoint=start.sh', '--cmd=start-notebook.py'],
    ].map((flag) => (flag.startsWith('--') ? flag : `--env=${flag}`)),
  },
]

export async function provideJupyter(making: Making): Promise<void> {
  for (const base of jupyter) await provideBase(base, making)
}

const keyOf = ({ layers, flags }: Base): string =>
  layers.map(({ name }) => name).join('+') + flags.join('')

/**
 * Makes the layers of the images that are not in the cache, before anything runs. This needs Debian's
 * mirror and PyPI; one error lists everything that cannot be downloaded.
 */
export async function prepareImages(making: Preparing): Promise<void> {
  const lacking = bases.filter((base) => !existsSync(layoutOf(base.name, keyOf(base))))
  const failed: string[] = []
  for (const layer of new Set(lacking.flatMap(({ layers }) => layers))) {
    making.signal?.throwIfAborted()
    await tarOf(layer, making).catch(({ message }: Error) =>
      failed.push(`  ${layer.name}: ${message}`),
    )
  }
  if (failed.length)
    throw new Error(['a real node cannot run here. Its images want', ...failed].join('\n'))
}

/** Pushes every image to the registry, and builds those that are not in the cache. */
export async function provideImages(making: Making): Promise<void> {
  for (const base of bases) await provideBase(base, making)
  const missing = targets.filter(
    (target) => !existsSync(layoutOf(toolImage(target), toolKey(target))),
  )
  if (missing.length) making.progress('building the images of the tools')
  if (missing.length) await buildTools(making, missing)
  for (const target of targets)
    await provided(toolImage(target), toolKey(target), making, async () => {})
}

/** Pushes a base image, which is made first if it is not in the cache. */
export async function provideBase(base: Base, making: Making): Promise<void> {
  await provided(base.name, keyOf(base), making, async () => {
    making.progress(`making the image ${base.name}`)
    await makeBase(base, making)
  })
}

export const toolImage = (target: Target): string => `tools/${nameOf(target)}:${toolTag}`
export const toolTag = '1'

/** A hash of everything that an image of the tools depends on. */
function toolKey(target: Target): string {
  const hash = createHash('sha256')
  for (const name of sourcesOf(target)) hash.update(name).update(readFileSync(join(root, name)))
  for (const { layers } of bases) hash.update(layers.map(({ name }) => name).join())
  return hash.digest('hex').slice(0, 16)
}

const sourcesOf = (target: Target): readonly string[] => [
  'Dockerfile',
  ...(target === 'substratus' ? serverFiles() : toolFiles().map((name) => `tools/${name}`)),
]

const short = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12)

const layoutOf = (name: string, key: string): string =>
  join(nodeCache(process.env), 'images', `${name.replaceAll(/[/:]/g, '_')}-${short(key)}`)

const crane = ({ binaries, signal }: Making, ...args: readonly string[]) =>
  command(binaries.crane, args, { env, ...(signal && { signal }) })

/** Pushes an image from the cache to the registry. If it is not cached, it is built first. */
async function provided(name: string, key: string, making: Making, make: () => Promise<void>) {
  const layout = layoutOf(name, key)
  const image = imageNamed(name)
  if (existsSync(layout)) {
    await crane(making, 'push', '--insecure', layout, image)
    return
  }
  await make()
  const part = `${layout}.${process.pid}`
  mkdirSync(join(layout, '..'), { recursive: true })
  await crane(making, 'pull', '--insecure', '--format=oci', image, part)
  renameSync(part, layout)
}

async function makeBase({ name, layers, flags }: Base, making: Making): Promise<void> {
  const tars: string[] = []
  for (const layer of layers) tars.push(await tarOf(layer, making))
  const image = imageNamed(name)
  await crane(making, 'append', '--insecure', '--oci-empty-base', '-f', tars.join(','), '-t', image)
  const platform = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`
  await crane(
    making,
    'mutate',
    '--insecure',
    image,
    `--set-platform=${platform}`,
    `--env=${searchPath}`,
    ...flags,
    '-t',
    image,
  )
}

async function tarOf(layer: Layer, making: Preparing): Promise<string> {
  const path = join(nodeCache(process.env), 'rootfs', `${layer.name}.tar`)
  if (existsSync(path)) return path
  making.progress(`  making ${layer.name}`)
  mkdirSync(join(path, '..'), { recursive: true })
  const folder = mkdtempSync(join(tmpdir(), 'substratus-rootfs-'))
  try {
    await layer.make(folder, making)
    const part = `${path}.${process.pid}`
    // The folder has mode 700, but / must be readable for every user of the image.
    await sh(
      `chmod 755 "$1"; tar --xattrs --xattrs-include='*' -C "$1" -cf "$2" . && mv "$2" "$3"`,
      [folder, part, path],
    )
    return path
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Builds images of the tools, as `npm run images` does. */
async function buildTools(making: Making, wanted: readonly Target[]): Promise<void> {
  const { folder, signal, progress } = making
  const context = join(folder, 'context')
  await writeContext(context)
  await withBuilder({ ...making, insecure: registryHost }, async (build) => {
    for (const target of wanted) {
      progress(`  building ${nameOf(target)}`)
      await build({
        context,
        target,
        image: imageNamed(toolImage(target)),
        args: { BASE: imageNamed('base/node:24'), BUILDKIT: imageNamed('base/buildkit:1') },
        insecure: true,
      })
    }
  })
  signal?.throwIfAborted()
  rmSync(context, { recursive: true })
}
