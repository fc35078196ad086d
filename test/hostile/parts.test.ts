import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { git } from '../git.ts'
import { commit, type Ended, type Server, scratch, serveGit, server, tool } from './tools.ts'

/** Submodules and files in Git LFS: a repository names any host for them, and none but its own gets credentials. */

let folder: string
let remove: () => void
const running: Server[] = []
beforeEach(() => {
  ;({ folder, remove } = scratch())
  for (const name of ['secret', 'into', 'home']) mkdirSync(join(folder, name))
})
afterEach(() => {
  for (const one of running.splice(0)) one.stop()
  remove()
})

type Answer = (request: IncomingMessage, response: ServerResponse) => void

const started = async (answer: Answer): Promise<Server> => {
  const one = await server(answer)
  running.push(one)
  return one
}

const [user, password] = ['bot', 's3cr3t-of-named']
const basic = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

const unauthorized = (response: ServerResponse) =>
  response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()

const open: Answer = (request, response) =>
  serveGit(join(folder, 'repositories'), request.url ?? '', request, response)

const guarded: Answer = (request, response) =>
  request.headers.authorization === basic ? open(request, response) : unauthorized(response)

const clone = (url: string, env: Readonly<Record<string, string>> = {}): Promise<Ended> => {
  const words = ['clone', `--url=${url}`, `--secret=${join(folder, 'secret')}`]
  return tool(join(folder, 'home'), [...words, `--into=${join(folder, 'into')}`], env)
}

const withPassword = () => {
  writeFileSync(join(folder, 'secret/username'), user)
  writeFileSync(join(folder, 'secret/password'), password)
}

const at = (...names: readonly string[]) => join(folder, ...names)
const cloned = (path: string) => readFileSync(at('into', path), 'utf8')
const repository = (name: string, files: Readonly<Record<string, string>>) => {
  commit(at('repositories', name), files)
  return git(at('repositories', name), 'rev-parse', 'HEAD')
}

const weights = 'weights '.repeat(1000)
const oid = createHash('sha256').update(weights).digest('hex')
const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${weights.length}\n`

/** A repository with a pointer: a commit with Git's own means, so that no git-lfs stores the file. */
const large = (name: string, more: Readonly<Record<string, string>> = {}) => {
  repository(name, { 'model.bin': pointer, ...more })
  writeFileSync(at('repositories', name, '.gitattributes'), '*.bin filter=lfs -text\n')
  const off = ['-c', 'filter.lfs.clean=', '-c', 'filter.lfs.process=', '-c', 'filter.lfs.required=']
  git(at('repositories', name), ...off, 'add', '.gitattributes')
  git(at('repositories', name), ...off, 'commit', '--quiet', '--message', 'LFS')
}

/** The API of a Git LFS server, which has the object at an address. */
const lfs =
  (href: () => string, header: object = {}): Answer =>
  async (request, response) => {
    const { objects } = JSON.parse(await text(request))
    const found = objects.map(({ oid: wanted, size }: { oid: string; size: number }) =>
      wanted === oid
        ? { oid, size, actions: { download: { href: href(), header } } }
        : { oid: wanted, size, error: { code: 404, message: 'Object does not exist' } },
    )
    response
      .writeHead(200, { 'content-type': 'application/vnd.git-lfs+json' })
      .end(JSON.stringify({ transfer: 'basic', objects: found }))
  }

const isBatch = ({ url = '' }: IncomingMessage) => url.endsWith('/objects/batch')
const sends: Answer = (_, response) => response.end(weights)

describe('files in Git LFS', () => {
  test('are fetched with the credentials, and from another host with its own headers alone', async () => {
    withPassword()
    large('acme/it')
    const store = await started(sends)
    const api = lfs(() => `${store.url}/object`, { 'X-Signed': 'yes' })
    const named = await started((request, response) =>
      isBatch(request) && request.headers.authorization === basic
        ? api(request, response)
        : guarded(request, response),
    )
    expect(await clone(`${named.url}/acme/it/.git`)).toMatchObject({ code: 0 })
    expect(cloned('model.bin')).toBe(weights)
    expect(store.asked.map(({ authorization }) => authorization)).toEqual([undefined])
    expect(existsSync(at('into/.git/lfs'))).toBe(false)
  })

  test('are fetched though the repository excludes them and skips errors', async () => {
    large('acme/it', {
      '.lfsconfig': '[lfs]\n\tfetchexclude = *\n\tskipdownloaderrors = true\n',
    })
    const named = await started((request, response) =>
      isBatch(request)
        ? lfs(() => `${named.url}/object`)(request, response)
        : request.url === '/object'
          ? sends(request, response)
          : open(request, response),
    )
    expect(await clone(`${named.url}/acme/it/.git`)).toMatchObject({ code: 0 })
    expect(cloned('model.bin')).toBe(weights)
  })

  test('that the server does not have fail the clone', async () => {
    large('acme/it')
    const named = await started(open)
    const { code, message } = await clone(`${named.url}/acme/it/.git`)
    expect(code).toBe(1)
    expect(message).toContain(
      `${named.url}/acme/it/.git stores files with Git LFS, which cannot be fetched: Repository or object not found`,
    )
  })

  test('that were changed fail the clone', async () => {
    large('acme/it')
    const named = await started((request, response) =>
      isBatch(request)
        ? lfs(() => `${named.url}/object`)(request, response)
        : request.url === '/object'
          ? void response.end('x'.repeat(weights.length))
          : open(request, response),
    )
    const { code, message } = await clone(`${named.url}/acme/it/.git`)
    expect(code).toBe(1)
    expect(message).toContain('stores files with Git LFS, which cannot be fetched')
  })

  test('on a server that asks for credentials are not fetched without a Secret', async () => {
    large('acme/it')
    const named = await started((request, response) =>
      isBatch(request) ? unauthorized(response) : open(request, response),
    )
    expect((await clone(`${named.url}/acme/it/.git`)).message).toContain(
      'and its server asks for credentials: name a Secret in build.git.secretName',
    )
  })

  test('on another server that asks for credentials are not fetched: it gets none', async () => {
    withPassword()
    const other = await started((request, response) =>
      request.headers.authorization ? response.end('{}') : unauthorized(response),
    )
    large('acme/it', { '.lfsconfig': `[lfs]\n\turl = ${other.url}/lfs\n` })
    const named = await started(guarded)
    const { code, message } = await clone(`${named.url}/acme/it/.git`)
    expect(code).toBe(1)
    expect(message).toContain(
      `stores files with Git LFS, at ${other.url}, which asks for credentials; those of build.git.secretName are sent only to ${named.url}`,
    )
    expect(other.asked.length).toBeGreaterThan(0)
    expect(other.asked.filter(({ authorization }) => authorization)).toEqual([])
  })

  test.each(['file:///etc', 'ssh://git@127.0.0.1/lfs', 'git@127.0.0.1:lfs', '/etc'])(
    'at %s are not fetched',
    async (url) => {
      large('acme/it', { '.lfsconfig': `[lfs]\n\turl = ${url}\n` })
      const named = await started(open)
      expect((await clone(`${named.url}/acme/it/.git`)).message).toContain(
        `stores files with Git LFS, at "${url}" by its .lfsconfig: only https:// is fetched`,
      )
    },
  )
})

/** Adds a submodule, as any URL. */
const addSubmodule = (name: string, path: string, url: string, sha: string) => {
  const inside = at('repositories', name)
  const file = join(inside, '.gitmodules')
  const before = existsSync(file) ? readFileSync(file, 'utf8') : ''
  writeFileSync(file, `${before}[submodule "${path}"]\n\tpath = ${path}\n\turl = ${url}\n`)
  git(inside, 'add', '.gitmodules')
  git(inside, 'update-index', '--add', '--cacheinfo', `160000,${sha},${path}`)
  git(inside, 'commit', '--quiet', '--message', 'a submodule')
}

describe('submodules', () => {
  const serve = async (answer: Answer = open) => await started(answer)

  test('are fetched with their own, at the commit that is named, with the credentials', async () => {
    withPassword()
    const leaf = repository('acme/leaf', { 'leaf.py': 'old' })
    writeFileSync(at('repositories/acme/leaf/leaf.py'), 'new')
    git(at('repositories/acme/leaf'), 'commit', '--quiet', '--all', '--message', 'newer')
    repository('acme/twig', { 'twig.py': 'twig' })
    addSubmodule('acme/twig', 'deep/leaf', '../../leaf/.git', leaf)
    const twig = git(at('repositories/acme/twig'), 'rev-parse', 'HEAD')
    repository('acme/it', { Dockerfile: 'FROM scratch\n' })
    addSubmodule('acme/it', 'libs/a twig', '../../twig/.git', twig)
    addSubmodule('acme/it', 'libs/leaf', '../../leaf/.git', leaf)
    const named = await serve(guarded)
    expect(await clone(`${named.url}/acme/it/.git`)).toMatchObject({ code: 0 })
    expect(cloned('libs/a twig/twig.py')).toBe('twig')
    expect(cloned('libs/a twig/deep/leaf/leaf.py')).toBe('old')
    expect(cloned('libs/leaf/leaf.py')).toBe('old')
  })

  test('have files in Git LFS too', async () => {
    large('acme/leaf')
    repository('acme/it', { Dockerfile: 'FROM scratch' })
    addSubmodule(
      'acme/it',
      'leaf',
      '../../leaf/.git',
      git(at('repositories/acme/leaf'), 'rev-parse', 'HEAD'),
    )
    const named = await serve((request, response) =>
      isBatch(request)
        ? lfs(() => `${named.url}/object`)(request, response)
        : request.url === '/object'
          ? sends(request, response)
          : open(request, response),
    )
    expect(await clone(`${named.url}/acme/it/.git`)).toMatchObject({ code: 0 })
    expect(cloned('leaf/model.bin')).toBe(weights)
    expect(existsSync(at('into/.git/modules/leaf/lfs'))).toBe(false)
  })

  test('on another host are fetched without credentials', async () => {
    withPassword()
    const leaf = repository('acme/leaf', { x: 'public' })
    const other = await serve()
    repository('acme/it', { Dockerfile: 'FROM scratch' })
    addSubmodule('acme/it', 'leaf', `${other.url}/acme/leaf/.git`, leaf)
    const named = await serve(guarded)
    expect(await clone(`${named.url}/acme/it/.git`)).toMatchObject({ code: 0 })
    expect(cloned('leaf/x')).toBe('public')
    expect(other.asked.filter(({ authorization }) => authorization)).toEqual([])
  })

  test('on another host that asks for credentials are not fetched: it gets none', async () => {
    withPassword()
    const leaf = repository('acme/leaf', { x: 'private' })
    const other = await serve((request, response) =>
      request.headers.authorization ? open(request, response) : unauthorized(response),
    )
    repository('acme/it', { Dockerfile: 'FROM scratch' })
    addSubmodule('acme/it', 'leaf', `${other.url}/acme/leaf/.git`, leaf)
    const named = await serve(guarded)
    const { code, message } = await clone(`${named.url}/acme/it/.git`)
    expect(code).toBe(1)
    expect(message).toBe(
      `submodule "leaf" of ${named.url}/acme/it/.git is at ${other.url}, which asks for credentials; those of build.git.secretName are sent only to ${named.url}`,
    )
    expect(other.asked.filter(({ authorization }) => authorization)).toEqual([])
  })

  test.each(['file:///etc', '/etc/passwd', 'ext::sh -c touch% /tmp/pwned', 'git://127.0.0.1/x'])(
    'at %s are not fetched',
    async (url) => {
      const leaf = repository('acme/leaf', { x: 'x' })
      repository('acme/it', { Dockerfile: 'FROM scratch' })
      addSubmodule('acme/it', 'leaf', url, leaf)
      const named = await serve()
      const { code, message } = await clone(`${named.url}/acme/it/.git`)
      expect(code).toBe(1)
      expect(message).toContain(
        `submodule "leaf" of ${named.url}/acme/it/.git is at "${url}": only https:// and ssh:// are fetched`,
      )
    },
  )

  test('that .gitmodules does not name fail the clone', async () => {
    const leaf = repository('acme/leaf', { x: 'x' })
    repository('acme/it', { Dockerfile: 'FROM scratch\n' })
    addSubmodule('acme/it', 'leaf', '../../leaf/.git', leaf)
    git(at('repositories/acme/it'), 'rm', '--quiet', '--cached', '.gitmodules')
    git(at('repositories/acme/it'), 'commit', '--quiet', '--message', 'lost')
    const named = await serve()
    expect((await clone(`${named.url}/acme/it/.git`)).message).toBe(
      `${named.url}/acme/it/.git has a submodule at "leaf" whose address its .gitmodules does not name`,
    )
  })

  test('whose commit is gone fail the clone', async () => {
    repository('acme/leaf', { x: 'x' })
    repository('acme/it', { Dockerfile: 'FROM scratch' })
    addSubmodule('acme/it', 'leaf', '../../leaf/.git', 'a'.repeat(40))
    const named = await serve()
    const { code, message } = await clone(`${named.url}/acme/it/.git`)
    expect(code).toBe(1)
    expect(message).toBe(
      `submodule "leaf" of ${named.url}/acme/it/.git cannot be fetched: ${named.url}/acme/leaf/.git has no commit "${'a'.repeat(40)}"`,
    )
  })

  test('get the key of ssh only from the named host', async () => {
    const leaf = repository('acme/leaf', { x: 'x' })
    const far = repository('acme/far', { x: 'far' })
    repository('acme/it', { Dockerfile: 'FROM scratch' })
    addSubmodule('acme/it', 'leaf', '../leaf', leaf)
    addSubmodule('acme/it', 'far', 'git@other.test:acme/far', far)
    // Not an ssh: it runs the command here, and records what it was given.
    const program = at('bin/ssh')
    mkdirSync(dirname(program))
    writeFileSync(
      program,
      `#!/bin/sh\necho "$*" >>${at('asked')}\nfor last; do :; done\ncd ${at('repositories')}\nexec sh -c "$(echo "$last" | sed "s|'/|'|")"\n`,
      { mode: 0o755 },
    )
    execFileSync('ssh-keygen', ['-q', '-N', '', '-t', 'ed25519', '-f', at('secret/ssh-privatekey')])
    const ended = await clone('ssh://git@named.test/acme/it', {
      PATH: `${at('bin')}:${process.env.PATH}`,
    })
    expect(ended).toMatchObject({ code: 0 })
    expect([cloned('leaf/x'), cloned('far/x')]).toEqual(['x', 'far'])
    const asked = readFileSync(at('asked'), 'utf8').trim().split('\n')
    const sentTo = (host: string) => asked.filter((line) => line.includes(host))
    expect(sentTo('named.test').every((line) => line.includes(' -i '))).toBe(true)
    expect(sentTo('other.test').length).toBeGreaterThan(0)
    expect(sentTo('other.test').some((line) => line.includes(' -i '))).toBe(false)
  })
})
