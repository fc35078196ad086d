import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { findHelm, findNodeBinaries } from '../../platform/binaries/find.ts'
import { command } from '../../platform/command.ts'
import { type Driver, driverOf } from '../../platform/hookdriver.ts'
import { registryHost } from '../../platform/node/addresses.ts'
import { nodeConfig } from '../../platform/node/nodeconfig.ts'
import { root } from '../../terminal/root.ts'
import { chart, home, release } from '../cluster/chart.ts'
import {
  apply,
  get,
  kubectl,
  manifest,
  namespace,
  ok,
  type Shown,
  until,
} from '../cluster/cluster.ts'
import { applySteadily } from '../cluster/steady.ts'
import { git } from '../git.ts'
import { standAside, untilAsked } from './aside.ts'
import { base, imageOf, untilSays } from './realnode.ts'

/**
 * The chart as in a real cluster: its images are made as helm/README.md says and run as Pods, and
 * the API server and the chart's own Metacontroller call the server by its Service. The platform's own
 * server and controller are stopped meanwhile.
 */

const debian = `${base}/python:3`
const nodeBase = `${base}/node:24`
const prefix = `${registryHost}/chart`
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const controller = 'substratus-metacontroller'

let folder: string
let helm: (...args: readonly string[]) => Promise<string>
let driver: Driver
let ns: string
/** The server's image, by its digest. */
let server: string
const undo: (() => Promise<unknown>)[] = []

const servers = async (): Promise<readonly Shown[]> =>
  (await get(home, 'pods')).items.filter(
    ({ metadata }: Shown) => metadata.labels?.['app.kubernetes.io/component'] === 'server',
  )
const logOf = (what: string) => ok(['-n', home, 'logs', what])

beforeAll(async () => {
  const progress = (line: string) => console.log(line)
  folder = mkdtempSync(join(tmpdir(), 'substratus-chart-'))
  undo.push(async () => rmSync(folder, { recursive: true }))
  const binary = await findHelm({ progress })
  const { kubeconfig } = inject('cluster')
  const env = { ...process.env, KUBECONFIG: kubeconfig, HELM_CACHE_HOME: join(folder, 'cache') }
  helm = (...args) => command(binary, args, { env })
  driver = await driverOf({ progress })
  ns = await namespace('chart')
  server = await pushImages()
  const found = driver.name === 'metacontroller'
  const called = found ? await imageOfController() : await imageOfRunner()

  undo.push(await standAside())
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
  const where = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: home, labels } }
  await ok(['create', '-f', '-'], JSON.stringify(where))
  undo.push(() => ok(['delete', 'namespace', home]))

  const values = join(folder, 'values.json')
  const imageIn = (reference: string) => {
    const [repository, digest] = reference.split('@')
    return { repository, digest }
  }
  writeFileSync(
    values,
    JSON.stringify({
      config: { ...nodeConfig, images: { prefix } },
      metacontroller: { enabled: true, image: imageIn(called) },
      // They exist already, with objects of other tests.
      crds: { install: false },
    }),
  )
  undo.push(() => helm('uninstall', release, '-n', home, '--wait', '--timeout', '2m'))
  const wait = found ? ['--wait', '--timeout', '3m'] : []
  await helm('install', release, chart, '-n', home, '--values', values, ...wait)
  if (!found) await takePlace()
  await untilRolledOut('deployment/substratus')
  await untilRolledOut(`statefulset/${controller}`)
  await untilAsked()
})

afterAll(async () => {
  // Run all steps even if one fails, because more tests follow.
  const failed: unknown[] = []
  for (const step of undo.toReversed()) await step().catch((error) => failed.push(error))
  expect(failed).toEqual([])
})

const untilRolledOut = (what: string) => ok(['-n', home, 'rollout', 'status', what, '--timeout=2m'])

/** As helm/README.md says, with the base images that are here. */
async function pushImages(): Promise<string> {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  const from = [`--base=${nodeBase}`, `--buildkit=${base}/buildkit:1`]
  const how = ['--insecure', `--platform=linux/${architecture}`, ...from]
  const program = join(root, 'platform', 'main.ts')
  execFileSync(process.execPath, [program, 'images', '--push', prefix, ...how], { stdio: 'pipe' })
  const { crane } = await findNodeBinaries({ progress: () => {} })
  const image = `${prefix}/substratus`
  const digest = await command(crane, ['digest', '--insecure', `${image}:${version}`])
  return `${image}@${digest.trim()}`
}

/** The binary that was found here, on a Debian base, because it may need the C library. */
async function imageOfController(): Promise<string> {
  const layer = join(folder, 'controller.tar')
  const place = '--transform=s|.*|usr/bin/metacontroller|'
  await command('tar', [
    '-cf',
    layer,
    '--mode=755',
    '--dereference',
    '--absolute-names',
    place,
    driver.file,
  ])
  return withLayer(debian, layer, 'metacontroller')
}

/** The server's image with the sources of the embedded runner, which it does not contain. */
async function imageOfRunner(): Promise<string> {
  const layer = join(folder, 'runner.tar')
  const rooms = ['crds', 'hooks', 'cluster', 'platform/runner']
  await command('tar', ['-cf', layer, '-C', root, '--transform=s|^|app/|', ...rooms])
  return withLayer(server, layer, 'runner')
}

async function withLayer(onto: string, layer: string, name: string): Promise<string> {
  const { crane } = await findNodeBinaries({ progress: () => {} })
  const image = `${registryHost}/${name}:found`
  const made = ['append', '--insecure', '--base', onto, '--new_layer', layer, '--new_tag', image]
  return (await command(crane, made)).trim()
}

/** If no Metacontroller is found, the embedded runner replaces it in its Pod; it has no probes. */
async function takePlace(): Promise<void> {
  const runner = ['node', 'platform/runner/main.ts', '--kubeconfig', 'in-cluster']
  const probes = { startupProbe: null, readinessProbe: null, livenessProbe: null }
  const containers = [{ name: 'metacontroller', command: runner, args: null, ...probes }]
  const patch = JSON.stringify({ spec: { template: { spec: { containers } } } })
  await ok(['-n', home, 'patch', 'statefulset', controller, '-p', patch])
  // A StatefulSet does not replace a Pod that never became ready.
  await ok(['-n', home, 'delete', 'pod', `${controller}-0`, '--ignore-not-found'])
}

test('the labels of the image name its version, its commit and its content', async () => {
  const { manifest, config } = await imageOf(server)
  expect(config.config.Labels).toMatchObject({
    'org.opencontainers.image.title': 'Substratus on Metacontroller',
    'org.opencontainers.image.licenses': 'Apache-2.0',
    'org.opencontainers.image.version': version,
    'org.opencontainers.image.revision': git(root, 'rev-parse', 'HEAD'),
  })

  const below = (await imageOf(nodeBase)).manifest.layers.length
  const sizeOf = (layers: readonly Shown[]) =>
    layers.reduce((sum, { size }) => sum + size, 0) / 2 ** 20
  const ours = sizeOf(manifest.layers.slice(below))
  console.log(
    `the server's image: ${sizeOf(manifest.layers).toFixed(0)} MiB to pull, of which ours are ${ours.toFixed(1)}, the base the rest`,
  )
  expect(ours).toBeLessThan(10)

  const inside =
    "JSON.parse(fs.readFileSync('/app/sbom.spdx.json')).packages.map((it) => it.name).join()"
  const listed = (await inServer('node', '-p', inside)).split(',')
  for (const name of ['express', 'ajv', 'pino', '@kubernetes/client-node'])
    expect(listed).toContain(name)
  expect(listed).not.toContain('vitest')
})

const inServer = (...args: readonly string[]) =>
  ok(['-n', home, 'exec', 'deploy/substratus', '--', ...args])

test('two servers become ready under restricted Pod Security', async () => {
  const seen = (await servers()).map(({ status }) => {
    const [{ ready, restartCount, imageID }] = status.containerStatuses
    return { ready, restartCount, imageID }
  })
  const one = { ready: true, restartCount: 0, imageID: server }
  expect(seen).toEqual([one, one])
})

test('Node’s heap follows the memory limit of its container', async () => {
  const heap = [
    '--max-old-space-size-percentage=75',
    '-p',
    'v8.getHeapStatistics().heap_size_limit',
  ]
  const size = Number(await inServer('node', ...heap)) / 2 ** 20
  // Of 512 MiB.
  expect(size).toBeGreaterThan(350)
  expect(size).toBeLessThan(450)
})

test('the API server calls admission by the Service, and returns its refusals', async () => {
  for (const kind of ['validatingwebhookconfiguration', 'mutatingwebhookconfiguration'])
    for (const { clientConfig } of (await get(home, `${kind}/substratus`)).webhooks)
      expect(clientConfig.service).toMatchObject({ namespace: home, name: 'substratus' })
  const bad = manifest('Model', 'bad', { image: 'example.com/m', dataset: { name: 'sqad' } })
  const { code, stderr } = await kubectl(['-n', ns, 'apply', '-f', '-'], bad)
  expect(code).not.toBe(0)
  expect(stderr).toContain(
    'spec.dataset.name: Not found: "sqad": Dataset "sqad" does not exist in this namespace',
  )
})

test('Metacontroller calls the hooks by the Service, with the token: a Model is run and packaged', async () => {
  console.log(`driven by ${driver.name}, in a Pod`)
  const { webhook } = (await get(home, 'compositecontroller/models.substratus.ai')).spec.hooks.sync
  expect(webhook.url).toContain(`https://substratus.${home}.svc:443/hooks/models/sync`)
  expect(webhook.authorization.secretRef.name).toBe('substratus-hooks')
  const script = ['/bin/sh', '-c', 'echo 1 >/content/artifacts/weights']
  await apply(ns, manifest('Model', 'tiny', { image: `${base}/busybox:1`, command: script }))
  await untilSays(ns, 'model/tiny', 'True Done: packaged as ')

  const logs = await Promise.all((await servers()).map(({ metadata }) => logOf(metadata.name)))
  const synced = logs
    .join('\n')
    .split('\n')
    .filter((line) => line.includes('"path":"/hooks/models/sync"'))
  expect(synced.length).toBeGreaterThan(0)
  expect(synced.filter((line) => !line.includes('"code":200'))).toEqual([])
  const said = (await logOf(`${controller}-0`)).split('\n')
  expect(said.filter((line) => /forbidden/i.test(line))).toEqual([])
})

test('helm test succeeds in its own Pod', async () => {
  const said = await helm('test', release, '-n', home, '--logs', '--timeout', '2m')
  expect(said).toMatch(/ok {6}admission refused: .*"try-none" does not exist/)
  for (const kind of ['Dataset', 'Model', 'ModelServer', 'Notebook'])
    expect(said).toMatch(new RegExp(`ok {6}${kind}: the hooks said: `))
})

test('the Job that renews the certificate reaches the API server', async () => {
  await ok(['-n', home, 'create', 'job', 'renew', '--from=cronjob/substratus-certificate'])
  await until(
    () => get(home, 'job/renew'),
    ({ status }) => status.succeeded === 1,
  )
  expect(await logOf('job/renew')).toContain('new enough')
})

test('deleting each server while objects are applied fails no apply', async () => {
  const before = (await servers()).map(({ metadata }) => metadata.name)
  const stop = applySteadily((model) => kubectl(['-n', ns, 'apply', '-f', '-'], model), 'steady')
  for (const name of before) {
    await ok(['-n', home, 'delete', 'pod', name])
    await untilRolledOut('deployment/substratus')
  }
  const { failed, count } = await stop()
  console.log(`${count} applies while both servers were deleted, one after the other`)
  expect(failed).toEqual([])
  expect(count).toBeGreaterThan(8)
  const after = (await servers()).map(({ metadata }) => metadata.name)
  expect(after).toHaveLength(2)
  expect(after.filter((name) => before.includes(name))).toEqual([])
  await untilSays(ns, 'model/steady', 'True Done')
})
