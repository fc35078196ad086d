import { execFile, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { parseAllDocuments, stringify } from 'yaml'
import type { ControlPlane } from '../../cli/local/controlplane.ts'
import { modulePath, root } from '../../cli/local/root.ts'
import { get, ok, type Said, type Shown, until } from './cluster.ts'

/**
 * The chart on a control plane. No container runs there, so the server runs as a process of this
 * machine: with the arguments of the chart's Deployment, the files of its Secrets and ConfigMap, and a
 * token of its ServiceAccount. The API server reaches it by the chart's Service, behind which an
 * EndpointSlice names this machine.
 */

export const chart = join(root, 'helm')
export const release = 'substratus'
export const home = 'substratus-system'

export type Target = { readonly kubectl: string; readonly kubeconfig: string } & Shown

export const targetOf = (plane: ControlPlane): Target => ({
  kubectl: plane.binaries.kubectl,
  kubeconfig: plane.kubeconfig,
  auditLog: plane.auditLog,
})

export type Helm = (...args: readonly string[]) => Promise<Said>

export const helmOf =
  (binary: string, { kubeconfig }: Target, folder: string): Helm =>
  (...args) =>
    new Promise((resolve) => {
      const env = {
        ...process.env,
        KUBECONFIG: kubeconfig,
        HELM_CACHE_HOME: join(folder, 'cache'),
        HELM_CONFIG_HOME: join(folder, 'config'),
        HELM_DATA_HOME: join(folder, 'data'),
      }
      execFile(binary, args, { env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
      )
    })

export const documentsIn = (text: string): readonly Shown[] =>
  parseAllDocuments(text)
    .map((document) => document.toJS())
    .filter(Boolean)

/** An address of this machine that an EndpointSlice may hold: no loopback. */
export function addressOfThisMachine(): string {
  const found = Object.values(networkInterfaces())
    .flat()
    .find((address) => address?.family === 'IPv4' && !address.internal)
  if (!found) throw new Error('this machine has no IPv4 address but loopback: give it one')
  return found.address
}

/** A kubeconfig of a ServiceAccount. */
export async function accountOf(
  target: Target,
  plane: ControlPlane,
  namespace: string,
  name: string,
): Promise<string> {
  const asked = ['-n', namespace, 'create', 'token', name, '--duration=3h']
  const token = (await ok(asked, undefined, target)).trim()
  const path = join(plane.dir, `${namespace}-${name}.kubeconfig`)
  const ca = readFileSync(plane.pki.ca.cert).toString('base64')
  const cluster = { server: plane.server, 'certificate-authority-data': ca }
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'cluster', cluster }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: 'cluster', user: name } }],
    'current-context': name,
  }
  writeFileSync(path, stringify(config), { mode: 0o600 })
  return path
}

/** What the kubelet would do: the keys of a Secret or ConfigMap as files, changed all at once. */
export async function mount(target: Target, what: string, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const { kind, data } = await get(home, what, target)
  for (const [key, value] of Object.entries(data)) {
    const path = join(folder, key)
    const text = String(value)
    writeFileSync(`${path}.new`, kind === 'Secret' ? Buffer.from(text, 'base64') : text)
    renameSync(`${path}.new`, path)
  }
}

export interface Running {
  readonly stop: () => Promise<void>
  readonly log: () => string
}

/** The server as the chart's Deployment has it; only addresses and folders are of this machine. */
export async function startServer(
  target: Target,
  plane: ControlPlane,
  port: number,
): Promise<Running> {
  const folder = join(plane.dir, 'etc')
  await mount(target, 'configmap/substratus', join(folder, 'config'))
  await mount(target, 'secret/substratus-tls', join(folder, 'tls'))
  await mount(target, 'secret/substratus-hooks', join(folder, 'hooks'))
  const account = await accountOf(target, plane, home, 'substratus')
  const deployment = await get(home, 'deployment/substratus', target)
  const [container] = deployment.spec.template.spec.containers
  const args = container.args.map((arg: string) =>
    arg
      .replace('/etc/substratus', folder)
      .replace('0.0.0.0:9443', `0.0.0.0:${port}`)
      .replace('in-cluster', account),
  )
  const child = spawn(process.execPath, [modulePath('cli/main'), ...args])
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk
  })
  await until(
    async () => log,
    (text) => text.includes('"msg":"listening"'),
    30,
  )
  return {
    log: () => log,
    stop: async () => {
      const ended = new Promise((done) => child.once('exit', done))
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** What a ServiceAccount asked of the API server: verb, resource and code, each once. */
export const asked = (target: Target, account: string): readonly string[] => [
  ...new Set(
    readFileSync(target.auditLog, 'utf8')
      .split('\n')
      .filter((line) => line.includes(`"username":"system:serviceaccount:${account}"`))
      .map((line) => JSON.parse(line))
      .filter(({ objectRef }: Shown) => objectRef)
      .map(({ verb, objectRef, responseStatus }: Shown) =>
        [
          verb,
          [objectRef.resource, objectRef.subresource].filter(Boolean).join('/'),
          responseStatus?.code === 403 ? 'FORBIDDEN' : '',
        ]
          .join(' ')
          .trim(),
      ),
  ),
]

const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection']

/** What an account may do, of all verbs with all resources that the cluster serves. */
export async function allowed(
  target: Target,
  account: string,
  namespace: string,
): Promise<readonly string[]> {
  const table = await ok(['api-resources', '--no-headers', '-o', 'name'], undefined, target)
  const questions = table
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [resource = '', ...group] = line.trim().split('.')
      return verbs.map((verb) => ({
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: {
          user: `system:serviceaccount:${account}`,
          groups: ['system:serviceaccounts', 'system:authenticated'],
          resourceAttributes: { verb, resource, group: group.join('.'), namespace },
        },
      }))
    })
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: questions })
  const fields = ['verb', 'resource'].map((it) => `{.spec.resourceAttributes.${it}}`).join(' ')
  const shape = `jsonpath={.status.allowed} ${fields}{"\\n"}`
  const answers = await ok(['create', '-f', '-', '-o', shape], list, target)
  return answers
    .split('\n')
    .flatMap((line) => /^true (.*)$/.exec(line)?.[1] ?? [])
    .sort()
}
