import { createHash } from 'node:crypto'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { tools } from '../../../platform/binaries/catalog.ts'
import { findBinaries, findIn } from '../../../platform/binaries/find.ts'
import { kubernetesModule } from '../../../platform/binaries/gobuild.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'substratus-test-'))
})
afterEach(() => rmSync(home, { recursive: true }))

const versions: Readonly<Record<string, string>> = {
  etcd: 'etcd Version: 3.6.8',
  'kube-apiserver': 'Kubernetes v1.36.3',
  'kube-controller-manager': 'Kubernetes v1.36.3',
  'kube-scheduler': 'Kubernetes v1.36.3',
  kubectl: '{"clientVersion": {"gitVersion": "v1.36.3"}}',
  kwok: 'kwok version v0.8.0 go1.26.8 (linux/amd64)',
}

const script = (version: string | undefined): string => `#!/bin/sh\necho '${version}'\n`

/** A folder with a shell script for each name, which prints only the version. */
function folder(
  path: string,
  names: readonly string[],
  more: Readonly<Record<string, string>> = {},
) {
  mkdirSync(join(home, path), { recursive: true })
  for (const name of names) {
    writeFileSync(join(home, path, name), script(more[name] ?? versions[name]))
    chmodSync(join(home, path, name), 0o755)
  }
  return join(home, path)
}

const all = Object.keys(versions)
const cached = '.cache/substratus/k8s-1.36.3/bin'
const find = (env: NodeJS.ProcessEnv) =>
  findBinaries({ progress: () => {}, env: { HOME: home, PATH: '/nowhere', ...env } })

describe('binaries are found', () => {
  test('from KUBEBUILDER_ASSETS, then PATH, then the cache', async () => {
    const assets = folder('assets', ['etcd', 'kube-apiserver'])
    const path = folder('path', ['etcd', 'kube-apiserver', 'kubectl'])
    folder(cached, all)
    const found = await find({ KUBEBUILDER_ASSETS: assets, PATH: path })
    expect(found.etcd).toBe(join(assets, 'etcd'))
    expect(found['kube-apiserver']).toBe(join(assets, 'kube-apiserver'))
    expect(found.kubectl).toBe(join(path, 'kubectl'))
    expect(found.kwok).toBe(join(home, cached, 'kwok'))
  })

  test.each([
    { name: 'kubectl', version: 'Client Version: v1.32.4-dispatcher', taken: 'cache' },
    { name: 'kubectl', version: 'Client Version: v1.35.0', taken: 'path' },
    { name: 'kubectl', version: 'Client Version: v1.37.1', taken: 'path' },
    { name: 'kube-apiserver', version: 'Kubernetes v1.35.0', taken: 'cache' },
    { name: 'kube-apiserver', version: 'Kubernetes v1.36.9', taken: 'path' },
    { name: 'etcd', version: 'etcd Version: 3.4.23', taken: 'cache' },
    { name: 'kwok', version: 'what?', taken: 'cache' },
  ] as const)(
    '$name that reports "$version" on PATH: the one from the $taken is used',
    async (given) => {
      const path = folder('path', [given.name], { [given.name]: given.version })
      folder(cached, all)
      const found = await find({ PATH: path })
      expect(found[given.name]).toBe(
        join(given.taken === 'path' ? path : join(home, cached), given.name),
      )
    },
  )

  test('or one error lists what was tried for each, and why it failed', async () => {
    const places = [
      { name: 'PATH', find: async () => Promise.reject(new Error('it is in none of its folders')) },
      {
        name: 'the cache',
        find: async ({ name }: { name: string }) =>
          name === 'etcd' || name === 'kwok'
            ? Promise.reject(new Error(`/c/${name} does not exist`))
            : `/c/${name}`,
      },
    ]
    await expect(findIn(places, tools)).rejects.toThrow(
      [
        'not every binary of Kubernetes 1.36.3 was found. What was tried:',
        '  etcd',
        '    PATH: it is in none of its folders',
        '    the cache: /c/etcd does not exist',
        '  kwok',
        '    PATH: it is in none of its folders',
        '    the cache: /c/kwok does not exist',
        'put them into a folder',
      ].join('\n'),
    )
  })
})

describe('a download', () => {
  let server: Server
  let files: Map<string, string>
  beforeEach(async () => {
    files = new Map()
    server = createServer((req, res) => {
      const file = files.get(req.url ?? '')
      res.writeHead(file === undefined ? 404 : 200).end(file)
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  })
  afterEach(() => server.close())

  const release = () => {
    const { url, checksum } = tools
      .find(({ name }) => name === 'kubectl')
      ?.release(process.platform, process.arch === 'x64' ? 'amd64' : process.arch) ?? {
      url: '',
      checksum: { url: '' },
    }
    return { binary: url.replace('https:/', ''), checksum: checksum.url.replace('https:/', '') }
  }
  const download = () => {
    const { port } = server.address() as AddressInfo
    folder(
      cached,
      all.filter((name) => name !== 'kubectl'),
    )
    // A real PATH for /bin/sh, and no Go on it.
    return find({ SUBSTRATUS_RELEASES: `http://127.0.0.1:${port}`, PATH: '/nowhere' })
  }
  const digest = (text: string) => createHash('sha256').update(text).digest('hex')

  test('is cached once its checksum matches the published one', async () => {
    const { binary, checksum } = release()
    files.set(binary, script(versions.kubectl))
    files.set(checksum, digest(script(versions.kubectl)))
    const { kubectl } = await download()
    expect(kubectl).toBe(join(home, cached, 'kubectl'))
    expect(readFileSync(kubectl, 'utf8')).toBe(script(versions.kubectl))
  })

  test('with another checksum is refused, and leaves nothing behind', async () => {
    const { binary, checksum } = release()
    files.set(binary, script('evil'))
    files.set(checksum, `${digest('good')}\n`)
    await expect(download()).rejects.toThrow(
      /a download: .* has sha256 .*, but https:.*kubectl.sha256 says /,
    )
    expect(readdirSync(join(home, cached))).not.toContain('kubectl')
    expect(readdirSync(join(home, cached))).toHaveLength(all.length - 1)
  })

  test('without a published checksum is not started', async () => {
    files.set(release().binary, script(versions.kubectl))
    await expect(download()).rejects.toThrow(/a download: .*kubectl\.sha256 answers 404/)
  })
})

test('k8s.io/kubernetes is required with its published staging modules', () => {
  const upstream = [
    'module k8s.io/kubernetes',
    'go 1.26.0',
    'godebug default=go1.26',
    'require (\n\tk8s.io/api v0.0.0\n)',
    'replace (\n\tk8s.io/api => ./staging/src/k8s.io/api\n\tk8s.io/kubelet => ./staging/src/k8s.io/kubelet\n)',
  ].join('\n')
  expect(kubernetesModule('module m\n', upstream, 'v1.36.3')).toBe(
    [
      'module m\n',
      'go 1.26.0',
      'godebug default=go1.26',
      'require k8s.io/kubernetes v1.36.3',
      'replace k8s.io/api => k8s.io/api v0.36.3',
      'replace k8s.io/kubelet => k8s.io/kubelet v0.36.3',
      '',
    ].join('\n'),
  )
})
