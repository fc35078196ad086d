import { createHash } from 'node:crypto'
import { chmodSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'
import { registryHost } from '../../platform/node/addresses.ts'
import type { Base } from '../../platform/node/images.ts'
import { debian, type Layer } from '../../platform/node/layers.ts'
import { root } from '../../terminal/root.ts'
import { aConfig } from '../objects.ts'
import { extractWheel, wheelIn, wheelsOf } from './wheels.ts'

/** Stand-ins for public images, by the names that a registry has them under. */

const modules = 'usr/local/lib/python3.11/dist-packages'

const xllamacpp: Layer = {
  name: 'xllamacpp-2026.10.11549',
  make: async (to) => {
    await extractWheel(wheelIn(await wheelsOf('llamacpp'), 'xllamacpp'), join(to, modules))
  },
}

const program = join(root, 'test/node/llamacpp/llama-server')
const hash = createHash('sha256').update(readFileSync(program)).digest('hex').slice(0, 12)

const llamaServer: Layer = {
  name: `llama-server-${hash}`,
  make: async (to) => {
    mkdirSync(join(to, 'app'))
    cpSync(program, join(to, 'app/llama-server'))
    chmodSync(join(to, 'app/llama-server'), 0o755)
  },
}

const { images, servers } = aConfig()

/** An image’s name in its registry. */
export const nameInRegistry = (image = ''): string => image.replace(/^[^/]+\//, '')

/** As llama.cpp’s own image: the same program, variable and folder. */
export const llamacpp: Base = {
  name: nameInRegistry(servers.presets.llamacpp?.image),
  layers: [debian, xllamacpp, llamaServer],
  flags: ['--entrypoint', '/app/llama-server', '--env=LLAMA_ARG_HOST=0.0.0.0', '--workdir=/app'],
}

const pip: Layer = {
  name: 'pip-26.3',
  make: async (to) => {
    await extractWheel(wheelIn(await wheelsOf('jax'), 'pip'), join(to, modules))
    const bin = join(to, 'usr/local/bin')
    mkdirSync(bin, { recursive: true })
    for (const name of ['python', 'python3']) symlinkSync('/usr/bin/python3', join(bin, name))
    writeFileSync(join(bin, 'pip'), '#!/bin/sh\nexec python3 -m pip "$@"\n', { mode: 0o755 })
  },
}

/** As Python’s own image, but Debian’s Python. */
export const python: Base = {
  name: 'library/python:3.11-slim',
  layers: [debian, pip],
  flags: ['--cmd', '/usr/local/bin/python3'],
}

/** The name of the image that Notebooks run. */
export const notebook = nameInRegistry(images.notebook)

/** Lets containerd pull the images of these registries from the node’s. */
export function mirrored(registries: readonly string[]): void {
  for (const host of registries) {
    const folder = join(inject('cluster').dir, 'node', 'certs', host)
    mkdirSync(folder, { recursive: true })
    writeFileSync(
      join(folder, 'hosts.toml'),
      `server = "https://${host}"\n[host."http://${registryHost}"]\n  capabilities = ["pull", "resolve"]\n`,
    )
  }
}
