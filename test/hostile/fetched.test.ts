import { execFile, execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { memoryOf } from '../../hooks/observe/memory.ts'
import { pathsInUse, storageOf } from '../../hooks/storage/storage.ts'
import { main as load } from '../../tools/load.ts'
import { openInside, type Sealed } from '../../tools/manifest.ts'
import { optionsOf } from '../../tools/options.ts'
import { main as pack } from '../../tools/package.ts'
import { cleaner, lineCleaner, secretsOf } from '../../tools/redact.ts'
import { main as seal } from '../../tools/seal.ts'
import { localCertificate } from '../certificate.ts'
import { aConfig, aModel } from '../objects.ts'

/**
 * Attacks by the program whose artifacts are sealed, by the servers and buckets that the tools fetch
 * from, and by readers of the tools' output.
 */

const hash = '0123456789abcdef'
const [older, used] = ['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb'] as const

let home: string
let storage: string
let artifacts: string
let servers: Server[]
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'substratus-fetched-'))
  storage = join(home, 'deep', 'storage')
  artifacts = join(storage, 'run', hash)
  mkdirSync(artifacts, { recursive: true })
  servers = []
})
afterEach(() => {
  for (const server of servers) server.close().closeAllConnections()
  rmSync(home, { recursive: true })
})

interface Result {
  readonly code: number
  /** Both streams. */
  readonly printed: string
  /** The termination message. */
  readonly message: string
}

const programs = { seal, load, package: pack }

const variables = (): Record<string, string> => ({
  PATH: `${join(home, 'bin')}:${process.env.PATH}`,
  BUCKETS: join(home, 'buckets'),
})

/** Runs one of the tools as its image does, but in this process. */
async function tool(
  name: keyof typeof programs,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Result> {
  for (const [key, value] of Object.entries({ ...variables(), ...env })) vi.stubEnv(key, value)
  const lines: string[] = []
  const log = vi.spyOn(console, 'log').mockImplementation((line) => lines.push(String(line)))
  try {
    await programs[name](optionsOf(args))
    return { code: 0, printed: lines.join('\n'), message: lines.at(-1) ?? '' }
  } catch (error) {
    return { code: 1, printed: lines.join('\n'), message: (error as Error).message }
  } finally {
    log.mockRestore()
    vi.unstubAllEnvs()
  }
}

/** Runs the loader as a separate process, with the environment of a container. */
function loader(source: string, env: Record<string, string>): Promise<Result> {
  const termination = join(home, 'termination')
  writeFileSync(termination, '')
  const args = ['tools/main.ts', 'load', `--source=${source}`, `--into=${home}/into`]
  const all = { ...variables(), TERMINATION_MESSAGE_PATH: termination, ...env }
  return new Promise((resolve) =>
    execFile(process.execPath, args, { env: all }, (error, stdout, stderr) =>
      resolve({
        code: error ? 1 : 0,
        printed: stdout + stderr,
        message: readFileSync(termination, 'utf8'),
      }),
    ),
  )
}

/** A program that replaces one of the image's. */
function standIn(name: string, script: string): void {
  const path = join(home, 'bin', name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `#!${process.execPath}\n${script}`, { mode: 0o755 })
}

/** The parts of rclone that seal uses, with folders instead of buckets. */
const rclone = () =>
  standIn(
    'rclone',
    `
const fs = require('node:fs'), path = require('node:path')
const [verb, ...words] = process.argv.slice(2)
const flags = words.filter((word) => word.startsWith('--'))
const named = words.filter((word) => !word.startsWith('-'))
const at = (name) => name.startsWith('s3:') ? path.join(process.env.BUCKETS, name.slice(3)) : name
const put = (from, to) => { fs.mkdirSync(path.dirname(to), { recursive: true }); fs.copyFileSync(from, to) }
const walk = (folder, below = '') => fs.readdirSync(path.join(folder, below)).flatMap((name) => {
  const rest = path.join(below, name), full = path.join(folder, rest)
  const found = flags.includes('--copy-links') ? fs.statSync(full) : fs.lstatSync(full)
  return found.isDirectory() ? walk(folder, rest) : found.isFile() ? [rest] : []
})
const [from, to] = named.map(at)
if (verb === 'copy') {
  const listed = flags.includes('--files-from-raw')
  const files = listed ? fs.readFileSync(0, 'utf8').split('\\n').filter(Boolean) : walk(from)
  for (const file of files) if (file !== '.substratus.json') put(path.join(from, file), path.join(to, file))
}
if (verb === 'copyto') put(from, to)
if (verb === 'lsf') for (const entry of fs.readdirSync(from, { withFileTypes: true })) if (entry.isDirectory()) console.log(entry.name + '/')
if (verb === 'purge') fs.rmSync(from, { recursive: true })
`,
  )

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

/** Every file below a folder; links are not followed. */
const below = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()

const sealedIn = (folder: string): readonly Sealed[] =>
  JSON.parse(readFileSync(join(folder, '.substratus.json'), 'utf8')).files

const sealing = (args: readonly string[] = [], at = artifacts, root = storage) =>
  tool('seal', [`--artifacts=${at}`, `--storage=${root}`, ...args])

const toBucket = (args: readonly string[] = []) => sealing(['--to=s3://bucket/place', ...args])
const bucket = () => join(home, 'buckets/bucket/place/run', hash)

describe('seal removes nothing but folders of older attempts', () => {
  test('that are named by a hash, below its own stage', async () => {
    const stay = [
      `run/${used}/x`,
      'run/checkpoints/x',
      `run/${older}0/x`,
      `run/${older.toUpperCase()}/x`,
      'run/cccccccccccccccc',
      `load/${older}/x`,
      `${older}/x`,
    ]
    for (const path of [...stay, `run/${older}/x`, `run/${hash}/x`]) write(join(storage, path), 'x')
    expect(await sealing([`--keep=run/${used}`])).toMatchObject({ code: 0 })
    expect(existsSync(join(storage, 'run', older))).toBe(false)
    for (const path of stay) expect(existsSync(join(storage, path)), path).toBe(true)
  })

  test('even if one is replaced by a link', async () => {
    write(join(home, 'precious/x'), 'x')
    write(join(artifacts, 'x'), 'x')
    symlinkSync(join(home, 'precious'), join(storage, 'run', older))
    expect(await sealing()).toMatchObject({ code: 0 })
    expect(existsSync(join(home, 'precious/x'))).toBe(true)
  })

  test.each([
    { when: 'the artifacts are the storage', at: '', root: '' },
    { when: 'the artifacts are beside a stage', at: 'any', root: '' },
    { when: 'the artifacts are a stage', at: 'run', root: '' },
    { when: 'the stage is none', at: `other/${hash}`, root: '' },
    { when: 'the artifacts are too deep', at: `run/${hash}/deep`, root: '' },
    { when: 'the artifacts are outside of the storage', at: `run/${hash}`, root: 'elsewhere' },
    { when: 'the path leads out again', at: `run/../../outside/${hash}`, root: '' },
  ])('and touches nothing when $when', async ({ at, root }) => {
    const there = join(storage, at)
    write(join(there, 'x'), 'x')
    write(join(dirname(there), older, 'x'), 'x')
    mkdirSync(join(storage, 'elsewhere'), { recursive: true })
    const { code, message } = await sealing([], there, join(storage, root))
    expect(code).toBe(1)
    expect(message).toContain('is not the folder of an attempt')
    expect(existsSync(join(there, '.substratus.json'))).toBe(false)
    expect(existsSync(join(dirname(there), older, 'x'))).toBe(true)
  })

  test('and touches nothing when a stage or an attempt is a link', async () => {
    write(join(home, 'outside', hash, 'x'), 'x')
    write(join(home, 'outside', older, 'x'), 'x')
    rmSync(join(storage, 'run'), { recursive: true })
    symlinkSync(join(home, 'outside'), join(storage, 'run'))
    const { code, message } = await sealing()
    expect(code).toBe(1)
    expect(message).toContain('through a link: nothing is sealed')
    expect(below(join(home, 'outside'))).toEqual([`${hash}/x`, `${older}/x`])
  })

  test.each(['run', '../run', `run/${used}/../${older}`, '/', 'run/..'])(
    'and touches nothing when it is told to retain "%s"',
    async (keep) => {
      write(join(artifacts, 'x'), 'x')
      write(join(storage, 'run', older, 'x'), 'x')
      const { code, message } = await sealing([`--keep=${keep}`])
      expect(code).toBe(1)
      expect(message).toContain(`--keep="${keep}" is not the folder of an attempt`)
      expect(below(storage)).toEqual([`run/${hash}/x`, `run/${older}/x`].sort())
    },
  )

  test('and nothing else in a bucket', async () => {
    rclone()
    write(join(artifacts, 'x'), 'x')
    const place = join(home, 'buckets/bucket/place')
    for (const path of [`run/${older}`, `run/${used}`, 'run/checkpoints', `load/${older}`])
      write(join(place, path, 'x'), 'x')
    expect(await toBucket([`--keep=run/${used}`])).toMatchObject({ code: 0 })
    expect(below(place)).toEqual([
      `load/${older}/x`,
      `run/${hash}/.substratus.json`,
      `run/${hash}/x`,
      `run/${used}/x`,
      'run/checkpoints/x',
    ])
  })
})

test.each(['run/../../other', 'run', `run/${older}/x`, `run/${used}`])(
  'a status that points to "%s" is passed to seal only if it can be an attempt',
  (path) => {
    const config = aConfig()
    const url = `${storageOf(config).url(aModel({}), '', config)}${path}`
    const model = aModel({}, { status: { artifacts: { url } } })
    const kept = path === `run/${used}` ? [path] : []
    expect(pathsInUse({ parent: model, memory: memoryOf(model), config }, 'run')).toEqual(kept)
  },
)

describe('links in artifacts are resolved only inside the artifacts', () => {
  beforeEach(() => {
    rclone()
    write(join(home, 'secret'), 'of the node')
    write(join(artifacts, 'ckpt-1/w'), 'weights')
  })

  test.each([
    { link: '/content/artifacts/ckpt-1', becomes: 'ckpt-1' },
    { link: '/content/artifacts/ckpt-1/', becomes: 'ckpt-1' },
    { link: '/content/./artifacts//ckpt-1', becomes: 'ckpt-1' },
    { link: '../artifacts/ckpt-1', becomes: 'ckpt-1' },
    { link: 'ckpt-1', becomes: 'ckpt-1' },
  ])(
    'one to $link becomes relative, and its target is copied into a bucket',
    async ({ link, becomes }) => {
      symlinkSync(link, join(artifacts, 'latest'))
      expect(await sealing()).toMatchObject({ code: 0 })
      expect(readlinkSync(join(artifacts, 'latest'))).toBe(becomes)
      expect(sealedIn(artifacts)).toContainEqual({ path: 'latest', link: becomes })

      expect(await toBucket()).toMatchObject({ code: 0 })
      expect(below(bucket())).toEqual(['.substratus.json', 'ckpt-1/w', 'latest/w'])
      expect(sealedIn(bucket()).map(({ path }) => path)).toEqual(['ckpt-1/w', 'latest/w'])
    },
  )

  test.each([
    { what: 'an absolute one', link: () => join(home, 'secret'), says: 'outside of the artifacts' },
    {
      what: 'one up to the root',
      link: () => `../../../../../../../../../..${join(home, 'secret')}`,
      says: 'outside',
    },
    { what: 'one into another attempt', link: () => `../${used}/w`, says: 'outside' },
    {
      what: 'one through the folder of the artifacts',
      link: () => '/content/artifacts/../data/rows',
      says: 'outside',
    },
    { what: 'a relative one', link: () => 'gone', says: 'nowhere' },
    { what: 'one by its full path', link: () => '/content/artifacts/gone', says: 'nowhere' },
    { what: 'one into a file', link: () => 'ckpt-1/w/x', says: 'nowhere' },
    { what: 'one to a file as a folder', link: () => 'ckpt-1/w/', says: 'nowhere' },
    { what: 'one to itself', link: () => 'bad', says: 'in a circle' },
    {
      what: 'one to itself by its full path',
      link: () => '/content/artifacts/bad',
      says: 'in a circle',
    },
  ])(
    '$what that leads $says is named in the log, and fails no training',
    async ({ link, says }) => {
      write(join(storage, 'run', used, 'w'), 'of another attempt')
      symlinkSync(link(), join(artifacts, 'bad'))
      const result = await toBucket([`--keep=run/${used}`])
      expect(result).toMatchObject({ code: 0 })
      expect(result.printed).toContain(
        `"bad" links to ${JSON.stringify(link())}, which leads ${says}`,
      )
      expect(below(bucket())).toEqual(['.substratus.json', 'ckpt-1/w'])

      expect(await sealing([`--keep=run/${used}`])).toMatchObject({ code: 0 })
      expect(sealedIn(artifacts)).toContainEqual({ path: 'bad', link: link() })
    },
  )

  test('cycles of folders end, and their files are copied once', async () => {
    symlinkSync('.', join(artifacts, 'self'))
    symlinkSync('..', join(artifacts, 'ckpt-1/up'))
    mkdirSync(join(artifacts, 'other'))
    symlinkSync('../ckpt-1', join(artifacts, 'other/in'))
    const { code, printed } = await toBucket()
    expect(code).toBe(0)
    expect(printed).toContain('"self" is left out: its link leads in a circle')
    expect(below(bucket())).toEqual(['.substratus.json', 'ckpt-1/w', 'other/in/w'])
  })

  test('nested folders of links do not grow exponentially', async () => {
    for (let level = 0; level < 12; level++) {
      mkdirSync(join(artifacts, `l${level}`))
      for (const name of 'abcdefgh')
        symlinkSync(level ? `../l${level - 1}` : '../ckpt-1', join(artifacts, `l${level}`, name))
    }
    const { code, printed } = await toBucket()
    expect(code).toBe(0)
    expect(printed).toContain('would store too many copies')
    expect(below(bucket()).length).toBeLessThan(3000)
  })

  test('the manifest is not written through a link', async () => {
    for (const name of ['.substratus.json', '.substratus.json.part'])
      symlinkSync(join(home, 'secret'), join(artifacts, name))
    expect(await sealing()).toMatchObject({ code: 0 })
    expect(readFileSync(join(home, 'secret'), 'utf8')).toBe('of the node')
    expect(lstatSync(join(artifacts, '.substratus.json')).isFile()).toBe(true)
  })

  test('a folder in the place of the manifest is replaced', async () => {
    write(join(artifacts, '.substratus.json/x'), 'x')
    write(join(artifacts, '.substratus.json.part/x'), 'x')
    expect(await sealing()).toMatchObject({ code: 0 })
    expect(sealedIn(artifacts).map(({ path }) => path)).toEqual(['ckpt-1/w'])
  })

  test('no modes outside the artifacts are changed', async () => {
    const mode = () => statSync(join(home, 'secret')).mode & 0o777
    execFileSync('chmod', ['600', join(home, 'secret')])
    symlinkSync(join(home, 'secret'), join(artifacts, 'bad'))
    await sealing()
    expect(mode()).toBe(0o600)
  })
})

describe('files that no manifest can represent are left out and named', () => {
  test.each([
    {
      what: 'a pipe',
      make: () => execFileSync('mkfifo', [join(artifacts, 'pipe')]),
      says: '"pipe" is left out: it is neither a file, a folder nor a link',
    },
    {
      what: 'a name that is not UTF-8',
      make: () =>
        writeFileSync(Buffer.concat([Buffer.from(`${artifacts}/caf`), Buffer.from([0xe9])]), 'x'),
      says: '"caf\\xe9" is left out: its name is not UTF-8',
    },
  ])('$what', async ({ make, says }) => {
    write(join(artifacts, 'w'), 'weights')
    make()
    const { code, printed, message } = await sealing()
    expect(code).toBe(0)
    expect(printed).toContain(says)
    expect(JSON.parse(message).unsealed).toEqual({ count: 1, first: says })
    expect(sealedIn(artifacts).map(({ path }) => path)).toEqual(['w'])
  })

  test('an empty folder in a bucket, but not in a claim', async () => {
    rclone()
    write(join(artifacts, 'logs/w'), 'weights')
    mkdirSync(join(artifacts, 'deep/empty'), { recursive: true })
    const says = '"deep/empty" is left out: a bucket cannot store an empty folder'
    expect((await sealing()).printed).not.toContain('left out')
    const { code, message } = await toBucket()
    expect(code).toBe(0)
    expect(JSON.parse(message).unsealed).toEqual({ count: 1, first: says })
  })

  test('a name in a bucket that looks to rclone as one that is not UTF-8', async () => {
    rclone()
    write(join(artifacts, 'a\ufffdb'), 'x')
    write(join(artifacts, 'w'), 'weights')
    const first = '"a\ufffdb" is left out: rclone cannot read "\ufffd"'
    expect(JSON.parse((await toBucket()).message).unsealed).toEqual({ count: 1, first })
  })

  test('a file that rclone cannot open does not fail the copy of the others', async () => {
    rclone()
    write(join(artifacts, 'w'), 'weights')
    write(join(artifacts, 'a‛b'), 'x')
    const { code, printed } = await toBucket()
    expect(code).toBe(0)
    expect(printed).toContain('"a‛b" is left out: rclone cannot read "‛"')
    expect(sealedIn(bucket()).map(({ path }) => path)).toEqual(['w'])
  })

  test('but a name with a line break is copied', async () => {
    write(join(artifacts, 'two\nlines'), 'x')
    expect(await sealing()).toMatchObject({ code: 0 })
    expect(sealedIn(artifacts).map(({ path }) => path)).toEqual(['two\nlines'])
  })
})

test.each(['../secret', '/etc/hostname', 'a/../../secret', './x', 'a//b', ''])(
  'a manifest that names "%s" is rejected',
  async (path) => {
    standIn('rclone', '')
    write(join(home, 'secret'), 'x')
    const into = join(home, 'into')
    const sha256 = createHash('sha256').update('x').digest('hex')
    const line = `${JSON.stringify(path)} 1 ${sha256}\n`
    const digest = `sha256:${createHash('sha256').update(line).digest('hex')}`
    const files = [{ path, bytes: 1, sha256 }]
    write(join(into, '.substratus.json'), JSON.stringify({ version: 1, digest, bytes: 1, files }))
    const result = await tool('load', ['--source=s3://bucket/x', `--into=${into}`, '--sealed=true'])
    expect(result).toMatchObject({ code: 1 })
    expect(result.message).toContain(`names ${JSON.stringify(path)}, which is not in its folder`)
  },
)

describe('packaging reads only what was sealed', () => {
  const packing = () =>
    tool(
      'package',
      [
        '--from=scratch',
        `--artifacts=${artifacts}`,
        '--into=/content/model',
        `--image=${registryHost}/ns/it:1`,
      ],
      { REGISTRY_INSECURE: 'true' },
    )
  let registryHost: string
  let received: string
  beforeEach(async () => {
    received = ''
    registryHost = await listening((request, response) => {
      request.setEncoding('latin1').on('data', (chunk) => {
        received += chunk
      })
      request.on('end', () =>
        response
          .writeHead(request.method === 'POST' || request.method === 'PATCH' ? 202 : 201, {
            location: '/v2/ns/it/blobs/uploads/1',
          })
          .end(),
      )
    })
    write(join(home, 'secret'), 'of the builder')
    write(join(artifacts, 'w'), 'of the builder')
    write(join(artifacts, 'deep/w'), 'of the builder')
    symlinkSync('w', join(artifacts, 'latest'))
    await sealing()
  })

  test('and a link remains a link in the image', async () => {
    const { code, message } = await packing()
    expect(message).toMatch(/^\{"digest":"sha256:/)
    expect(code).toBe(0)
    expect(received.match(/of the builder/g)).toHaveLength(2)
  })

  test.each([
    {
      what: 'a link in the place of a sealed file',
      bend: () => {
        rmSync(join(artifacts, 'w'))
        symlinkSync(join(home, 'secret'), join(artifacts, 'w'))
      },
    },
    {
      what: 'a link in the place of a folder',
      bend: () => {
        rmSync(join(artifacts, 'deep'), { recursive: true })
        mkdirSync(join(home, 'other'))
        writeFileSync(join(home, 'other/w'), 'of the builder')
        symlinkSync(join(home, 'other'), join(artifacts, 'deep'))
      },
    },
    {
      what: 'a link whose target has changed',
      bend: () => {
        rmSync(join(artifacts, 'latest'))
        symlinkSync('/etc/shadow', join(artifacts, 'latest'))
      },
    },
    {
      what: 'a link that was not sealed',
      bend: () => symlinkSync('/etc/shadow', join(artifacts, 'more')),
    },
  ])('$what fails packaging', async ({ bend }) => {
    bend()
    const { code, message } = await packing()
    expect(code).toBe(1)
    expect(message).toMatch(/is not what was sealed|was sealed, and is missing/)
    expect(received).toBe('')
  })

  test.each([
    {
      what: 'a link in the place of a file',
      bend: () => {
        rmSync(join(artifacts, 'deep/w'))
        symlinkSync(join(home, 'secret'), join(artifacts, 'deep/w'))
      },
    },
    {
      what: 'a link in the place of its folder',
      bend: () => {
        rmSync(join(artifacts, 'deep'), { recursive: true })
        mkdirSync(join(home, 'other'))
        writeFileSync(join(home, 'other/w'), 'of the builder')
        symlinkSync(join(home, 'other'), join(artifacts, 'deep'))
      },
    },
    {
      what: 'a pipe in the place of a file',
      bend: () => {
        rmSync(join(artifacts, 'deep/w'))
        execFileSync('mkfifo', [join(artifacts, 'deep/w')])
      },
    },
  ])('$what that appears during packaging is not opened', async ({ bend }) => {
    await (await openInside(artifacts, 'deep/w')).close()
    bend()
    await expect(openInside(artifacts, 'deep/w')).rejects.toThrow(
      /ELOOP|is not a regular file inside/,
    )
  })
})

/** The host and port of a server of this test. */
async function listening(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('HTTP_TOKEN is sent only to the host that the source names', () => {
  interface Heard {
    readonly at: string
    readonly authorization: string | undefined
  }
  let certificate: Awaited<ReturnType<typeof localCertificate>>
  let heard: Heard[]
  beforeEach(async () => {
    certificate = await localCertificate(home)
    heard = []
  })

  /** A server that wants the token for /it, and answers other paths with a redirect. */
  async function secure(name: string, to: (path: string) => string | undefined): Promise<string> {
    const server = createTlsServer(certificate.server, ({ url = '', headers }, response) => {
      heard.push({ at: `${name}${url}`, authorization: headers.authorization })
      const location = to(url)
      if (location) response.writeHead(302, { location }).end()
      else if (headers.authorization !== 'Bearer s3cr3t-token') response.writeHead(401).end()
      else response.end('x')
    })
    servers.push(server)
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  const loading = (url: string, token = 's3cr3t-token') =>
    loader(url, { NODE_EXTRA_CA_CERTS: certificate.caFile, HTTP_TOKEN: token })
  const right = 'Bearer s3cr3t-token'

  test.each(['s3cr3t-token', 's3cr3t-token\n', ' s3cr3t-token\r\n'])(
    'which gets %j, also after its own redirect',
    async (token) => {
      const host = await secure('named', (path) => (path === '/old' ? '/it' : undefined))
      expect(await loading(`${host}/old`, token)).toMatchObject({ code: 0 })
      expect(heard).toEqual([
        { at: 'named/old', authorization: right },
        { at: 'named/it', authorization: right },
      ])
    },
  )

  test('and goes to no other port that it redirects to', async () => {
    const other = await secure('other', () => undefined)
    const host = await secure('named', () => `${other}/it`)
    const { code, message } = await loading(`${host}/it`)
    expect(code).toBe(1)
    expect(message).toBe(
      `${host}/it redirects to ${other}, which answers 401: HTTP_TOKEN is sent only to ${host}`,
    )
    expect(heard).toEqual([
      { at: 'named/it', authorization: right },
      { at: 'other/it', authorization: undefined },
    ])
  })

  test('and goes to no other host on the same port', async () => {
    const host = await secure('named', (path) =>
      path === '/it' ? `${host.replace('127.0.0.1', 'localhost')}/there` : undefined,
    )
    expect(await loading(`${host}/it`)).toMatchObject({ code: 1 })
    expect(heard).toEqual([
      { at: 'named/it', authorization: right },
      { at: 'named/there', authorization: undefined },
    ])
  })

  test('and is not sent again after a redirect back from another host', async () => {
    let host = ''
    const other = await secure('other', () => `${host}/chosen`)
    host = await secure('named', (path) => (path === '/it' ? `${other}/it` : undefined))
    expect(await loading(`${host}/it`)).toMatchObject({ code: 1 })
    expect(heard).toEqual([
      { at: 'named/it', authorization: right },
      { at: 'other/it', authorization: undefined },
      { at: 'named/chosen', authorization: undefined },
    ])
  })

  test('and is never sent by plain http, nor after a redirect from there', async () => {
    const host = await secure('named', () => undefined)
    let plain = ''
    const insecure = await listening(({ url = '', headers }, response) => {
      plain += `${url} ${headers.authorization}\n`
      if (url === '/it') response.writeHead(401).end()
      else response.writeHead(302, { location: `${host}/it` }).end()
    })
    expect((await loading(`http://${insecure}/it`)).message).toBe(
      `http://${insecure}/it answers 401: HTTP_TOKEN is sent only by https`,
    )
    expect(await loading(`http://${insecure}/moved`)).toMatchObject({ code: 1 })
    expect(plain).toBe('/it undefined\n/moved undefined\n')
    expect(heard).toEqual([{ at: 'named/it', authorization: undefined }])
  })

  test.each(['Bearer s3cr3t-token', 's3cr3t\ntoken', 's3cr3t-tökén'])(
    'and %j is rejected as invalid, and neither printed nor sent',
    async (token) => {
      const host = await secure('named', () => undefined)
      const { code, message, printed } = await loading(`${host}/it`, token)
      expect(code).toBe(1)
      expect(message).toContain('HTTP_TOKEN in spec.env must be the token alone')
      expect(`${message}${printed}`).not.toContain('s3cr3t')
      expect(heard).toEqual([])
    },
  )

  test('and a token that the host refuses is not printed', async () => {
    const host = await secure('named', () => undefined)
    const { code, message, printed } = await loading(`${host}/it`, 'another-t0ken')
    expect(code).toBe(1)
    expect(message).toBe(`${host}/it answers 401: it refuses HTTP_TOKEN of spec.env`)
    expect(printed).not.toContain('another-t0ken')
  })
})

describe('an invalid source fails at once, with its name in the error', () => {
  const loading = (source: string) => tool('load', [`--source=${source}`, `--into=${home}/into`])
  const into = () => (existsSync(join(home, 'into')) ? below(join(home, 'into')) : [])

  test.each(
    [
      { path: '/a%00b', says: 'names a file with control characters' },
      { path: '/a%0Ab', says: 'names a file with control characters' },
      {
        what: 'a name that is too long',
        path: `/${'a'.repeat(256)}`,
        says: 'names a file with 256 bytes: a name may have 255 at most',
      },
      {
        what: 'a name that is too long once decoded',
        path: `/${'%C3%A9'.repeat(128)}`,
        says: 'names a file with 256 bytes',
      },
      { path: '/%2e%2e', says: 'leads through ".."' },
      { path: '/..%2f..%2fetc%2fpasswd', says: 'leads through ".."' },
      { path: '/a/%2E%2e/b', says: 'leads through ".."' },
      { path: '/..%5C..%5Cb', says: 'leads through ".."' },
      { path: '/%2Fetc%2Fpasswd', says: 'leads through ".."' },
      { path: '/%2e', says: 'leads through ".."' },
      { path: '/%E9', says: 'has "%E9" in it, which is not percent-encoded UTF-8' },
      { path: '/.substratus.json', says: 'which is the name of the manifest' },
      { path: '/.substratus.json.part', says: 'which is the name of the manifest' },
    ].map((row) => ({ ...row, name: row.what ?? row.path })),
  )('$name', async ({ path, says }) => {
    const asked: (string | undefined)[] = []
    const host = await listening((request, response) => {
      asked.push(request.url)
      response.end('x')
    })
    const { code, message } = await loading(`http://${host}${path}`)
    expect(code).toBe(1)
    expect(message).toContain(`"http://${host}${path}"`)
    expect(message).toContain(says)
    expect(asked).toEqual([])
    expect(into()).toEqual([])
  })

  test.each([
    { to: '/it', says: 'redirects in a circle' },
    { to: '/other', says: 'redirects in a circle' },
    { to: '/it?more', says: 'redirects more than 10 times' },
    { to: 'file:///etc/passwd', says: 'redirects to file:, which is not supported' },
    { to: 'data:text/plain,x', says: 'redirects to data:, which is not supported' },
    { to: 'http://user:password@127.0.0.1:1/', says: 'with credentials in the address' },
    { to: 'http://', says: 'redirects to an invalid address' },
  ])('a redirect to $to', async ({ to, says }) => {
    let count = 0
    const host = await listening((request, response) => {
      count++
      const location = to === '/it?more' ? `/it?${count}` : request.url === '/other' ? '/it' : to
      response.writeHead(302, { location }).end()
    })
    const { code, message } = await loading(`http://${host}/it`)
    expect(code).toBe(1)
    expect(message).toContain(`http://${host}/it redirects `)
    expect(message).toContain(says)
    expect(count).toBeLessThanOrEqual(11)
    expect(into()).toEqual([])
  })

  test('a redirect from https to http', async () => {
    const plain: string[] = []
    const host = await listening((request, response) => {
      plain.push(request.url ?? '')
      response.end('x')
    })
    const { caFile, server } = await localCertificate(home)
    const secure = createTlsServer(server, (_, response) =>
      response.writeHead(307, { location: `http://${host}/it` }).end(),
    )
    servers.push(secure)
    await new Promise<void>((done) => secure.listen(0, '127.0.0.1', done))
    const url = `https://127.0.0.1:${(secure.address() as AddressInfo).port}/it`
    const { code, message } = await loader(url, { NODE_EXTRA_CA_CERTS: caFile })
    expect(code).toBe(1)
    expect(message).toBe(
      `${url} redirects from https to http://${host}, where anybody may change it`,
    )
    expect(plain).toEqual([])
  })

  test('a redirect to another host gets no credentials', async () => {
    const seen: string[][] = []
    const other = await listening((request, response) => {
      seen.push(Object.keys(request.headers).sort())
      response.end('x')
    })
    const host = await listening((request, response) => {
      seen.push(Object.keys(request.headers).sort())
      response.writeHead(302, { location: `http://${other}/x`, 'set-cookie': 'a=b' }).end()
    })
    expect(await loading(`http://${host}/it`)).toMatchObject({ code: 0 })
    expect(seen).toHaveLength(2)
    for (const names of seen)
      for (const name of ['authorization', 'cookie', 'referer']) expect(names).not.toContain(name)
    expect(into()).toEqual(['it'])
  })

  test('a name that the server suggests is ignored', async () => {
    const host = await listening((_, response) =>
      response
        .writeHead(200, { 'content-disposition': 'attachment; filename="../../../x"' })
        .end('x'),
    )
    expect(await loading(`http://${host}/it`)).toMatchObject({ code: 0 })
    expect(into()).toEqual(['it'])
  })

  test.each([
    { type: 'text/html; charset=utf-8', path: '/train.csv', saved: false },
    { type: 'TEXT/HTML', path: '/train.csv', saved: false },
    { type: 'application/xhtml+xml', path: '/train.csv', saved: false },
    { type: 'text/html', path: '/page.html', saved: true },
    { type: 'text/plain', path: '/train.csv', saved: true },
  ])('$path as $type', async ({ type, path, saved }) => {
    const host = await listening((_, response) =>
      response.writeHead(200, { 'content-type': type }).end('<!doctype html>'),
    )
    const { code, message } = await loading(`http://${host}${path}`)
    expect(code).toBe(saved ? 0 : 1)
    if (!saved) expect(message).toContain(`http://${host}${path} is a web page, not a file: write `)
    expect(into()).toEqual(saved ? [path.slice(1)] : [])
  })
})

test('a name of 255 bytes is loaded', async () => {
  const host = await listening((_, response) => response.end('x'))
  const name = 'a'.repeat(255)
  const result = await tool('load', [`--source=http://${host}/${name}`, `--into=${home}/into`])
  expect(result).toMatchObject({ code: 0 })
  expect(below(join(home, 'into'))).toEqual([name])
})

describe('no credential of a tool is printed or reported', () => {
  const pem = [
    '-----BEGIN PRIVATE KEY-----',
    'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj',
    'MzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDuictGeurT8jNbvJZHtCSuYEvu',
    '-----END PRIVATE KEY-----',
    '',
  ].join('\n')
  const key = JSON.stringify({ type: 'service_account', private_key: pem, client_email: 'x@y.z' })
  const token = 'hf_AbC/dEf+123 "quoted" <&> \\ é'

  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const clean = (env: Record<string, string>) => cleaner(secretsOf(env, existsSync))

  test.each<{ spelling: string; text: string }>([
    { spelling: 'as it is', text: token },
    { spelling: 'in JSON', text: JSON.stringify({ token }) },
    { spelling: 'in JSON in JSON', text: JSON.stringify(JSON.stringify({ token })) },
    {
      spelling: 'as Go writes JSON',
      text: JSON.stringify(token).replace(
        /[<>&]/g,
        (char) => `\\u00${char.charCodeAt(0).toString(16)}`,
      ),
    },
    { spelling: 'in base64', text: base64(token) },
    { spelling: 'in base64 for addresses', text: Buffer.from(token).toString('base64url') },
    { spelling: 'as a user’s password in base64', text: base64(`user:${token}`) },
    { spelling: 'one byte further in base64', text: base64(`name:${token}@`) },
    { spelling: 'two bytes further in base64', text: base64(`a:${token}`) },
    { spelling: 'in an address', text: `https://h/?token=${encodeURIComponent(token)}&b` },
    { spelling: 'in a form', text: new URLSearchParams({ token }).toString() },
    { spelling: 'in hexadecimal', text: Buffer.from(token).toString('hex') },
  ])('$spelling', ({ text }) => {
    const shown = clean({ HF_TOKEN: token })(`error: ${text} end`)
    expect(shown).toMatch(/^error: .*\[HF_TOKEN\].* end$/)
    expect(shown).not.toContain(text)
  })

  test.each([
    { when: 'in two chunks', chunks: ['error: abcdefgh', '-0123', '456789 end\nla', 'st'] },
    { when: 'a byte at a time', chunks: [...'error: abcdefgh-0123456789 end\nlast'] },
    { when: 'after a bar of progress', chunks: ['error: abc', 'defgh-0123456789 end\nlast'] },
  ])('$when', ({ chunks }) => {
    const lines = lineCleaner(clean({ AWS_SECRET_ACCESS_KEY: 'abcdefgh-0123456789' }))
    const shown = chunks.map(lines.push).join('') + lines.end()
    expect(shown).toBe('error: [AWS_SECRET_ACCESS_KEY] end\nlast')
  })

  test('in a line without an end', () => {
    const lines = lineCleaner(clean({ TOKEN: 'abcdefgh-0123456789' }))
    const filling = '.'.repeat(600_000)
    const chunks = [filling, 'abcdefgh-', '0123456789', filling, 'abcdefgh-0123456789', filling]
    const shown = chunks.map(lines.push).join('') + lines.end()
    expect(shown.replaceAll('.', '')).toBe('[TOKEN][TOKEN]')
  })

  test.each([
    { what: 'a key in JSON', text: key },
    { what: 'its private key', text: pem },
    { what: 'a line of it', text: pem.split('\n')[1] ?? '' },
    { what: 'its private key in JSON', text: JSON.stringify(pem) },
    { what: 'the key in JSON in quotes', text: JSON.stringify(key) },
    { what: 'the key over several lines', text: JSON.stringify(JSON.parse(key), null, 2) },
    { what: 'the key in wrapped base64', text: (base64(key).match(/.{1,76}/g) ?? []).join('\n') },
  ])('$what, as a whole and line by line', ({ text }) => {
    const lines = lineCleaner(clean({ SOME_CREDENTIALS: key }))
    const shown = lines.push(`error: ${text}\n`) + lines.end()
    const secret = [...pem.split('\n').slice(1, 3), ...text.split('\n')].filter(
      (line) => line.length > 40 && !line.includes('"type"'),
    )
    for (const line of secret) expect(shown).not.toContain(line)
    expect(shown).toContain('[SOME_CREDENTIALS]')
  })

  test.each([
    { name: 'MY_PASSWORD', value: 'correct-horse', printed: 'correct-horse' },
    { name: 'API_KEY', value: 'k-123456', printed: 'k-123456' },
    { name: 'PLAIN', value: 'ghp_0123456789', printed: 'ghp_0123456789' },
    { name: 'HTTPS_PROXY', value: 'http://me:pa%40ss-word@proxy', printed: 'pa@ss-word' },
    { name: 'DOCKER_AUTH', value: base64('me:docker-pass'), printed: 'docker-pass' },
  ])('of $name', ({ name, value, printed }) => {
    expect(clean({ [name]: value })(`error: ${printed}.`)).toBe(`error: [${name}].`)
  })

  test.each([
    ['TOKENIZER', 'bert-base'],
    ['TOKEN_URI', 'https://h/token'],
    ['SHORT_KEY', 'main'],
    ['PATH_OF_KEY', '/etc/hostname'],
  ])('but %s is none', (name, value) => {
    expect(clean({ [name]: value })(`error: ${value}.`)).toBe(`error: ${value}.`)
  })

  test('neither in the log of a tool nor in its termination message', async () => {
    standIn('rclone', 'console.error("error: " + process.env.HF_TOKEN); process.exit(1)')
    const { code, printed, message } = await loader('s3://bucket/x', { HF_TOKEN: token })
    expect(code).toBe(1)
    expect(message).toBe('s3://bucket/x cannot be loaded: error: [HF_TOKEN]')
    expect(printed).toBe(`error: [HF_TOKEN]\n${message}\n`)
  })

  test('nor where the tool itself prints its arguments', async () => {
    const { printed, message } = await loader('ftp://secret-word/x', { TOKEN: 'secret-word' })
    expect(message).toContain('"ftp://[TOKEN]/x" is none of')
    expect(printed).not.toContain('secret-word')
  })

  test('gs:// accepts only the key itself, not the name of a file', async () => {
    standIn(
      'rclone',
      `const { RCLONE_CONFIG_GS_SERVICE_ACCOUNT_FILE: file, RCLONE_CONFIG_GS_SERVICE_ACCOUNT_CREDENTIALS: key } = process.env
if (file) console.error('open ' + file + ': no such file or directory')
process.exit(file || key !== process.env.GOOGLE_APPLICATION_CREDENTIALS ? 1 : 0)`,
    )
    const gs = (value: string) => loader('gs://bucket/x', { GOOGLE_APPLICATION_CREDENTIALS: value })
    expect(await gs(key)).toMatchObject({ code: 0 })
    const result = await gs(key.slice(0, -5))
    expect(result).toMatchObject({ code: 1 })
    expect(result.message).toMatch(/^GOOGLE_APPLICATION_CREDENTIALS is neither the JSON key of/)
    expect(result.printed).not.toContain('MIIEv')
  })
})
