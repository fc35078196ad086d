import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createSecureServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { inject } from 'vitest'
import { gitUrl, nodeAddress, registryHost } from '../../platform/node/addresses.ts'
import { sshFiles } from '../../platform/node/gitssh.ts'
import { get, ok, type Shown, until, watchReady } from '../cluster/cluster.ts'
import { git } from '../git.ts'

/** The real node as its users see it: by git, kubectl, HTTP and the registry's API. */

export const base = `${registryHost}/base`

type Files = Readonly<Record<string, string>>

interface Committed {
  readonly url: string
  readonly commit: string
}

/** The folder of a repository on the node's Git server, created if necessary. */
export function repositoryOf(name: string): string {
  const bare = join(inject('cluster').dir, 'node', 'git', `${name}.git`)
  mkdirSync(dirname(bare), { recursive: true })
  if (!existsSync(bare))
    execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', bare])
  return bare
}

/** Commits files to a branch of a repository on the node's Git server. */
export function commit(name: string, files: Files, { branch = 'main', tag = '' } = {}): Committed {
  const bare = repositoryOf(name)
  const work = mkdtempSync(join(tmpdir(), 'substratus-git-'))
  try {
    git(work, 'init', '--quiet', '--initial-branch', branch)
    git(work, 'remote', 'add', 'origin', bare)
    try {
      git(work, 'fetch', '--quiet', '--no-tags', 'origin', `refs/heads/${branch}`)
      git(work, 'reset', '--quiet', '--hard', 'FETCH_HEAD')
    } catch {
      // The branch's first commit.
    }
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(work, path)), { recursive: true })
      writeFileSync(join(work, path), text, { mode: path.endsWith('.sh') ? 0o755 : 0o644 })
    }
    git(work, 'add', '--all')
    git(
      work,
      'commit',
      '--quiet',
      '--allow-empty',
      '--message',
      `change ${Object.keys(files).join()}`,
    )
    if (tag) git(work, 'tag', tag)
    git(
      work,
      ...['push', '--quiet', 'origin', `HEAD:refs/heads/${branch}`],
      ...(tag ? [`refs/tags/${tag}`] : []),
    )
    return { url: `${gitUrl}/${name}.git`, commit: git(work, 'rev-parse', 'HEAD') }
  } finally {
    rmSync(work, { recursive: true })
  }
}

/** The credentials to clone from the node's Git server over ssh and https. */
export function gitCredentials() {
  const { dir, ca } = inject('cluster')
  const files = sshFiles(join(dir, 'node'))
  const read = (path: string) => readFileSync(path, 'utf8')
  return { key: read(files.key), knownHosts: read(files.knownHosts), ca: read(ca) }
}

export const secret = (ns: string, name: string, type: string, stringData: object) =>
  ok(
    ['-n', ns, 'create', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, type, stringData }),
  )

/** A server on the node's address, which Pods can reach; over https if it has a certificate. */
export async function serverFor(answer: RequestListener, tls?: ServerOptions) {
  const server: Server = tls ? createSecureServer(tls, answer) : createServer(answer)
  await new Promise<void>((done) => server.listen(0, nodeAddress, done))
  const { port } = server.address() as AddressInfo
  return {
    url: `${tls ? 'https' : 'http'}://${nodeAddress}:${port}`,
    stop: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Lets the node pull from a registry at this address over plain HTTP. */
export function pullsFrom(host: string): void {
  const folder = join(inject('cluster').dir, 'node', 'certs', host)
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'hosts.toml'),
    `server = "http://${host}"\n[host."http://${host}"]\n  capabilities = ["pull", "resolve"]\n`,
  )
}

/** Deletes a namespace without waiting, to free resources for other tests. */
export const leave = (ns: string): Promise<string> =>
  ok(['delete', 'namespace', ns, '--wait=false'])

/**
 * Waits until Ready matches. It watches instead of polling: on a small machine, a kubectl every quarter
 * of a second in each test would slow down the containers.
 */
export function untilSays(
  namespace: string,
  what: string,
  says: string | RegExp,
  seconds = 180,
): Promise<string> {
  const satisfied = (line: string) =>
    typeof says === 'string' ? line.startsWith(says) : says.test(line)
  return new Promise((resolve, reject) => {
    let last = 'nothing'
    const fail = (why: string) => {
      end()
      reject(new Error(`${what}: ${why}; Ready said last: ${last}`))
    }
    const tooLate = setTimeout(() => fail(`not within ${seconds} s`), seconds * 1000)
    const heard = (line: string) => {
      last = line
      if (!satisfied(line)) return
      end()
      resolve(line)
    }
    const stop = watchReady(namespace, what, heard, fail)
    const end = () => {
      clearTimeout(tooLate)
      stop()
    }
  })
}

export const conditionOf = async (namespace: string, what: string, type: string) => {
  const { status } = await get(namespace, what)
  const found = status.conditions.find((condition: Shown) => condition.type === type)
  return `${found.status} ${found.reason}: ${found.message}`
}

const accept =
  'application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json'

/** An image as the registry has it. */
export async function imageOf(reference: string): Promise<Shown> {
  const [, repository, version] =
    /^[^/]+\/(.*?)(?:@|:)([^:]+(?::[0-9a-f]+)?)$/.exec(reference) ?? []
  const path = `http://${registryHost}/v2/${repository}`
  const answer = await fetch(`${path}/manifests/${version}`, { headers: { accept } })
  if (!answer.ok) throw new Error(`${reference}: ${answer.status} ${await answer.text()}`)
  let manifest: Shown = await answer.json()
  if (manifest.manifests) {
    const own = manifest.manifests.find(({ platform }: Shown) => platform?.os === 'linux')
    manifest = await (
      await fetch(`${path}/manifests/${own.digest}`, { headers: { accept } })
    ).json()
  }
  const config: Shown = await (await fetch(`${path}/blobs/${manifest.config.digest}`)).json()
  return { digest: answer.headers.get('docker-content-digest'), manifest, config }
}

/** The response to a person who has only a kubeconfig. */
export async function throughPortForward(
  namespace: string,
  what: string,
  path: string,
): Promise<string> {
  const forwarded = await portForward(namespace, what, 8080)
  try {
    return await (await fetch(`http://127.0.0.1:${forwarded.port}${path}`)).text()
  } finally {
    forwarded.stop()
  }
}

/** kubectl port-forward to a port. */
export async function portForward(namespace: string, what: string, to: number) {
  const { kubectl, kubeconfig } = inject('cluster')
  const child = spawn(
    kubectl,
    ['--kubeconfig', kubeconfig, '-n', namespace, 'port-forward', what, `:${to}`],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const stop = () => child.kill()
  try {
    const port = await new Promise<number>((resolve, reject) => {
      child.stdout.on('data', (text: Buffer) => {
        const found = /127\.0\.0\.1:(\d+) ->/.exec(text.toString())?.[1]
        if (found) resolve(Number(found))
      })
      child.on('close', () => reject(new Error('kubectl port-forward ended')))
    })
    return { port, stop }
  } catch (error) {
    stop()
    throw error
  }
}

/** The output of a shell in a Pod with these volumes. */
export const seenIn = (
  namespace: string,
  volume: object,
  script: string,
  mount: object = {},
): Promise<string> =>
  outputOf(
    namespace,
    {
      image: `${base}/busybox:1`,
      command: ['/bin/sh', '-c', script],
      volumeMounts: [{ name: 'it', mountPath: '/it', ...mount }],
    },
    { volumes: [{ name: 'it', ...volume }] },
  )

/** The output of a container in a Pod of its own. */
export async function outputOf(
  namespace: string,
  container: object,
  more: object = {},
): Promise<string> {
  const name = `look-${Math.random().toString(36).slice(2, 8)}`
  await ok(
    ['-n', namespace, 'create', '-f', '-'],
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: {
        restartPolicy: 'Never',
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'look', ...container }],
        ...more,
      },
    }),
  )
  await until(
    async () => (await get(namespace, `pod/${name}`)).status.phase,
    (phase) => phase === 'Succeeded' || phase === 'Failed',
    60,
  )
  return (await ok(['-n', namespace, 'logs', name])).trim()
}
