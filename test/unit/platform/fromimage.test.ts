import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { goArch, goOs } from '../../../platform/binaries/catalog.ts'
import { extractFromImage } from '../../../platform/binaries/fromimage.ts'

const sha256 = (data: string | Buffer) =>
  `sha256:${createHash('sha256').update(data).digest('hex')}`

let home: string
let server: Server
let requests: string[]
/** The contents of the registry, by path below /v2/org/tool/. */
const content = new Map<string, string | Buffer>()
let index: string

/** A registry that requires a token, as ghcr.io does even for public images. */
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'substratus-test-'))
  server = createServer((req, res) => {
    requests.push(req.url ?? '')
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    if (req.url === '/token?service=registry&scope=repository%3Aorg%2Ftool%3Apull') {
      return res.end(JSON.stringify({ token: 'abc' }))
    }
    if (req.headers.authorization !== 'Bearer abc') {
      const scope = 'scope="repository:org/tool:pull"'
      const challenge = `Bearer realm="${base}/token",service="registry",${scope}`
      return res.writeHead(401, { 'www-authenticate': challenge }).end()
    }
    const found = content.get((req.url ?? '').replace('/v2/org/tool/', ''))
    return res.writeHead(found ? 200 : 404).end(found)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))

  const layer = (folder: string, file: string, text: string): Buffer => {
    mkdirSync(join(home, folder, 'usr/bin'), { recursive: true })
    writeFileSync(join(home, folder, 'usr/bin', file), text)
    return execFileSync('tar', ['-czf', '-', '-C', join(home, folder), 'usr'])
  }
  const layers = [layer('a', 'metacontroller', '#!/bin/sh\necho real\n'), layer('b', 'other', 'x')]
  for (const data of layers) content.set(`blobs/${sha256(data)}`, data)
  const manifest = JSON.stringify({ layers: layers.map((data) => ({ digest: sha256(data) })) })
  content.set(`manifests/${sha256(manifest)}`, manifest)
  index = JSON.stringify({
    manifests: [
      { digest: sha256('another'), platform: { os: 'plan9', architecture: 'mips' } },
      { digest: sha256(manifest), platform: { os: goOs(), architecture: goArch() } },
    ],
  })
  content.set('manifests/v1', index)
  content.set(`manifests/${sha256(index)}`, index)
  content.set(`manifests/${sha256('wanted')}`, index)
})
afterAll(() => {
  server.close()
  rmSync(home, { recursive: true })
})
beforeEach(() => {
  requests = []
})

const extract = (version: string, binary = 'metacontroller') =>
  extractFromImage(
    `127.0.0.1:${(server.address() as AddressInfo).port}/org/tool${version}`,
    binary,
    join(home, 'out', binary),
    { progress: () => {} },
  )

describe('a binary is extracted from an image', () => {
  test.each([{ by: 'tag' }, { by: 'digest' }])('by $by', async ({ by }) => {
    const path = await extract(by === 'tag' ? ':v1' : `@${sha256(index)}`)
    expect(readFileSync(path, 'utf8')).toBe('#!/bin/sh\necho real\n')
    expect(statSync(path).mode & 0o777).toBe(0o755)
    expect(requests.filter((url) => url.startsWith('/token'))).toHaveLength(1)
    rmSync(path)
  })

  test('but not if the manifest has another digest', async () => {
    await expect(extract(`@${sha256('wanted')}`)).rejects.toThrow(
      /returned a different manifest for/,
    )
  })

  test('nor if a layer has another digest', async () => {
    const layer = [...content.keys()].find((name) => name.startsWith('blobs/')) as string
    const genuine = content.get(layer) as Buffer
    content.set(layer, Buffer.from('evil'))
    await expect(extract(':v1')).rejects.toThrow(/returned a different layer for/)
    content.set(layer, genuine)
    expect(existsSync(join(home, 'out', 'metacontroller'))).toBe(false)
  })

  test('and an image without it is an error', async () => {
    await expect(extract(':v1', 'nothing')).rejects.toThrow(/has no file named nothing/)
  })
})
