import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  gitHttpsUrl,
  gitSshUrl,
  gitUrl,
  registryHost,
  s3Key,
  s3Url,
} from '../../platform/node/addresses.ts'
import { apply, get, manifest, namespace, ok, readyOf } from '../cluster/cluster.ts'
import {
  base,
  commit,
  gitCredentials,
  leave,
  pullsFrom,
  secret,
  serverFor,
  untilSays,
} from './realnode.ts'

/** Failures of real containers, and the exact message of each in `kubectl get`. */

interface Trouble {
  readonly when: string
  readonly kind?: 'Dataset' | 'Model' | 'ModelServer'
  readonly spec: (ns: string) => object
  /** Creates what must exist before. */
  readonly given?: (ns: string) => Promise<unknown> | undefined
  /** The beginning of Ready after "False ", or a pattern for all of it. */
  readonly says: string | RegExp | ((ns: string) => string)
}

const dockerfile = (...lines: readonly string[]) => ({
  Dockerfile: [`FROM ${base}/busybox:1`, ...lines].join('\n'),
})
/** A build of a repository. */
const builds = (repository: string, git: object = {}, server = gitUrl) => ({
  build: { git: { url: `${server}/${repository}.git`, ...git } },
})
const withSecret = { secretName: 'git' }
/** A new key, which no server accepts. */
function strangeKey() {
  const folder = mkdtempSync(join(tmpdir(), 'substratus-key-'))
  const file = join(folder, 'key')
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file])
  const [key = '', publicKey = ''] = [file, `${file}.pub`].map((path) => readFileSync(path, 'utf8'))
  rmSync(folder, { recursive: true })
  return { key, publicKey }
}
/** Runs a line of shell in busybox. */
const runs = (script: string, more: object = {}) => ({
  image: `${base}/busybox:1`,
  command: ['/bin/sh', '-c', script],
  ...more,
})
const once = { runPolicy: { backoffLimit: 0 } }
const s3Env = {
  AWS_ENDPOINT_URL: s3Url,
  AWS_ACCESS_KEY_ID: s3Key.id,
  AWS_SECRET_ACCESS_KEY: s3Key.secret,
}
const clone = 'Failed: container "clone" exited with 1: '
const build = 'Failed: container "build" exited with 1: '
const load = 'Failed: container "load" exited with 1: '

const troubles: readonly Trouble[] = [
  {
    when: 'a branch that does not exist',
    given: async (ns) => commit(`${ns}/code`, dockerfile()),
    spec: (ns) => builds(`${ns}/code`, { branch: 'nope' }),
    says: (ns) => `${clone}${gitUrl}/${ns}/code.git has no branch "nope"`,
  },
  {
    when: 'a tag that does not exist',
    given: async (ns) => commit(`${ns}/code`, dockerfile()),
    spec: (ns) => builds(`${ns}/code`, { tag: 'v9' }),
    says: (ns) => `${clone}${gitUrl}/${ns}/code.git has no tag "v9"`,
  },
  {
    when: 'a commit that does not exist',
    given: async (ns) => commit(`${ns}/code`, dockerfile()),
    spec: (ns) => builds(`${ns}/code`, { commit: 'deadbeefdeadbeefdeadbeefdeadbeefdeadbeef' }),
    says: (ns) =>
      `${clone}${gitUrl}/${ns}/code.git has no commit "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef"`,
  },
  {
    when: 'a repository that does not exist',
    spec: (ns) => builds(`${ns}/none`),
    says: (ns) =>
      `${clone}${gitUrl}/${ns}/none.git does not exist, or is private: then name a Secret in build.git.secretName`,
  },
  {
    when: 'a private repository without credentials',
    given: async (ns) => commit(`private/${ns}`, dockerfile()),
    spec: (ns) => builds(`private/${ns}`),
    says: (ns) =>
      `${clone}${gitUrl}/private/${ns}.git asks for credentials: name a basic-auth or ssh-auth Secret in build.git.secretName`,
  },
  {
    when: 'a private repository with wrong credentials',
    given: async (ns) => {
      commit(`private/${ns}`, dockerfile())
      await secret(ns, 'git', 'kubernetes.io/basic-auth', { username: 'git', password: 'wrong' })
    },
    spec: (ns) => builds(`private/${ns}`, { secretName: 'git' }),
    says: (ns) =>
      `${clone}${gitUrl}/private/${ns}.git refuses the credentials of the Secret in build.git.secretName`,
  },
  {
    when: 'a server whose certificate has an unknown CA',
    spec: (ns) => builds(`${ns}/code`, {}, gitHttpsUrl),
    says: (ns) =>
      `${clone}${gitHttpsUrl}/${ns}/code.git: its certificate cannot be trusted: put its authority's as ca.crt into the Secret, or ask the administrator for git.caBundle`,
  },
  {
    when: 'a private repository over https without credentials',
    given: async (ns) => {
      commit(`private/${ns}`, dockerfile())
      await secret(ns, 'git', 'Opaque', { 'ca.crt': gitCredentials().ca })
    },
    spec: (ns) => builds(`private/${ns}`, withSecret, gitHttpsUrl),
    says: (ns) =>
      `${clone}${gitHttpsUrl}/private/${ns}.git asks for credentials: name a basic-auth or ssh-auth Secret in build.git.secretName`,
  },
  {
    when: 'a private repository over https with a wrong token',
    given: async (ns) => {
      commit(`private/${ns}`, dockerfile())
      await secret(ns, 'git', 'kubernetes.io/basic-auth', {
        username: 'git',
        password: 'wrong',
        'ca.crt': gitCredentials().ca,
      })
    },
    spec: (ns) => builds(`private/${ns}`, withSecret, gitHttpsUrl),
    says: (ns) =>
      `${clone}${gitHttpsUrl}/private/${ns}.git refuses the credentials of the Secret in build.git.secretName`,
  },
  {
    when: 'a private repository over ssh without a key',
    given: (ns) => secret(ns, 'git', 'Opaque', { known_hosts: gitCredentials().knownHosts }),
    spec: (ns) => builds(`private/${ns}`, withSecret, gitSshUrl),
    says: (ns) =>
      `${clone}${gitSshUrl}/private/${ns}.git asks for credentials: name a basic-auth or ssh-auth Secret in build.git.secretName`,
  },
  {
    when: 'a private repository over ssh with a wrong key',
    given: (ns) =>
      secret(ns, 'git', 'kubernetes.io/ssh-auth', {
        'ssh-privatekey': strangeKey().key,
        known_hosts: gitCredentials().knownHosts,
      }),
    spec: (ns) => builds(`private/${ns}`, withSecret, gitSshUrl),
    says: (ns) =>
      `${clone}${gitSshUrl}/private/${ns}.git refuses the credentials of the Secret in build.git.secretName`,
  },
  {
    when: 'a host over ssh that is not in known_hosts',
    given: (ns) =>
      secret(ns, 'git', 'kubernetes.io/ssh-auth', { 'ssh-privatekey': gitCredentials().key }),
    spec: (ns) => builds(`private/${ns}`, withSecret, gitSshUrl),
    says: (ns) =>
      `${clone}${gitSshUrl}/private/${ns}.git: the host key is not known: put known_hosts into the Secret, or ask the administrator for git.knownHosts`,
  },
  {
    when: 'a host over ssh whose key differs from known_hosts',
    given: (ns) => {
      const { key, knownHosts } = gitCredentials()
      const [host] = knownHosts.split(' ')
      return secret(ns, 'git', 'kubernetes.io/ssh-auth', {
        'ssh-privatekey': key,
        known_hosts: `${host} ${strangeKey().publicKey}`,
      })
    },
    spec: (ns) => builds(`private/${ns}`, withSecret, gitSshUrl),
    says: (ns) =>
      `${clone}${gitSshUrl}/private/${ns}.git: the host has another key than known_hosts says: compare both with what the host publishes`,
  },
  {
    when: 'a repository over ssh that does not exist',
    given: (ns) => {
      const { key, knownHosts } = gitCredentials()
      return secret(ns, 'git', 'kubernetes.io/ssh-auth', {
        'ssh-privatekey': key,
        known_hosts: knownHosts,
      })
    },
    spec: (ns) => builds(`${ns}/none`, withSecret, gitSshUrl),
    says: (ns) =>
      `${clone}${gitSshUrl}/${ns}/none.git does not exist, or the credentials of the Secret may not see it`,
  },
  {
    when: 'a Secret of the repository that does not exist',
    spec: (ns) => builds(`private/${ns}`, withSecret),
    says: /^False VolumeUnavailable: Pod "it-dataset-build-[^"]+": MountVolume\.SetUp failed for volume "[^"]+": secret "git" not found$/,
  },
  {
    when: 'no Dockerfile',
    given: async (ns) => commit(`${ns}/code`, { README: 'nothing' }),
    spec: (ns) => builds(`${ns}/code`),
    says: `${build}the repository has no "Dockerfile": set build.git.path or build.dockerfile`,
  },
  {
    when: 'no such folder',
    given: async (ns) => commit(`${ns}/code`, dockerfile()),
    spec: (ns) => builds(`${ns}/code`, { path: 'trian' }),
    says: `${build}the repository has no folder "trian"`,
  },
  {
    when: 'a step of the build that fails',
    given: async (ns) =>
      commit(`${ns}/code`, dockerfile('RUN echo one && echo "no such package: nosuch" && exit 4')),
    spec: (ns) => builds(`${ns}/code`),
    says: `${build}one | no such package: nosuch | the step "RUN echo one && echo "no such package: nosuch" && exit 4" failed with 4`,
  },
  {
    when: 'a Dockerfile that cannot be read',
    given: async (ns) => commit(`${ns}/code`, dockerfile('XYZZY true')),
    spec: (ns) => builds(`${ns}/code`),
    says: `${build}the build failed: dockerfile parse error on line 2: unknown instruction: XYZZY`,
  },
  {
    when: 'a base image that does not exist',
    given: async (ns) => commit(`${ns}/code`, { Dockerfile: `FROM ${registryHost}/none:1\n` }),
    spec: (ns) => builds(`${ns}/code`),
    says: `${build}the build failed: ${registryHost}/none:1: failed to resolve source metadata for ${registryHost}/none:1: ${registryHost}/none:1: not found`,
  },
  {
    when: 'a load that exits with 3',
    spec: () => runs('echo reading; echo "no column \\"text\\""; exit 3', once),
    says: 'Failed: container "load" exited with 3: reading | no column "text"',
  },
  {
    when: 'a load that writes nothing',
    spec: () => runs('true', once),
    says: 'Failed: container "seal" exited with 3: nothing was written to /content/artifacts: there is no result to keep; the program runs again once the spec is changed, or by kubectl annotate --overwrite dataset it substratus.ai/rerun="$(date)"',
  },
  {
    when: 'a training that exceeds its memory limit',
    kind: 'Model',
    given: (ns) =>
      apply(
        ns,
        JSON.stringify({
          apiVersion: 'v1',
          kind: 'LimitRange',
          metadata: { name: 'small' },
          spec: { limits: [{ type: 'Container', default: { memory: '160Mi' } }] },
        }),
      ),
    spec: () => runs('x=a; while true; do x=$x$x; done', once),
    says: 'OOMKilled: container "run" was killed for using more memory than it may',
  },
  {
    when: 'an image that does not exist',
    spec: () => ({ image: `${registryHost}/none:1`, ...once }),
    says: `ImagePullFailed: container "load": cannot pull image "${registryHost}/none:1": `,
  },
  {
    when: 'a Secret that does not exist',
    spec: () => runs('true', { env: { TOKEN: '${{ secrets.hub.token }}' } }),
    says: 'ContainerConfigError: container "load": secret "hub" not found',
  },
  {
    when: 'a load that exceeds its deadline',
    spec: () => runs('sleep 100', { runPolicy: { activeDeadlineSeconds: 8 } }),
    says: 'DeadlineExceeded: Job "it-dataset-load-',
  },
  {
    when: 'an address that answers 404',
    spec: () => ({ source: `${gitUrl}/nothing.bin`, ...once }),
    says: `${load}${gitUrl}/nothing.bin answers 404`,
  },
  {
    when: 'a bucket that does not exist',
    spec: () => ({ source: 's3://nothing/here', env: s3Env, ...once }),
    says: `${load}s3://nothing/here does not exist`,
  },
  {
    when: 'a bucket with wrong credentials',
    spec: () => ({
      source: 's3://nothing/here',
      env: { ...s3Env, AWS_SECRET_ACCESS_KEY: 'wrong' },
      ...once,
    }),
    says: `${load}s3://nothing/here refuses the credentials: give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in spec.env, from a Secret`,
  },
  {
    when: 'more GPUs than there are',
    spec: () => runs('true', { resources: { gpu: { count: 64 } } }),
    says: 'Unschedulable: 0/1 nodes are available: 1 Insufficient nvidia.com/gpu',
  },
  {
    when: 'a namespace that forbids the builder',
    given: async (ns) => {
      commit(`${ns}/code`, dockerfile())
      await ok(['label', 'namespace', ns, 'pod-security.kubernetes.io/enforce=baseline'])
    },
    spec: (ns) => builds(`${ns}/code`),
    says: /^False PodRefused: pods "it-dataset-build-[^"]+" is forbidden: violates PodSecurity "baseline:latest": /,
  },
]

const serverTroubles: readonly Trouble[] = [
  {
    when: 'a server that never answers',
    spec: () => runs('sleep 1000'),
    says: /^False Starting: Pod "it-server-[^"]+" runs and does not answer yet$/,
  },
  {
    when: 'a server that crashes again and again',
    spec: () => runs('echo "no kernel image"; exit 1'),
    says: 'CrashLooping: container "server" exited with 1: no kernel image',
  },
]

describe.concurrent('kubectl get reports', () => {
  test.each(troubles)('$when', async ({ kind = 'Dataset', spec, given, says }) => {
    const ns = await namespace('truth')
    await given?.(ns)
    await apply(ns, manifest(kind, 'it', spec(ns)))
    const what = `${kind.toLowerCase()}/it`
    if (says instanceof RegExp) await untilSays(ns, what, says)
    else {
      const expected = `False ${typeof says === 'string' ? says : says(ns)}`
      await untilSays(ns, what, expected, 280)
      expect(readyOf(await get(ns, what)).slice(0, expected.length)).toBe(expected)
    }
    await leave(ns)
  })

  test.each(serverTroubles)('$when', async ({ spec, says }) => {
    const ns = await namespace('truth')
    const trains = runs('echo 1 >/content/artifacts/w', { package: 'Never' })
    await apply(ns, manifest('Model', 'base', trains))
    await untilSays(ns, 'model/base', 'True Done')
    await apply(ns, manifest('ModelServer', 'it', { model: { name: 'base' }, ...spec(ns) }))
    await untilSays(ns, 'modelserver/it', says instanceof RegExp ? says : `False ${says}`)
    await leave(ns)
  })

  test('an image of a Model that contains no model', async () => {
    const ns = await namespace('truth')
    await apply(ns, manifest('Model', 'base', { image: `${base}/busybox:1` }))
    await untilSays(ns, 'model/base', 'True Done')
    await apply(ns, manifest('ModelServer', 'it', { model: { name: 'base' }, ...runs('true') }))
    await untilSays(
      ns,
      'modelserver/it',
      /^False ContainerConfigError: container "server": failed to mount image volume: .* subpath "content\/model" .*: no such file or directory$/,
    )
  })

  test('an image that is pulled slowly', async () => {
    const ns = await namespace('truth')
    const registry = await serverFor(() => {})
    const { host } = new URL(registry.url)
    pullsFrom(host)
    try {
      const waits = (what: string, image: string) =>
        untilSays(
          ns,
          what,
          new RegExp(`^False Pending: Pod "[^"]+" is starting: container ${image}$`),
        )
      await apply(
        ns,
        manifest('Dataset', 'it', { image: `${host}/large:1` }),
        manifest('Model', 'base', { image: `${host}/model:1` }),
        manifest('ModelServer', 'it', { model: { name: 'base' }, ...runs('true') }),
      )
      await waits('dataset/it', `"load" is being created from image "${host}/large:1"`)
      await waits(
        'modelserver/it',
        `"server" is being created from image "${base}/busybox:1" with image volume "${host}/model:1"`,
      )
    } finally {
      await leave(ns)
      registry.stop()
    }
  })

  test('a wrong checksum', async () => {
    const ns = await namespace('truth')
    const files = await serverFor((_, response) => response.end('abc'))
    try {
      const source = `${files.url}/x#sha256=${'0'.repeat(64)}`
      await apply(ns, manifest('Dataset', 'it', { source, ...once }))
      await untilSays(
        ns,
        'dataset/it',
        `False ${load}${files.url}/x has sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad, but spec.source says ${'0'.repeat(64)}`,
      )
    } finally {
      files.stop()
    }
  })
})
