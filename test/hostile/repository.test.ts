import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { addressOf, credentialConfig } from '../../tools/gitaccess.ts'
import { seal } from '../../tools/seal.ts'
import { localCertificate } from '../certificate.ts'
import { git } from '../git.ts'
import { commit, type Ended, type Server, scratch, serveGit, server, tool } from './tools.ts'

/** Attacks by repositories, Git servers and registries that the tools fetch from, and by other servers. */

let folder: string
let remove: () => void
const running: Server[] = []
beforeEach(() => {
  ;({ folder, remove } = scratch())
})
afterEach(() => {
  for (const one of running.splice(0)) one.stop()
  remove()
})

type Answer = (request: IncomingMessage, response: ServerResponse) => void

const started = async (...args: Parameters<typeof server>): Promise<Server> => {
  const one = await server(...args)
  running.push(one)
  return one
}

const user = 'bot'
const password = 's3cr3t-of-named'
const basic = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

const unauthorized = (response: ServerResponse) =>
  response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()

const redirects =
  (status: number, to: (path: string) => string): Answer =>
  (request, response) =>
    response.writeHead(status, { location: to(request.url ?? '') }).end()

/** Asks every client for credentials, and accepts any. */
const wantsAny: Answer = (request, response) =>
  request.headers.authorization ? response.writeHead(404).end() : unauthorized(response)

describe('Git credentials', () => {
  /** Accepts only the right credentials. */
  const guarded: Answer = (request, response) =>
    request.headers.authorization === basic
      ? serveGit(join(folder, 'repositories'), request.url ?? '', request, response)
      : unauthorized(response)

  const clone = (
    url: string,
    {
      env,
      files,
      commit: wanted,
    }: {
      readonly env?: Readonly<Record<string, string>>
      readonly files?: Readonly<Record<string, string>>
      readonly commit?: string
    } = {},
  ): Promise<Ended> => {
    for (const name of ['secret', 'into', 'home']) mkdirSync(join(folder, name))
    const written = { username: user, password, ...files }
    for (const [name, text] of Object.entries(written))
      writeFileSync(join(folder, 'secret', name), text)
    const words = [`--url=${url}`, `--secret=${join(folder, 'secret')}`]
    return tool(
      join(folder, 'home'),
      [
        'clone',
        ...words,
        ...(wanted ? [`--commit=${wanted}`] : []),
        `--into=${join(folder, 'into')}`,
      ],
      env,
    )
  }

  beforeEach(() => commit(join(folder, 'repositories/acme/repo'), { Dockerfile: 'FROM scratch\n' }))
  const path = '/acme/repo/.git'
  const cloned = () => existsSync(join(folder, 'into/Dockerfile'))

  test('are sent to the address that is named', async () => {
    const named = await started(guarded)
    expect(await clone(`${named.url}${path}`)).toMatchObject({ code: 0 })
    expect(cloned()).toBe(true)
  })

  test.each([301, 308])(
    'follow a renamed repository on the same host, which answers %i',
    async (status) => {
      const named = await started((request, response) =>
        request.url?.startsWith('/old/')
          ? redirects(status, (at) => at.replace('/old/', '/acme/'))(request, response)
          : guarded(request, response),
      )
      expect(await clone(`${named.url}/old/repo/.git`)).toMatchObject({ code: 0 })
      expect(cloned()).toBe(true)
    },
  )

  test('are not sent to a public repository that a redirect leads to, which is cloned', async () => {
    const other = await started((request, response) =>
      serveGit(join(folder, 'repositories'), request.url ?? '', request, response),
    )
    const named = await started(redirects(302, (at) => `${other.url}${at}`))
    expect(await clone(`${named.url}${path}`)).toMatchObject({ code: 0 })
    expect(cloned()).toBe(true)
    expect(other.asked.map(({ authorization }) => authorization)).not.toContain(basic)
  })

  describe('are never sent', () => {
    test('to a host other than the named one', async () => {
      const named = await started((request, response) =>
        request.headers.host?.startsWith('127.')
          ? redirects(302, (at) => `http://localhost:${named.port}${at}`)(request, response)
          : wantsAny(request, response),
      )
      const { code, message } = await clone(`${named.url}${path}`)
      expect(named.asked.some(({ host }) => host.startsWith('localhost'))).toBe(true)
      expect(named.asked.filter(({ authorization }) => authorization)).toEqual([])
      expect(code).toBe(1)
      expect(message).toBe(
        `${named.url}${path} redirects to http://localhost:${named.port}, which asks for credentials; those of build.git.secretName are sent only to ${named.url}: if you trust the new address, write it in build.git.url`,
      )
    })

    test.each([302, 307])(
      'to a port other than the named one, by a redirect with %i',
      async (status) => {
        const other = await started(wantsAny)
        const named = await started(redirects(status, (at) => `${other.url}${at}`))
        expect((await clone(`${named.url}${path}`)).code).toBe(1)
        expect(other.asked.length).toBeGreaterThan(0)
        expect(other.asked.filter(({ authorization }) => authorization)).toEqual([])
      },
    )

    test('to another port when a commit is fetched by its hash', async () => {
      const other = await started(wantsAny)
      const named = await started(redirects(302, (at) => `${other.url}${at}`))
      await clone(`${named.url}${path}`, { commit: 'a'.repeat(40) })
      expect(other.asked.length).toBeGreaterThan(0)
      expect(other.asked.filter(({ authorization }) => authorization)).toEqual([])
    })

    test('to the target of a redirect that names a user', async () => {
      const other = await started(wantsAny)
      const named = await started(redirects(302, (at) => `http://${user}@${other.host}${at}`))
      expect((await clone(`${named.url}${path}`)).code).toBe(1)
      expect(other.asked.map(({ authorization }) => authorization)).not.toContain(basic)
    })

    // Debian's Git asks for credentials only once. A version that asks again must not find any.
    test('to where a server redirects once it has accepted them', async () => {
      const other = await started(wantsAny)
      const named = await started((request, response) =>
        request.headers.authorization
          ? redirects(302, (at) => `${other.url}${at}`)(request, response)
          : unauthorized(response),
      )
      expect((await clone(`${named.url}${path}`)).code).toBe(1)
      expect(named.asked.some(({ authorization }) => authorization === basic)).toBe(true)
      expect(other.asked.length).toBeGreaterThan(0)
      expect(other.asked.filter(({ authorization }) => authorization)).toEqual([])
    })

    test('to the target of a redirect that asks for them only when the pack is fetched', async () => {
      const other = await started((request, response) =>
        request.method === 'POST'
          ? wantsAny(request, response)
          : serveGit(join(folder, 'repositories'), request.url ?? '', request, response),
      )
      const named = await started(redirects(302, (at) => `${other.url}${at}`))
      expect((await clone(`${named.url}${path}`)).code).toBe(1)
      expect(other.asked.some(({ method }) => method === 'POST')).toBe(true)
      expect(other.asked.filter(({ authorization }) => authorization)).toEqual([])
    })

    test('to the target of a redirect of only the pack, which is not followed', async () => {
      const other = await started(wantsAny)
      const named = await started((request, response) =>
        request.method === 'POST'
          ? redirects(307, (at) => `${other.url}${at}`)(request, response)
          : guarded(request, response),
      )
      expect((await clone(`${named.url}${path}`)).code).toBe(1)
      expect(named.asked.some(({ method }) => method === 'POST')).toBe(true)
      expect(other.asked).toEqual([])
    })

    test('to the alternates that a repository names, which are not requested', async () => {
      const other = await started(wantsAny)
      const head = 'a'.repeat(40)
      const named = await started((request, response) => {
        if (request.headers.authorization !== basic) return unauthorized(response)
        const { pathname } = new URL(request.url ?? '', 'http://git')
        // Git's protocol for plain file servers, which fetches files one by one.
        const files: Readonly<Record<string, string>> = {
          [`${path}/info/refs`]: `${head}\trefs/heads/main\n`,
          [`${path}/HEAD`]: 'ref: refs/heads/main\n',
          [`${path}/objects/info/http-alternates`]: `${other.url}/objects\n`,
          [`${path}/objects/info/alternates`]: `${other.url}/objects\n`,
        }
        return files[pathname] === undefined
          ? response.writeHead(404).end()
          : response.end(files[pathname])
      })
      // A commit that is requested by its hash is fetched with its history, which that protocol supports.
      expect((await clone(`${named.url}${path}`, { commit: head })).code).toBe(1)
      expect(named.asked.some(({ path: at }) => at.includes('/objects/info/http-alternates'))).toBe(
        true,
      )
      expect(other.asked).toEqual([])
    })

    test('in plain http after https, and nothing is cloned from there', async () => {
      const tls = await localCertificate(folder)
      const plain = await started((request, response) =>
        request.headers.authorization
          ? response.writeHead(404).end()
          : serveGit(join(folder, 'repositories'), request.url ?? '', request, response),
      )
      const named = await started(
        redirects(302, (at) => `${plain.url}${at}`),
        tls.server,
      )
      const { code, message } = await clone(`${named.url}${path}`, {
        files: { 'ca.crt': tls.ca },
      })
      expect(plain.asked).toEqual([])
      expect(code).toBe(1)
      expect(message).toBe(
        `${named.url}${path} redirects to plain http://, where nothing protects what is cloned: write the address it has moved to in build.git.url`,
      )
    })

    test('in https when plain http was named', async () => {
      const tls = await localCertificate(folder)
      const other = await started(wantsAny, tls.server)
      const named = await started(redirects(301, (at) => `${other.url}${at}`))
      const { message } = await clone(`${named.url}${path}`, { files: { 'ca.crt': tls.ca } })
      expect(other.asked.length).toBeGreaterThan(0)
      expect(other.asked.filter(({ authorization }) => authorization)).toEqual([])
      expect(message).toContain(`redirects to ${other.url}, which asks for credentials`)
    })

    test('by an askpass program that the image sets', async () => {
      const other = await started(wantsAny)
      const named = await started(redirects(302, (at) => `${other.url}${at}`))
      const program = join(folder, 'askpass')
      writeFileSync(program, `#!/bin/sh\ncat ${join(folder, 'secret/password')}\n`)
      chmodSync(program, 0o755)
      await clone(`${named.url}${path}`, {
        env: {
          GIT_ASKPASS: program,
          SSH_ASKPASS: program,
          GIT_CONFIG_COUNT: '1',
          GIT_CONFIG_KEY_0: 'core.askPass',
          GIT_CONFIG_VALUE_0: program,
        },
      })
      expect(other.asked.length).toBeGreaterThan(0)
      expect(other.asked.filter(({ authorization }) => authorization)).toEqual([])
    })
  })

  test.each([
    { named: 'https://git.example/x', asking: 'https://git.example', given: true },
    { named: 'https://git.example/x', asking: 'https://GIT.example:443', given: true },
    { named: 'https://Git.example:443/x', asking: 'https://git.example', given: true },
    { named: 'https://[::1]:8443/x', asking: 'https://[::1]:8443', given: true },
    { named: 'https://git.example/x', asking: 'http://git.example', given: false },
    { named: 'http://git.example/x', asking: 'https://git.example', given: false },
    { named: 'https://git.example/x', asking: 'https://git.example:8443', given: false },
    { named: 'https://git.example:8443/x', asking: 'https://git.example', given: false },
    { named: 'https://git.example/x', asking: 'https://evil.git.example', given: false },
    { named: 'https://git.example/x', asking: 'https://git.example.evil', given: false },
    { named: 'https://git.example/x', asking: 'https://example', given: false },
  ])('for $named are sent to $asking: $given', ({ named, asking, given }) => {
    const helper = join(folder, 'helper')
    writeFileSync(helper, '#!/bin/sh\nprintf "username=bot\\npassword=x\\n"\n', { mode: 0o755 })
    const [, scheme, host] = /^(.*):\/\/(.*)$/.exec(asking) ?? []
    const { stdout } = spawnSync(
      'git',
      [...credentialConfig(addressOf(named), helper), 'credential', 'fill'],
      {
        input: `protocol=${scheme}\nhost=${host}\n\n`,
        env: { PATH: process.env.PATH, GIT_ASKPASS: '', GIT_TERMINAL_PROMPT: '0' },
        encoding: 'utf8',
      },
    )
    expect(stdout.includes('password=x')).toBe(given)
  })

  describe('are not printed', () => {
    const seen = ({ output, message }: Ended) => `${output}${message}`

    test('by a server that echoes them', async () => {
      const named = await started((request, response) => {
        if (request.headers.authorization !== basic) return unauthorized(response)
        const line = `ERR ${user}:${password} or ${request.headers.authorization} is not welcome\n`
        const packet = (text: string) => `${(text.length + 4).toString(16).padStart(4, '0')}${text}`
        response.setHeader('content-type', 'application/x-git-upload-pack-advertisement')
        return response.end(`${packet('# service=git-upload-pack\n')}0000${packet(line)}`)
      })
      const ended = await clone(`${named.url}${path}`)
      expect(seen(ended)).toContain('bot:*** or Basic *** is not welcome')
      expect(seen(ended)).not.toContain(password)
      expect(seen(ended)).not.toContain(basic.replace('Basic ', ''))
    })

    test('by traces that the image enables', async () => {
      const named = await started(guarded)
      const ended = await clone(`${named.url}${path}`, {
        env: {
          GIT_TRACE: '1',
          GIT_TRACE_CURL: '1',
          GIT_TRACE_REDACT: '0',
          GIT_CURL_VERBOSE: '1',
          GIT_TRACE_PACKET: '1',
        },
      })
      expect(ended.code).toBe(0)
      expect(seen(ended)).not.toContain('uthorization')
    })

    test.each([
      `http://${user}:${password}@127.0.0.1:1/x`,
      `http://${password}@127.0.0.1:1/x`,
      `ssh://${user}:${password}@127.0.0.1:1/x`,
    ])('from the address %s, which is refused', async (url) => {
      const ended = await clone(url)
      expect(ended.code).toBe(1)
      expect(ended.message).toBe(
        'build.git.url must not hold credentials: put them into a Secret and name it in build.git.secretName',
      )
      expect(seen(ended)).not.toContain(password)
    })
  })
})

describe('the build context', () => {
  let clone: string
  beforeEach(() => {
    clone = join(folder, 'clone')
    // Outside the clone: a folder whose name begins with the clone's name, and another Dockerfile.
    mkdirSync(join(folder, 'clone-of-others'))
    for (const place of ['clone-of-others', '.'])
      writeFileSync(join(folder, place, 'Dockerfile'), 'FROM scratch\nCOPY . /\n')
    commit(clone, { Dockerfile: 'FROM scratch\n', 'deep/er/file': '' })
    git(clone, 'remote', 'add', 'origin', 'https://git.example/acme/repo.git')
  })

  test.each([
    { what: 'a folder that is a link to /', link: 'ctx', to: '/', path: 'ctx', says: '"ctx"' },
    { what: 'a folder that is a link to ..', link: 'ctx', to: '..', path: 'ctx', says: '"ctx"' },
    {
      what: 'a folder that is a link to a neighbour',
      link: 'ctx',
      to: '../clone-of-others',
      path: 'ctx',
      says: '"ctx"',
    },
    {
      what: 'a folder below a link',
      link: 'deep/ctx',
      to: '../..',
      path: 'deep/ctx/clone-of-others',
      says: '"deep/ctx/clone-of-others"',
    },
    { what: 'a folder with ..', path: 'deep/../..', says: '"deep/../.."' },
    {
      what: 'a Dockerfile that is a link',
      link: 'other.Dockerfile',
      to: '/etc/passwd',
      dockerfile: 'other.Dockerfile',
      says: '"other.Dockerfile"',
    },
    {
      what: 'a Dockerfile below a link',
      link: 'ctx',
      to: '..',
      dockerfile: 'ctx/Dockerfile',
      says: '"ctx/Dockerfile"',
    },
    {
      what: 'a Dockerfile with ..',
      path: 'deep',
      dockerfile: '../../Dockerfile',
      says: '"../Dockerfile"',
    },
    {
      what: 'a Dockerfile behind two links',
      link: 'deep/Dockerfile',
      to: '../second',
      second: '../Dockerfile',
      path: 'deep',
      says: '"deep/Dockerfile"',
    },
  ])('does not leave the clone by $what', async ({ link, to, second, path, dockerfile, says }) => {
    if (link) symlinkSync(to, join(clone, link))
    if (second) symlinkSync(second, join(clone, 'second'))
    const { code, message } = await tool(folder, [
      'build',
      `--context=${clone}`,
      ...(path ? [`--path=${path}`] : []),
      ...(dockerfile ? [`--dockerfile=${dockerfile}`] : []),
      '--image=127.0.0.1:1/ns/model-it:tag',
    ])
    expect(code).toBe(1)
    expect(message).toMatch(
      /^"[^"]*" leads out of the repository, to .*: only files of the repository/,
    )
    expect(message).toContain(says)
  })
})

const sha256 = (data: string | Buffer) =>
  `sha256:${createHash('sha256').update(data).digest('hex')}`

describe('an image that somebody planted in the registry', () => {
  const url = 'https://git.example/acme/repo.git'
  const built = sha256('what BuildKit has made')
  const flags = () => readFileSync(join(folder, 'flags'), 'utf8').split('\n')

  /** A stand-in for BuildKit. */
  const build = (image: string, ...more: readonly string[]) => {
    const bin = join(folder, 'bin')
    mkdirSync(bin)
    const program = (name: string, ...lines: readonly string[]) =>
      writeFileSync(join(bin, name), ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 })
    program('rootlesskit', 'exec sleep 60')
    program(
      'buildctl',
      `[ "$2" = build ] || exit 0`,
      `printf '%s\\n' "$@" >${folder}/flags`,
      `echo '{"containerimage.digest": "${built}"}' >${folder}/metadata.json`,
    )
    commit(join(folder, 'clone'), { Dockerfile: 'FROM scratch\n' })
    git(join(folder, 'clone'), 'remote', 'add', 'origin', url)
    return tool(folder, ['build', `--context=${folder}/clone`, `--image=${image}`, ...more], {
      PATH: `${bin}:${process.env.PATH}`,
      XDG_RUNTIME_DIR: join(folder, 'run'),
      REGISTRY_INSECURE: 'true',
    })
  }

  test('with the build’s tag and labels is not used as the build’s image', async () => {
    const commitOf = () => git(join(folder, 'clone'), 'rev-parse', 'HEAD')
    const config = () =>
      JSON.stringify({
        config: {
          Labels: {
            'org.opencontainers.image.source': url,
            'org.opencontainers.image.revision': commitOf(),
            'ai.substratus.created-by': 'substratus build',
          },
        },
      })
    const registry = await started((request, response) =>
      response.end(
        request.url?.includes('/manifests/')
          ? JSON.stringify({ schemaVersion: 2, config: { digest: sha256(config()) }, layers: [] })
          : config(),
      ),
    )
    const { code, message } = await build(`${registry.host}/ns/model-it:0123456789abcdef`)
    expect(code).toBe(0)
    expect(JSON.parse(message)).toEqual({ digest: built, commit: commitOf() })
    expect(flags()).toContain('build')
    expect(registry.asked).toEqual([])
  })

  test('as a cache is not used, unless the administrator allows it', async () => {
    expect((await build('registry.example/ns/model-it:tag')).code).toBe(0)
    expect(flags().filter((word) => word.includes('cache'))).toEqual([])
  })
})

describe('packaging, with a hostile registry', () => {
  const answered =
    (status: number, headers: Readonly<Record<string, string>> = {}, body = ''): Answer =>
    (request, response) => {
      request.resume().on('end', () => response.writeHead(status, headers).end(body))
    }

  /** The image to which the artifacts are added: a manifest, a configuration and a layer. */
  const layer = 'a layer'
  const config = JSON.stringify({ os: 'linux', config: {}, rootfs: { diff_ids: [] } })
  const manifest = JSON.stringify({
    schemaVersion: 2,
    config: { digest: sha256(config) },
    layers: [
      {
        mediaType: 'application/vnd.oci.image.layer.v1.tar',
        digest: sha256(layer),
        size: layer.length,
      },
    ],
  })

  /** The honest part of the registry: a complete push, for clients with credentials. */
  const honest: Answer = (request, response) => {
    const path = request.url ?? ''
    if (request.method === 'POST') return answered(202, { location: `${path}1` })(request, response)
    if (request.method === 'PATCH') return answered(202)(request, response)
    if (request.method === 'PUT') return answered(201)(request, response)
    if (path.includes('/base/manifests/')) return answered(200, {}, manifest)(request, response)
    if (path.endsWith(sha256(config))) return answered(200, {}, config)(request, response)
    if (path.endsWith(sha256(layer)) && request.method === 'GET')
      return answered(200, {}, layer)(request, response)
    return answered(404)(request, response)
  }

  const pack = async (
    registry: Server,
    env: Readonly<Record<string, string>> = {},
    from = 'base:1',
  ) => {
    for (const name of ['artifacts', 'docker']) mkdirSync(join(folder, name))
    writeFileSync(join(folder, 'artifacts/weights'), 'w')
    await seal(join(folder, 'artifacts'))
    const auths = { [registry.host]: { auth: basic.replace('Basic ', '') } }
    writeFileSync(join(folder, 'docker/config.json'), JSON.stringify({ auths }))
    return tool(
      folder,
      [
        'package',
        `--from=${registry.host}/${from}`,
        `--artifacts=${folder}/artifacts`,
        '--into=/content/model',
        `--image=${registry.host}/ns/model-it:tag`,
      ],
      { DOCKER_CONFIG: join(folder, 'docker'), REGISTRY_INSECURE: 'true', ...env },
    )
  }

  const packed = { code: 0, message: expect.stringMatching(/^{"digest":"sha256:/) }
  const isKnown = (request: IncomingMessage) => request.headers.authorization !== undefined
  const challenge = (header: string): Answer => answered(401, { 'www-authenticate': header })
  const sentTo = ({ asked }: Server) => asked.filter(({ authorization }) => authorization)

  /** A registry that asks for Basic credentials, with hostile responses to some requests. */
  const registryWith = (
    attack: (request: IncomingMessage) => Answer | undefined,
    tls?: Parameters<typeof server>[1],
  ) =>
    started((request, response) => {
      const answer = isKnown(request) ? (attack(request) ?? honest) : challenge('Basic realm="x"')
      answer(request, response)
    }, tls)

  describe('registry credentials', () => {
    test('are sent to the registry and to the token server that it names', async () => {
      const tokens = await started(answered(200, {}, '{"token": "t"}'))
      const registry = await started((request, response) =>
        (isKnown(request) ? honest : challenge(`Bearer realm="${tokens.url}/token"`))(
          request,
          response,
        ),
      )
      expect(await pack(registry)).toMatchObject(packed)
      expect(new Set(tokens.asked.map(({ authorization }) => authorization))).toEqual(
        new Set([basic]),
      )
      expect(new Set(sentTo(registry).map(({ authorization }) => authorization))).toEqual(
        new Set(['Bearer t']),
      )
    })

    describe('are never sent', () => {
      test('to the target of a redirected blob, which is read without them', async () => {
        const store = await started(answered(200, {}, layer))
        const registry = await registryWith(({ method, url }) =>
          method === 'GET' && url?.endsWith(sha256(layer))
            ? redirects(307, () => `${store.url}/layer`)
            : undefined,
        )
        expect(await pack(registry)).toMatchObject(packed)
        expect(store.asked.length).toBe(1)
        expect(sentTo(store)).toEqual([])
      })

      test.each([
        { kind: 'asks for them', header: () => 'Basic realm="x"' },
        { kind: 'names a token server', header: (url: string) => `Bearer realm="${url}/token"` },
      ])('to the target of a redirected blob that $kind', async ({ header }) => {
        const store: Server = await started((request, response) =>
          (request.url?.startsWith('/token')
            ? answered(200, {}, '{"token": "t"}')
            : challenge(header(store.url)))(request, response),
        )
        const registry = await registryWith(({ method, url }) =>
          method === 'GET' && url?.endsWith(sha256(layer))
            ? redirects(307, () => `${store.url}/layer`)
            : undefined,
        )
        const { code, message } = await pack(registry)
        expect(sentTo(store)).toEqual([])
        expect(code).toBe(1)
        expect(message).toBe(
          `${registry.host}/base: the registry leads to ${store.url}, which asks for credentials; they are sent only to ${registry.url}`,
        )
      })

      test('to another server that receives a layer', async () => {
        const store = await started((request, response) =>
          answered(request.method === 'PUT' ? 201 : 202)(request, response),
        )
        const registry = await registryWith(({ method }) =>
          method === 'POST' ? answered(202, { location: `${store.url}/upload` }) : undefined,
        )
        expect(await pack(registry)).toMatchObject(packed)
        expect(store.asked.length).toBeGreaterThan(0)
        expect(sentTo(store)).toEqual([])
      })

      test('to another server that receives a layer and asks for them', async () => {
        const store: Server = await started((request, response) =>
          (isKnown(request) ? answered(202) : challenge(`Bearer realm="${store.url}/token"`))(
            request,
            response,
          ),
        )
        const registry = await registryWith(({ method }) =>
          method === 'POST' ? answered(202, { location: `${store.url}/upload` }) : undefined,
        )
        expect((await pack(registry)).code).toBe(1)
        expect(store.asked.length).toBeGreaterThan(0)
        expect(sentTo(store)).toEqual([])
      })

      test('to the target of a redirect by a token server', async () => {
        const other = await started(answered(200, {}, '{"token": "t"}'))
        const tokens = await started(redirects(307, () => `${other.url}/token`))
        const registry = await started((request, response) =>
          (isKnown(request) ? honest : challenge(`Bearer realm="${tokens.url}/token"`))(
            request,
            response,
          ),
        )
        expect(await pack(registry)).toMatchObject(packed)
        expect(other.asked.length).toBeGreaterThan(0)
        expect(sentTo(other)).toEqual([])
      })

      test.each([
        {
          to: 'a token server',
          attack: (plain: Server) => (request: IncomingMessage) =>
            isKnown(request) ? undefined : challenge(`Bearer realm="${plain.url}/token"`),
          says: 'names a token server in plain http',
        },
        {
          to: 'where a blob is redirected',
          attack: (plain: Server) => (request: IncomingMessage) =>
            request.method === 'GET' && request.url?.endsWith(sha256(layer))
              ? redirects(302, () => `${plain.url}/layer`)
              : undefined,
          says: 'names a redirect in plain http',
        },
        {
          to: 'where a layer is uploaded',
          attack: (plain: Server) => (request: IncomingMessage) =>
            request.method === 'POST'
              ? answered(202, { location: `${plain.url}/upload` })
              : undefined,
          says: 'names a place to upload to in plain http',
        },
      ])('in plain http to $to, when the registry speaks https', async ({ attack, says }) => {
        const plain = await started(answered(200, {}, '{"token": "t"}'))
        const tls = await localCertificate(folder)
        const attacks = attack(plain)
        const registry = await started((request, response) => {
          const answer =
            attacks(request) ?? (isKnown(request) ? honest : challenge('Basic realm="x"'))
          answer(request, response)
        }, tls.server)
        const { code, message } = await pack(registry, {
          REGISTRY_INSECURE: '',
          NODE_EXTRA_CA_CERTS: tls.caFile,
        })
        expect(plain.asked).toEqual([])
        expect(code).toBe(1)
        expect(message).toContain(`${registry.url} ${says}, ${plain.url}, which is not followed`)
      })
    })

    test('are not printed in part when a long refusal is truncated', async () => {
      const words = `${'x'.repeat(290)}${password}`
      const registry = await registryWith(() =>
        answered(403, {}, JSON.stringify({ errors: [{ code: '', message: words }] })),
      )
      const { code, message, output } = await pack(registry)
      expect(code).toBe(1)
      expect(message).toContain('pull refused with 403: xxx')
      expect(message + output).not.toContain(password.slice(0, 6))
    })
  })

  test.each([
    { what: 'the configuration', digest: '../manifests/other' },
    { what: 'an absolute path', digest: '/../../../../v2/other/private/blobs/x' },
    { what: 'a layer', digest: `${sha256(config)}/../${sha256(layer)}`, isLayer: true },
  ])('fetches nothing but blobs of the image itself: $what', async ({ digest, isLayer }) => {
    const hostile = JSON.stringify({
      ...JSON.parse(manifest),
      ...(isLayer
        ? { layers: [{ ...JSON.parse(manifest).layers[0], digest }] }
        : { config: { digest } }),
    })
    const registry = await registryWith(({ url }) =>
      url?.includes('/base/manifests/') ? answered(200, {}, hostile) : undefined,
    )
    const { code, message } = await pack(registry)
    expect(code).toBe(1)
    expect(message).toBe(`"${digest}" in the image's manifest is not a sha256 digest`)
  })

  test('uses an image that is named by digest only if it has that digest', async () => {
    const other = JSON.stringify({ ...JSON.parse(manifest), layers: [] })
    const registry = await registryWith(({ url }) =>
      url?.includes('/base/manifests/') ? answered(200, {}, other) : undefined,
    )
    const { code, message } = await pack(registry, {}, `base@${sha256(manifest)}`)
    expect(code).toBe(1)
    expect(message).toBe(`${registry.host} returned a different manifest for ${sha256(manifest)}`)
  })

  /** A response that never ends. */
  const endless =
    (status: number): Answer =>
    (request, response) => {
      const chunk = Buffer.alloc(64 * 1024, ' ')
      const chunks = (function* () {
        for (;;) yield chunk
      })()
      request.resume().on('end', () => Readable.from(chunks).pipe(response.writeHead(status)))
    }

  test.each([
    { what: 'a manifest', path: '/base/manifests/', status: 200, says: 'larger than 8 MiB' },
    { what: 'a configuration', path: sha256(config), status: 200, says: 'larger than 8 MiB' },
    { what: 'an error', path: '/base/manifests/', status: 500, says: 'larger than 64 KiB' },
  ])('gives up $what that never ends', async ({ path, status, says }) => {
    const registry = await registryWith(({ url }) =>
      url?.includes(path) ? endless(status) : undefined,
    )
    const { code, message } = await pack(registry)
    expect(code).toBe(1)
    expect(message).toContain(says)
  })

  test('gives up a token that never ends', async () => {
    const tokens = await started(endless(200))
    const registry = await started(challenge(`Bearer realm="${tokens.url}/token"`))
    const { code, message } = await pack(registry)
    expect(code).toBe(1)
    expect(message).toContain('gives a token that is larger than 64 KiB')
  })
})
