import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NodeBinaries } from '../binaries/find.ts'
import { command } from '../command.ts'
import type { Progress } from '../progress.ts'
import { programPath } from './requirements.ts'

/** The layers of base images, from Debian's packages, from PyPI and from binaries. */

export interface Preparing {
  readonly binaries: NodeBinaries
  readonly progress: Progress
  readonly signal?: AbortSignal
}

export const env = { ...process.env, PATH: programPath() }

/** A root file system, or a part of one, as a tar archive. */
export interface Layer {
  readonly name: string
  readonly make: (root: string, making: Preparing) => Promise<void>
}

export const sh = (
  script: string,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<string> =>
  command('/bin/sh', ['-ec', script, 'sh', ...args], { env, ...(signal && { signal }) })

export const busybox: Layer = {
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
export const hub: Layer = {
  name: 'huggingface-hub-2.4.0',
  make: async (to, { signal }) => {
    await sh(
      'pip3 install --quiet --python-version 3.11 --only-binary=:all: --target "$1/usr/local/lib/python3.11/dist-packages" huggingface_hub==2.4.0 >&2',
      [to],
      signal,
    )
  },
}

export const nodejs: Layer = {
  name: `node-${process.version}`,
  make: async (to) => {
    mkdirSync(join(to, 'usr/local/bin'), { recursive: true })
    copyFileSync(process.execPath, join(to, 'usr/local/bin/node'))
  },
}

/** Laid out as pip does in /usr/local: programs and data beside the modules, not among them. */
export const jupyterlab: Layer = {
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
export const jovyan: Layer = {
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
export const buildkit: Layer = {
  name: 'buildkit-0.34.2',
  make: async (to, { binaries }) => {
    const bin = join(to, 'usr/bin')
    mkdirSync(bin, { recursive: true })
    for (const name of ['buildkitd', 'buildctl', 'rootlesskit'] as const)
      copyFileSync(binaries[name], join(bin, name))
    await sh('cp "$(command -v runc)" "$1/buildkit-runc"', [bin])
  },
}
