import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../../terminal/root.ts'
import { nodeCache } from '../binaries/cache.ts'
import type { NodeBinaries } from '../binaries/find.ts'
import { command } from '../command.ts'
import type { Progress } from '../progress.ts'
import { imageNamed, registryHost } from './addresses.ts'
import { programPath } from './requirements.ts'

/**
 * Images without a public registry. Root file systems come from Debian's packages, and BuildKit builds
 * the project's own tools from tools/Dockerfile. All are cached as OCI layouts:
 *
 *     busybox, debootstrap, pip ──▶ layers ──▶ base images ──▶ tools/Dockerfile ──▶ tool images
 */

export interface Preparing {
  readonly binaries: NodeBinaries
  readonly progress: Progress
  readonly signal?: AbortSignal
}

export interface Making extends Preparing {
  readonly folder: string
}

const env = { ...process.env, PATH: programPath() }
const searchPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** A root file system, or a part of one, as a tar archive. */
export interface Layer {
  readonly name: string
  readonly make: (root: string, making: Preparing) => Promise<void>
}

const sh = (script: string, args: readonly string[], signal?: AbortSignal): Promise<string> =>
  command('/bin/sh', ['-ec', script, 'sh', ...args], { env, ...(signal && { signal }) })

const busybox: Layer = {
  name: 'busybox',
  make: async (to) => {
    for (const folder of ['bin', 'tmp', 'etc', 'content', 'proc', 'sys', 'dev', 'root'])
      mkdirSync(join(to, folder), { recursive: true })
    copyFileSync('/bin/busybox', join(to, 'bin', 'busybox'))
    const applets = (await sh('/bin/busybox --list', [])).split('\n').filter(Boolean)
    for (const applet of applets.filter((name) => name !== 'busybox'))
      symlinkSync('busybox', join(to, 'bin', applet))
    writeFileSync(join(to, 'etc', 'passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
    await sh('chmod 1777 "$1/tmp"', [to])
  },
}

const packages =
  'git,git-lfs,ca-certificates,openssh-client,python3,uidmap,libcap2-bin,rclone,procps,libgomp1,libnuma1'

export const debian: Layer = {
  name: 'debian-bookworm-3',
  make: async (to, { signal }) => {
    await sh(
      'debootstrap --variant=minbase --include="$2" bookworm "$1" "$3" >&2; rm -rf "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/*',
      [to, packages, 'http://deb.debian.org/debian'],
      signal,
    )
  },
}

/** For the Python of Debian 12, whichever this machine has. */
const hub: Layer = {
  name: 'huggingface-hub-2.4.0',
  make: async (to, { signal }) => {
    await sh(
      'pip3 install --quiet --python-version 3.11 --only-binary=:all: --target "$1/usr/local/lib/python3.11/dist-packages" huggingface_hub==2.4.0 >&2',
      [to],
      signal,
    )
  },
}

const nodejs: Layer = {
  name: `node-${process.version}`,
  make: async (to) => {
    mkdirSync(join(to, 'usr/local/bin'), { recursive: true })
    copyFileSync(process.execPath, join(to, 'usr/local/bin/node'))
  },
}

/** Laid out as pip does in /usr/local: programs and data beside the modules, not among them. */
const jupyterlab: Layer = {
  name: 'jupyterlab-4.6.6',
  make: async (to, { signal }) => {
    await sh(
      `local="$1/usr/local"; modules="$local/lib/python3.11/dist-packages"
       pip3 install --quiet --python-version 3.11 --only-binary=:all: --target "$modules" jupyterlab==4.6.6 >&2
       sed -i '1s|^#!.*python.*|#!/usr/bin/python3|' "$modules"/bin/*
       mv "$modules/bin" "$modules/share" "$modules/etc" "$local"`,
      [to],
      signal,
    )
  },
}

/** What Jupyter Docker Stacks adds to an image: https://github.com/jupyter/docker-stacks. */
const jovyan: Layer = {
  name: 'jovyan-1',
  make: async (to, { signal }) => {
    const files = {
      'etc/passwd':
        'root:x:0:0:root:/root:/bin/bash\njovyan:x:1000:100::/home/jovyan:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n',
      'etc/jupyter/jupyter_server_config.py':
        'c = get_config()\nc.ServerApp.ip = ""\nc.ServerApp.open_browser = False\nc.InlineBackend.figure_formats = {"png", "jpeg", "svg", "pdf"}\nc.FileContentsManager.delete_to_trash = False\n',
      'usr/local/bin/start.sh': '#!/bin/bash\nset -e\nexec "$@"\n',
      'usr/local/bin/start-notebook.py':
        '#!/usr/bin/python3\nimport os\nos.execvp("jupyter", ["jupyter", "lab"])\n',
      'home/jovyan/.bashrc': 'eval "$(conda shell.bash hook)"\n',
    }
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(to, name, '..'), { recursive: true })
      writeFileSync(join(to, name), text)
    }
    await sh(
      'cd "$1"; chmod 755 usr/local/bin/*; chown -R 1000:100 home/jovyan; chmod -R g+w home/jovyan',
      [to],
      signal,
    )
  },
}

/** At the same paths as in moby/buildkit. */
const buildkit: Layer = {
  name: 'buildkit-0.34.2',
  make: async (to, { binaries }) => {
    const bin = join(to, 'usr/bin')
    mkdirSync(bin, { recursive: true })
    for (const name of ['buildkitd', 'buildctl', 'rootlesskit'] as const)
      copyFileSync(binaries[name], join(bin, name))
    await sh('cp "$(command -v runc)" "$1/buildkit-runc"', [bin])
  },
}

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

const targets = ['builder', 'loader', 'seal', 'idle'] as const

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
  const { progress } = making
  for (const base of bases) await provideBase(base, making)
  const key = toolsKey()
  const missing = targets.filter((target) => !existsSync(layoutOf(toolImage(target), key)))
  if (missing.length) progress('building the images of the tools from tools/Dockerfile')
  if (missing.length) await withBuilder(making, missing)
  for (const target of targets) await provided(toolImage(target), key, making, async () => {})
}

/** Pushes a base image, which is made first if it is not in the cache. */
export async function provideBase(base: Base, making: Making): Promise<void> {
  await provided(base.name, keyOf(base), making, async () => {
    making.progress(`making the image ${base.name}`)
    await makeBase(base, making)
  })
}

export const toolImage = (target: (typeof targets)[number]): string => `tools/${target}:1`

/** A hash of everything that the images of the tools depend on. */
function toolsKey(): string {
  const folder = join(root, 'tools')
  const hash = createHash('sha256')
  // Python leaves a folder beside the programs that it has run.
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile())
  for (const name of files.map((file) => file.name).sort())
    hash.update(name).update(readFileSync(join(folder, name)))
  for (const { layers } of bases) hash.update(layers.map(({ name }) => name).join())
  return hash.digest('hex').slice(0, 16)
}

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

/** Runs BuildKit on this machine, as root, while the tool images are built. */
async function withBuilder(making: Making, wanted: readonly (typeof targets)[number][]) {
  const { folder, binaries, signal } = making
  const state = join(folder, 'buildkit')
  const config = join(folder, 'buildkitd.toml')
  mkdirSync(state, { recursive: true })
  writeFileSync(config, `[registry."${registryHost}"]\n  http = true\n`)
  const address = `unix://${join(folder, 'buildkitd.sock')}`
  const abort = new AbortController()
  const stop = signal ? AbortSignal.any([signal, abort.signal]) : abort.signal
  let ended = ''
  const daemon = command(
    binaries.buildkitd,
    [`--root=${state}`, `--addr=${address}`, `--config=${config}`, '--oci-worker-binary=runc'],
    { env, signal: stop },
  ).catch((error) => {
    ended = String(error)
  })
  const buildctl = (...args: readonly string[]) =>
    command(binaries.buildctl, [`--addr=${address}`, ...args], { env, ...(signal && { signal }) })
  try {
    for (let tries = 0; ; tries++) {
      const up = await buildctl('debug', 'workers').then(
        () => true,
        () => false,
      )
      if (up) break
      if (ended || tries > 200) throw new Error(`buildkitd does not start: ${ended}`)
      await new Promise((done) => setTimeout(done, 100))
    }
    const tools = join(root, 'tools')
    for (const target of wanted) {
      const image = imageNamed(toolImage(target))
      await buildctl(
        ...['build', '--progress=plain', '--frontend=dockerfile.v0'],
        ...[`--local=context=${tools}`, `--local=dockerfile=${tools}`, `--opt=target=${target}`],
        `--opt=build-arg:BASE=${imageNamed('base/node:24')}`,
        `--opt=build-arg:BUILDKIT=${imageNamed('base/buildkit:1')}`,
        `--output=type=image,name=${image},push=true,oci-mediatypes=true`,
      )
    }
  } finally {
    abort.abort()
    await daemon
    await sh('umount -R "$1" 2>/dev/null || true; rm -rf "$1"', [state])
  }
}
