import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { configWith, layersOf, main, ociType, placeOf } from '../../../tools/package.ts'
import { referenceOf } from '../../../tools/registry.ts'
import { seal } from '../../../tools/seal.ts'
import { archive, type Entry, entryOf, headersOf, lengthOf } from '../../../tools/tar.ts'

const sha256 = (data: string | Buffer) =>
  `sha256:${createHash('sha256').update(data).digest('hex')}`

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'substratus-package-'))
})
afterEach(() => rmSync(home, { recursive: true }))

describe('an archive', () => {
  const collected = async (entries: readonly Entry[]) => {
    const chunks: Buffer[] = []
    for await (const chunk of archive(entries)) chunks.push(chunk)
    return Buffer.concat(chunks)
  }
  const long = `${'deep/'.repeat(30)}naïve ${'x'.repeat(120)}.bin`

  test('can be read by tar, even with long and non-ASCII names, and has the announced length', async () => {
    mkdirSync(join(home, 'in', long, '..'), { recursive: true })
    writeFileSync(join(home, 'in', long), 'long')
    writeFileSync(join(home, 'in/run.sh'), 'x'.repeat(1000))
    chmodSync(join(home, 'in/run.sh'), 0o755)
    symlinkSync('run.sh', join(home, 'in/latest'))
    const entries = await Promise.all(
      ['deep', long, 'run.sh', 'latest'].map((path) =>
        entryOf(join(home, 'in'), path, `content/model/${path}`),
      ),
    )
    const tar = await collected(entries)
    expect(tar.length).toBe(lengthOf(entries))
    mkdirSync(join(home, 'out'))
    execFileSync('tar', ['-xf', '-', '-C', join(home, 'out')], { input: tar })
    const out = join(home, 'out/content/model')
    expect(readFileSync(join(out, long), 'utf8')).toBe('long')
    expect(readFileSync(join(out, 'latest'), 'utf8')).toBe('x'.repeat(1000))
    const listed = execFileSync('tar', ['-tvf', '-'], { input: tar }).toString()
    expect(listed).toMatch(/^-rwxr-xr-x 0\/0 +1000 1970-01-01 00:00 content\/model\/run\.sh$/m)
  })

  test('of a file over 8 GiB has its size in an extended header', () => {
    const entry: Entry = { type: 'file', name: 'big', mode: 0o644, bytes: 9 * 2 ** 30 }
    expect(lengthOf([entry])).toBe(512 + 512 + 512 + 9 * 2 ** 30 + 1024)
    // tar lists an entry before it reads the file, which is missing here.
    const listed = spawnSync('tar', ['-tvf', '-'], { input: headersOf(entry) }).stdout.toString()
    expect(listed).toMatch(/^-rw-r--r-- 0\/0 +9663676416 1970-01-01 00:00 big$/m)
  })

  test('of a file that changes its size while it is read is an error', async () => {
    writeFileSync(join(home, 'x'), 'abc')
    const entry = await entryOf(home, 'x', 'x')
    writeFileSync(join(home, 'x'), 'ab')
    await expect(collected([entry])).rejects.toThrow('x has shrunk while it was read')
  })
})

test('files are grouped into layers that registries accept; a larger file is alone', () => {
  const file = (name: string, bytes: number): Entry => ({ type: 'file', name, mode: 0o644, bytes })
  const names = layersOf(
    [file('a', 4), file('b', 5), file('c', 30), file('d', 1), file('e', 9)],
    10,
  )
  expect(names.map((layer) => layer.map(({ name }) => name))).toEqual([
    ['a', 'b'],
    ['c'],
    ['d', 'e'],
  ])
})

test('the new image hides what the run’s image had in the folder', () => {
  expect(placeOf('/content/model').map(({ name }) => name)).toEqual([
    'content/',
    'content/model/',
    'content/model/.wh..wh..opq',
  ])
})

test('the new configuration is the old one, with more layers and labels', () => {
  const made = configWith(
    {
      architecture: 'amd64',
      os: 'linux',
      config: { Env: ['A=1'], Labels: { a: '1' } },
      rootfs: { type: 'layers', diff_ids: ['sha256:1'] },
      history: [{ created_by: 'x' }],
    },
    [{ mediaType: '', digest: 'sha256:2', size: 1 }],
    { b: '2' },
  )
  expect(made).toMatchObject({
    architecture: 'amd64',
    config: { Env: ['A=1'], Labels: { a: '1', b: '2' } },
    rootfs: { diff_ids: ['sha256:1', 'sha256:2'] },
  })
  expect(made.history).toHaveLength(2)
})

test.each([
  ['10.0.0.1:5001/a/b:1', { host: '10.0.0.1:5001', repository: 'a/b', version: '1' }],
  ['ghcr.io/a/b@sha256:0', { host: 'ghcr.io', repository: 'a/b', version: 'sha256:0' }],
  ['ghcr.io/a/b:1@sha256:0', { host: 'ghcr.io', repository: 'a/b', version: 'sha256:0' }],
  ['busybox', { host: 'registry-1.docker.io', repository: 'library/busybox', version: 'latest' }],
  ['a/b', { host: 'registry-1.docker.io', repository: 'a/b', version: 'latest' }],
  ['localhost/a', { host: 'localhost', repository: 'a', version: 'latest' }],
])('the image %s', (image, expected) => {
  expect(referenceOf(image)).toEqual(expected)
})

test('Docker’s media types are mapped to OCI’s', () => {
  expect(ociType('application/vnd.docker.image.rootfs.diff.tar.gzip')).toBe(
    'application/vnd.oci.image.layer.v1.tar+gzip',
  )
})

describe('packaging', () => {
  let server: Server
  let host: string
  let refuses: number | undefined
  /** The credentials without which the token server gives no token for the base. */
  let reader: string | undefined
  const blobs = new Map<string, Buffer>()
  const manifests = new Map<string, string>()
  const uploads = new Map<string, Buffer>()
  const transferred: string[] = []

  /** A registry that requires a token, cannot mount, and stores everything in memory. */
  beforeAll(async () => {
    server = createServer(async (request, response) => {
      const url = new URL(request.url ?? '/', 'http://registry')
      const chunks: Buffer[] = []
      try {
        for await (const chunk of request) chunks.push(chunk)
      } catch {
        return // The client disconnected.
      }
      const body = Buffer.concat(chunks)
      const end = (status: number, headers = {}, text: string | Buffer = '') =>
        response.writeHead(status, headers).end(text)
      const scope = url.searchParams.get('scope') ?? ''
      const isReader = request.headers.authorization === `Basic ${reader}`
      if (url.pathname === '/token' && reader && scope.startsWith('repository:base:') && !isReader)
        return end(403)
      if (url.pathname === '/token')
        return end(200, {}, JSON.stringify({ token: url.searchParams.get('scope') }))
      if (!request.headers.authorization?.startsWith('Bearer repository:'))
        return end(401, {
          'www-authenticate': `Bearer realm="http://${host}/token",service="registry"`,
        })
      if (refuses && !['GET', 'HEAD'].includes(request.method ?? ''))
        return end(refuses, {}, '{"errors":[{"code":"DENIED","message":"no push here"}]}')
      const blob = /\/blobs\/(sha256:.*)$/.exec(url.pathname)?.[1]
      if (blob) {
        const found = blobs.get(blob)
        if (found && request.method === 'GET') transferred.push(blob)
        return end(found ? 200 : 404, {}, request.method === 'GET' ? found : '')
      }
      if (/\/blobs\/uploads\/$/.test(url.pathname)) {
        const id = String(uploads.size)
        uploads.set(id, Buffer.alloc(0))
        return end(202, { location: `${url.pathname}${id}?state=x` })
      }
      const id = /\/blobs\/uploads\/(\d+)$/.exec(url.pathname)?.[1]
      if (id && request.method === 'PATCH') {
        expect(Number(request.headers['content-length'])).toBe(body.length)
        uploads.set(id, body)
        return end(202, { location: `${url.pathname}?state=y` })
      }
      if (id) {
        const digest = url.searchParams.get('digest') ?? ''
        const data = uploads.get(id) ?? Buffer.alloc(0)
        expect(sha256(data)).toBe(digest)
        blobs.set(digest, data)
        return end(201)
      }
      const key = url.pathname.replace('/v2/', '').replace('/manifests/', ':')
      if (request.method === 'PUT') {
        manifests.set(key, body.toString())
        return end(201)
      }
      const found = manifests.get(key)
      return end(found ? 200 : 404, {}, found)
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => server.close())
  beforeEach(() => {
    vi.stubEnv('REGISTRY_INSECURE', 'true')
    blobs.clear()
    manifests.clear()
    refuses = undefined
    const layer = Buffer.from('a gzipped layer')
    const config = Buffer.from(
      JSON.stringify({
        architecture: process.arch === 'x64' ? 'amd64' : process.arch,
        os: 'linux',
        config: { Entrypoint: ['serve.sh'] },
        rootfs: { type: 'layers', diff_ids: ['sha256:base'] },
      }),
    )
    blobs.set(sha256(layer), layer)
    blobs.set(sha256(config), config)
    manifests.set(
      'base:1',
      JSON.stringify({
        config: { digest: sha256(config) },
        layers: [
          {
            mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
            digest: sha256(layer),
            size: layer.length,
          },
        ],
      }),
    )
  })
  afterEach(() => vi.unstubAllEnvs())

  const artifacts = async () => {
    const folder = join(home, 'artifacts')
    mkdirSync(join(folder, 'deep'), { recursive: true })
    writeFileSync(join(folder, 'deep/weights.bin'), 'w'.repeat(100_000))
    await seal(folder)
    return folder
  }
  const pack = (folder: string, from = `${host}/base:1`) =>
    main({
      from: [from],
      artifacts: [folder],
      into: ['/content/model'],
      image: [`${host}/ns/model-it:tag`],
    })

  test('makes an image of the run’s image and the artifacts', async () => {
    await pack(await artifacts())
    const manifest = JSON.parse(manifests.get('ns/model-it:tag') ?? '{}')
    const config = JSON.parse(blobs.get(manifest.config.digest)?.toString() ?? '{}')
    expect(manifest.layers.map(({ mediaType }: { mediaType: string }) => mediaType)).toEqual([
      'application/vnd.oci.image.layer.v1.tar+gzip',
      'application/vnd.oci.image.layer.v1.tar',
    ])
    expect(config.config.Entrypoint).toEqual(['serve.sh'])
    expect(config.rootfs.diff_ids).toEqual(['sha256:base', manifest.layers[1].digest])
    expect(config.config.Labels['ai.substratus.created-by']).toBe('substratus package')
    const tar = blobs.get(manifest.layers[1].digest)
    const listed = execFileSync('tar', ['-tf', '-'], { input: tar }).toString().trim().split('\n')
    expect(listed).toEqual([
      'content/',
      'content/model/',
      'content/model/.wh..wh..opq',
      'content/model/deep/',
      'content/model/deep/weights.bin',
    ])
  })

  test('reads a private image with the first Secret that can', async () => {
    const secrets = mkdtempSync(join(tmpdir(), 'substratus-secrets-'))
    reader = Buffer.from('reader:word').toString('base64')
    vi.stubEnv('REGISTRY_SECRETS', secrets)
    const write = (name: string, auths: object) =>
      writeFileSync(join(secrets, name), JSON.stringify({ auths }))
    try {
      write('0.json', { [host]: { auth: Buffer.from('other:word').toString('base64') } })
      await expect(pack(await artifacts())).rejects.toThrow(`${host} gives no token: 403`)
      write('1.json', { [`http://${host}/base`]: { username: 'reader', password: 'word' } })
      await pack(await artifacts())
      expect(manifests.has('ns/model-it:tag')).toBe(true)
    } finally {
      reader = undefined
      vi.unstubAllEnvs()
      rmSync(secrets, { recursive: true })
    }
  })

  test('twice gives the same digest', async () => {
    const folder = await artifacts()
    await pack(folder)
    const first = manifests.get('ns/model-it:tag')
    await pack(folder)
    expect(manifests.get('ns/model-it:tag')).toBe(first)
  })

  test.each([
    {
      when: 'a file that is not what was sealed',
      break: (folder: string) =>
        writeFileSync(join(folder, 'deep/weights.bin'), 'v'.repeat(100_000)),
      says: /^content\/model\/deep\/weights\.bin is not what was sealed: the storage has lost or changed data$/,
    },
    {
      when: 'a file that was not sealed',
      break: (folder: string) => writeFileSync(join(folder, 'more'), 'x'),
      says: 'content/model/more is not what was sealed',
    },
    {
      when: 'no manifest',
      break: (folder: string) => rmSync(join(folder, '.substratus.json')),
      says: 'they were never finished',
    },
    {
      when: 'a file that is missing',
      break: (folder: string) => rmSync(join(folder, 'deep/weights.bin')),
      says: 'deep/weights.bin was sealed, and is missing',
    },
  ])('of artifacts with $when makes no image', async ({ break: spoil, says }) => {
    const folder = await artifacts()
    spoil(folder)
    await expect(pack(folder)).rejects.toThrow(says)
    expect(manifests.has('ns/model-it:tag')).toBe(false)
  })

  test('reports the registry’s own message if a push is refused', async () => {
    refuses = 403
    await expect(pack(await artifacts())).rejects.toThrow(
      `${host}/ns/model-it: push refused with 403: DENIED: no push here`,
    )
  })

  test('reports that the run’s image does not exist', async () => {
    await expect(pack(await artifacts(), `${host}/base:2`)).rejects.toThrow(`${host}/base has no 2`)
  })
})
