import { execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, parseAllDocuments } from 'yaml'
import { findHelm } from '../../platform/binaries/find.ts'
import { type ControlPlane, startControlPlane } from '../../platform/controlplane/controlplane.ts'
import { driverOf } from '../../platform/hookdriver.ts'
import { freePorts } from '../../platform/ports.ts'
import { endProcess, launch } from '../../platform/processes.ts'
import { modulePath, root } from '../../terminal/root.ts'
import { accountOf } from './accounts.ts'
import { type Ended, get, kubectl, manifest, readyOf, type Shown, until } from './cluster.ts'

/**
 * The chart on a control plane. No container runs there, so the server runs as a process of this
 * machine: with the arguments of the chart's Deployment, the files of its Secrets and ConfigMap, and a
 * token of its ServiceAccount. The API server calls it by the chart's Service, which has an
 * EndpointSlice with the address of this machine.
 */

export const chart = join(root, 'helm')
export const release = 'substratus'
/** Where the three images are; nothing is pulled on simulated nodes. */
export const imagesAt = 'config.images.prefix=registry.example.com/tools'
export const home = 'substratus-system'
/** The namespace of the objects in the tests. */
export const team = 'team'

export type Target = { readonly kubectl: string; readonly kubeconfig: string } & Shown

const targetOf = (plane: ControlPlane): Target => ({
  kubectl: plane.binaries.kubectl,
  kubeconfig: plane.kubeconfig,
  auditLog: plane.auditLog,
})

export type Helm = (...args: readonly string[]) => Promise<Ended>

const helmOf =
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

/** An address of this machine for an EndpointSlice, which cannot contain loopback addresses. */
function addressOfThisMachine(): string {
  const found = Object.values(networkInterfaces())
    .flat()
    .find((address) => address?.family === 'IPv4' && !address.internal)
  if (!found) throw new Error('this machine has no IPv4 address but loopback: give it one')
  return found.address
}

export const done = ({ code, stdout, stderr }: Ended): string => {
  if (code !== 0) throw new Error(stderr || stdout)
  return stdout
}

/** A control plane with the namespaces of the tests, and what they need to use it. */
export interface Bed {
  readonly plane: ControlPlane
  readonly target: Target
  readonly helm: Helm
  /** The address of servers on this machine, which Pods can reach too. */
  readonly address: string
  readonly port: number
  /** For `helm install --set`: without simulated Pods, which would never respond to the API server. */
  readonly outside: string
  readonly apply: (...manifests: readonly string[]) => Promise<Ended>
  readonly untilReady: (what: string, says: string) => Promise<string>
}

export async function startBed(): Promise<Bed> {
  const progress = (line: string) => console.log(line)
  const dir = mkdtempSync(join(tmpdir(), 'substratus-helm-'))
  const binary = await findHelm({ progress })
  const plane = await startControlPlane({
    dir,
    nodes: 2,
    audit: true,
    stages: [join(root, 'test', 'cluster', 'stages.yaml')],
    progress,
  })
  const target = targetOf(plane)
  for (const [name, labels] of Object.entries({
    [home]: { 'pod-security.kubernetes.io/enforce': 'restricted' },
    metacontroller: {},
    [team]: {},
  }))
    await plane.kubectl.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }])
  const address = addressOfThisMachine()
  const [port = 0] = await freePorts(1)
  return {
    plane,
    target,
    helm: helmOf(binary, target, join(dir, 'helm')),
    address,
    port,
    outside: `replicas=0,tls.names={${address}},metacontroller.url=https://${address}:${port},config.registry.prefix=registry.example.com/s`,
    apply: (...manifests) =>
      kubectl(['-n', team, 'apply', '-f', '-'], manifests.join('\n---\n'), target),
    untilReady: (what, says) =>
      until(
        async () => readyOf(await get(team, what, target)),
        (ready) => new RegExp(says).test(ready),
        90,
      ),
  }
}

/** Applies the CRDs that Metacontroller's own installation contains. */
export const bringDefinitions = ({ plane }: Bed) =>
  plane.kubectl.applyFiles([join(root, 'metacontroller', 'crds.yaml')])

/** Installs the chart beside Metacontroller, and starts its server behind its Service. */
export async function install(
  bed: Bed,
  from: string = chart,
  ...args: readonly string[]
): Promise<Running> {
  const { helm, outside } = bed
  await bringDefinitions(bed)
  const set = from === chart ? `${outside},${imagesAt}` : outside
  done(await helm('install', release, from, '-n', home, '--set', set, ...args))
  return startBehindService(bed)
}

/** Starts a server on this machine behind the chart's Service, and waits until the API server uses it. */
export async function startBehindService(bed: Bed): Promise<Running> {
  const server = await startServer(bed.target, bed.plane, bed.port)
  await route(bed, 'this-machine', bed.port)
  // The API server connects by the Service, and verifies the certificate's name.
  await until(
    () => bed.apply(manifest('Model', 'refused', { image: 'a', dataset: { name: 'none' } })),
    ({ stderr }) => stderr.includes('Dataset "none" does not exist in this namespace'),
  )
  return server
}

export const route = ({ plane, address }: Bed, name: string, port: number) =>
  plane.kubectl.apply([
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, namespace: home, labels: { 'kubernetes.io/service-name': 'substratus' } },
      addressType: 'IPv4',
      ports: [{ name: 'https', port, protocol: 'TCP' }],
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
    },
  ])

/** The controller that calls the hooks: Metacontroller if it is found, otherwise the embedded runner. */
export interface Driving {
  readonly embedded: boolean
  readonly end: () => Promise<void>
  /** Starts it again after `end`. */
  readonly again: () => void
  /** Restarts the embedded runner, which sees a changed CompositeController only then; Metacontroller sees it at once. */
  readonly look: () => Promise<void>
}

/** `args` replace the flags that `up` gives Metacontroller. */
export async function drive(
  { plane: { dir } }: Bed,
  account: string,
  args?: readonly string[],
): Promise<Driving> {
  const driver = await driverOf({ progress: console.log })
  console.log(`driven by ${driver.name}`)
  const embedded = driver.name === 'embedded'
  const flags = args && !embedded ? [`--kubeconfig=${account}`, ...args] : driver.args(account)
  const start = () => launch({ dir, name: driver.name, file: driver.file, args: flags })
  let running = start()
  const end = () => endProcess(running, 5000).then(() => {})
  const again = () => {
    running = start()
  }
  return {
    embedded,
    end,
    again,
    look: async () => {
      if (!embedded) return
      await end()
      again()
    },
  }
}

/** Metacontroller beside the chart, with only the rights of helm/metacontroller-values.yaml. */
export async function driveBeside(bed: Bed): Promise<Driving> {
  const values = parse(readFileSync(join(chart, 'metacontroller-values.yaml'), 'utf8'))
  const metadata = { name: 'metacontroller', namespace: 'metacontroller' }
  const apiGroup = 'rbac.authorization.k8s.io'
  await bed.plane.kubectl.apply([
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    {
      apiVersion: `${apiGroup}/v1`,
      kind: 'ClusterRole',
      metadata: { name: 'metacontroller' },
      rules: values.clusterRole.rules,
    },
    {
      apiVersion: `${apiGroup}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name: 'metacontroller' },
      roleRef: { apiGroup, kind: 'ClusterRole', name: 'metacontroller' },
      subjects: [{ kind: 'ServiceAccount', ...metadata }],
    },
  ])
  return drive(bed, await accountOf(bed.target, bed.plane, 'metacontroller', 'metacontroller'))
}

/** The current random token, CA and certificate. */
export const secretsOf = async ({ target }: Bed): Promise<readonly (readonly [string, Shown])[]> =>
  (await get(home, 'secrets', target)).items
    .filter(({ type }: Shown) => type !== 'helm.sh/release.v1')
    .map(({ metadata, data }: Shown) => [metadata.name, data])

/** Runs our command line with the arguments of a Pod, as an account. */
export async function runAs(args: readonly string[], account: string) {
  const child = spawn(process.execPath, [modulePath('cli/main'), ...args, '--kubeconfig', account])
  let stdout = ''
  let log = ''
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  return { code, stdout, log }
}

/** Does what the kubelet would: writes the keys of a Secret or ConfigMap as files. */
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

/** The server of the chart's Deployment, with addresses and folders of this machine. */
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
  if (container.args.some((arg: string) => arg.startsWith('--admission-path-file')))
    await mount(target, 'secret/substratus-admission', join(folder, 'admission'))
  // A machine has each port once, and a rollout has two servers.
  const [progress = 0] = await freePorts(1)
  const args = container.args.map((arg: string) =>
    arg
      .replace('/etc/substratus', folder)
      .replace('0.0.0.0:9443', `0.0.0.0:${port}`)
      .replace('0.0.0.0:8090', `0.0.0.0:${progress}`)
      .replace('in-cluster', account),
  )
  const env = Object.fromEntries(
    container.env.map(({ name, value }: Shown): [string, string] => [name, value]),
  )
  const child = spawn(process.execPath, [modulePath('cli/main'), ...args], {
    env: { ...process.env, ...env },
  })
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
