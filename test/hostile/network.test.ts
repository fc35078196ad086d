import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { seal } from '../../tools/seal.ts'
import { localCertificate } from '../certificate.ts'
import { git } from '../git.ts'
import { commit, type Server, scratch, serveGit, server, tool } from './tools.ts'

/** Networks as companies have them: a proxy in between, and a certificate of the company's own authority. */

let folder: string
let remove: () => void
let ca: string
let named: Server
let proxy: Awaited<ReturnType<typeof proxyServer>>
beforeEach(async () => {
  ;({ folder, remove } = scratch())
  mkdirSync(join(folder, 'home'))
  mkdirSync(join(folder, 'into'))
  const certificate = await localCertificate(folder)
  ca = certificate.ca
  named = await server((request, response) => {
    if (request.url?.startsWith('/git/') && !request.url.includes('/info/lfs/'))
      return serveGit(join(folder, 'repositories'), request.url.slice(4), request, response)
    if (request.url?.startsWith('/v2/')) return registry(request, response)
    if (request.url?.endsWith('/objects/batch'))
      return void response.setHeader('content-type', 'application/json').end(batch())
    return void response.end('whole')
  }, certificate.server)
  proxy = await proxyServer()
})
afterEach(() => {
  named.stop()
  proxy.stop()
  remove()
})

const oid = createHash('sha256').update('whole').digest('hex')

/** The answer of a Git LFS server that has one object. */
const batch = () =>
  JSON.stringify({
    objects: [
      { oid, size: 5, actions: { download: { href: `https://localhost:${named.port}/x` } } },
    ],
  })

/** A registry that accepts every push. */
function registry(request: IncomingMessage, response: ServerResponse): void {
  const statuses: Readonly<Record<string, number>> = { HEAD: 404, POST: 202, PATCH: 202, PUT: 201 }
  const { method = '', url = '' } = request
  request
    .resume()
    .on('end', () => response.writeHead(statuses[method] ?? 404, { location: url }).end())
}

/** A proxy that records where it was asked to connect to, and leads every name to this machine. */
async function proxyServer() {
  const asked: string[] = []
  const one = createServer()
  one.on('connect', ({ url = '' }, socket) => {
    asked.push(`CONNECT ${url}`)
    const to = connect(Number(url.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      to.pipe(socket).pipe(to)
    })
    for (const end of [to, socket]) end.on('error', () => {})
  })
  await new Promise<void>((done) => one.listen(0, '127.0.0.1', done))
  return {
    asked,
    url: `http://127.0.0.1:${(one.address() as AddressInfo).port}`,
    stop: () => one.close().closeAllConnections(),
  }
}

const load = (source: string, env: Readonly<Record<string, string>>) =>
  tool(join(folder, 'home'), ['load', `--source=${source}`, `--into=${join(folder, 'into')}`], env)
const loaded = () => readFileSync(join(folder, 'into/data.bin'), 'utf8')
const byName = () => `https://localhost:${named.port}/data.bin`

describe('a source by https is loaded', () => {
  test.each(['HTTPS_PROXY', 'https_proxy'])('through the proxy of %s', async (name) => {
    const ended = await load(byName(), { [name]: proxy.url, CA_CERTIFICATES: ca })
    expect(ended).toMatchObject({ code: 0 })
    expect(loaded()).toBe('whole')
    expect(proxy.asked).toEqual([`CONNECT localhost:${named.port}`])
  })

  test('past the proxy, if NO_PROXY names the host', async () => {
    const env = { HTTPS_PROXY: proxy.url, NO_PROXY: 'localhost', CA_CERTIFICATES: ca }
    expect(await load(byName(), env)).toMatchObject({ code: 0 })
    expect(loaded()).toBe('whole')
    expect(proxy.asked).toEqual([])
  })

  test('from an authority of CA_CERTIFICATES, whatever openssl has written around it', async () => {
    const text = `Certificate:\r\n    Data:\r\n${ca.replaceAll('\n', '\r\n')}`
    expect(await load(byName(), { CA_CERTIFICATES: text })).toMatchObject({ code: 0 })
  })

  test('from no other authority: the message has the remedy', async () => {
    expect((await load(byName(), {})).message).toContain(
      `${byName()}: its certificate is not trusted: if it comes from a private CA, set CA_CERTIFICATES in spec.env: `,
    )
  })

  test('not if CA_CERTIFICATES is no certificate, such as the name of a file', async () => {
    expect((await load(byName(), { CA_CERTIFICATES: '/etc/ssl/ca.crt' })).message).toContain(
      'CA_CERTIFICATES in spec.env contains no certificate: set it to the PEM text',
    )
  })
})

test('a source by plain http is loaded through the proxy of HTTP_PROXY', async () => {
  const plain = await server((_, response) => response.end('whole'))
  try {
    const source = `http://localhost:${plain.port}/data.bin`
    expect(await load(source, { HTTP_PROXY: proxy.url })).toMatchObject({ code: 0 })
    expect(loaded()).toBe('whole')
    expect(proxy.asked).toEqual([expect.stringContaining(`localhost:${plain.port}`)])
  } finally {
    plain.stop()
  }
})

test('a proxy’s password is not printed', async () => {
  proxy.stop()
  const url = proxy.url.replace('//', '//bot:pr0xy-s3cret@')
  const { output, message } = await load('hf://org/name', { HTTPS_PROXY: url, CA_CERTIFICATES: ca })
  expect(`${output}${message}`).not.toContain('pr0xy-s3cret')
})

test('a repository is cloned through the proxy, with its LFS, from an authority of CA_CERTIFICATES', async () => {
  const repository = join(folder, 'repositories/it')
  commit(repository, {
    Dockerfile: 'FROM scratch\n',
    'w.bin': `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize 5\n`,
  })
  writeFileSync(join(repository, '.gitattributes'), 'w.bin filter=lfs -text\n')
  const off = ['-c', 'filter.lfs.clean=', '-c', 'filter.lfs.process=', '-c', 'filter.lfs.required=']
  git(repository, ...off, 'add', '.gitattributes')
  git(repository, ...off, 'commit', '--quiet', '--message', 'LFS')
  const url = `https://localhost:${named.port}/git/it/.git`
  const words = ['clone', `--url=${url}`, `--into=${join(folder, 'into')}`]
  const env = { HTTPS_PROXY: proxy.url, CA_CERTIFICATES: ca }
  expect(await tool(join(folder, 'home'), words, env)).toMatchObject({ code: 0 })
  expect(readFileSync(join(folder, 'into/Dockerfile'), 'utf8')).toBe('FROM scratch\n')
  expect(readFileSync(join(folder, 'into/w.bin'), 'utf8')).toBe('whole')
  expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT localhost:${named.port}`]))
})

describe.each([
  { program: 'python3', source: 'hf://org/name' },
  { program: 'rclone', source: 's3://bucket/x' },
])('$program', ({ program, source }) => {
  test('gets both under the names that it reads', async () => {
    mkdirSync(join(folder, 'bin'))
    const seen = join(folder, 'seen')
    const script = `#!/bin/sh\nenv >>${seen}\ncat "$SSL_CERT_FILE" >>${seen}\n`
    writeFileSync(join(folder, 'bin', program), script, { mode: 0o755 })
    const ended = await load(source, {
      PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
      HTTP_PROXY: 'http://proxy.test:1',
      https_proxy: 'http://proxy.test:2',
      CA_CERTIFICATES: ca,
    })
    expect(ended).toMatchObject({ code: 0 })
    const text = readFileSync(seen, 'utf8')
    for (const line of [
      'HTTP_PROXY=http://proxy.test:1',
      'http_proxy=http://proxy.test:1',
      'HTTPS_PROXY=http://proxy.test:2',
      'https_proxy=http://proxy.test:2',
    ])
      expect(text).toContain(`${line}\n`)
    for (const name of ['SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'RCLONE_CA_CERT'])
      expect(text).toMatch(new RegExp(`^${name}=/.*authorities-\\d+\\.crt$`, 'm'))
    expect(text).toContain(ca.trim())
  })
})

describe('the programs with the push credentials', () => {
  describe('package', () => {
    const pack = async (env: Readonly<Record<string, string>>) => {
      mkdirSync(join(folder, 'artifacts'))
      writeFileSync(join(folder, 'artifacts/model.bin'), 'weights')
      await seal(join(folder, 'artifacts'))
      const image = `localhost:${named.port}/ns/model-it:tag`
      const from = ['--from=scratch', `--artifacts=${join(folder, 'artifacts')}`]
      const words = ['package', ...from, '--into=/content/model', `--image=${image}`]
      return tool(join(folder, 'home'), words, env)
    }

    test('pushes through the proxy, to a registry with a certificate of CA_CERTIFICATES', async () => {
      const ended = await pack({ HTTPS_PROXY: proxy.url, CA_CERTIFICATES: ca })
      expect(ended).toMatchObject({ code: 0, message: expect.stringContaining('"digest"') })
      expect(named.asked.at(-1)).toMatchObject({
        method: 'PUT',
        path: '/v2/ns/model-it/manifests/tag',
      })
      expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT localhost:${named.port}`]))
    })

    test('trusts no other authority, and the message names the administrator’s setting', async () => {
      expect((await pack({})).message).toBe(
        `localhost:${named.port}: its certificate is not trusted: if it comes from a private CA, set CA_CERTIFICATES in builder.env of the configuration`,
      )
    })
  })

  test('BuildKit has the administrator’s network, and the steps of a Dockerfile the user’s', async () => {
    const [bin, clone, seen] = ['bin', 'clone', 'seen'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    mkdirSync(bin)
    for (const [name, last] of [
      ['rootlesskit', 'exec sleep 60'],
      ['buildctl', `echo '{"containerimage.digest": "sha256:0"}' >$HOME/metadata.json`],
    ] as const)
      writeFileSync(
        join(bin, name),
        `#!/bin/sh\n{ env; cat "$SSL_CERT_FILE"; printf '%s\\n' "$@"; } >${seen}-${name}\n${last}\n`,
        { mode: 0o755 },
      )
    commit(clone, { Dockerfile: 'FROM scratch\n' })
    git(clone, 'remote', 'add', 'origin', 'https://git.example/x.git')
    const words = ['build', `--context=${clone}`, '--image=registry.example/ns/model-it:tag']
    const ended = await tool(join(folder, 'home'), words, {
      PATH: `${bin}:${process.env.PATH}`,
      XDG_RUNTIME_DIR: join(folder, 'run'),
      HTTPS_PROXY: 'http://admin.test:1',
      CA_CERTIFICATES: ca,
      STEP_HTTPS_PROXY: 'http://user.test:1',
    })
    expect(ended).toMatchObject({ code: 0 })
    const [daemon, client] = ['rootlesskit', 'buildctl'].map((name) =>
      readFileSync(`${seen}-${name}`, 'utf8'),
    )
    for (const text of [daemon, client]) {
      expect(text).toMatch(/^HTTPS_PROXY=http:\/\/admin.test:1$/m)
      expect(text).toMatch(/^https_proxy=http:\/\/admin.test:1$/m)
      expect(text).toContain(ca.trim())
    }
    expect(client).toContain('--opt=build-arg:HTTPS_PROXY=http://user.test:1\n')
    expect(client).not.toContain('build-arg:HTTPS_PROXY=http://admin.test:1')
  })
})
