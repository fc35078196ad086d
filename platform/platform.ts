import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { ConfigFile } from '../crds/config.ts'
import { kinds } from '../crds/kinds.ts'
import { controllers, tokenKey } from '../metacontroller/compositecontrollers.ts'
import { modulePath, root } from '../terminal/root.ts'
import { admissionWebhooks } from '../webhooks/configuration.ts'
import {
  type ControlPlane,
  type ControlPlaneOptions,
  runningControlPlane,
  startControlPlane,
  stopControlPlane,
} from './controlplane/controlplane.ts'
import { type Controller, driverOf } from './hookdriver.ts'
import { statusOf } from './https.ts'
import { nodeAddress } from './node/addresses.ts'
import { prepareNode, startNode } from './node/node.ts'
import { freePorts } from './ports.ts'
import { launch, waitUntil } from './processes.ts'
import type { Progress } from './progress.ts'
import { exists, locked, readState, writeState } from './state.ts'

export interface PlatformOptions extends ControlPlaneOptions {
  /** The controller that calls the hooks; `auto` is Metacontroller if it is found, otherwise the embedded runner. */
  readonly controller?: Controller
  /** The server's configuration: the path of a file, or its content. */
  readonly config?: string | ConfigFile
  /** Metacontroller's flags, in place of the usual ones. */
  readonly controllerFlags?: readonly string[]
  /** What Node runs as the server, in place of the sources: its own flags, then the compiled program. */
  readonly server?: readonly string[]
}

export interface PlatformState {
  readonly serverUrl: string
  readonly controller: 'metacontroller' | 'embedded'
  /** The binary of Metacontroller, if that is the controller. */
  readonly metacontroller?: string
  readonly nodes: number
  /** Whether a real node runs in addition to the simulated ones. */
  readonly realNode?: boolean
}

export type Platform = ControlPlane & PlatformState

const silent: Progress = () => {}

/**
 * control plane ─▶ CRDs ─▶ our server ─▶ webhooks ─▶ controllers
 *
 * A failed or aborted start leaves nothing behind.
 */
export const startPlatform = (options: PlatformOptions): Promise<Platform> =>
  locked(options.dir, async () => {
    const { progress = silent, signal } = options
    const how = { progress, ...(signal && { signal }) }
    const binaries = options.realNode ? await prepareNode(options.dir, how) : undefined
    const plane = await startControlPlane(options)
    try {
      if (binaries) await startNode(plane, binaries, how)
      return await start(plane, options)
    } catch (error) {
      await plane.stop()
      throw error
    }
  })

async function start(plane: ControlPlane, options: PlatformOptions): Promise<Platform> {
  const { dir, progress = silent, signal, nodes = 2 } = options
  const { controller, controllerFlags: flags } = options
  const driver = await driverOf({ progress, controller, flags, signal })
  signal?.throwIfAborted()

  progress('applying the CRDs')
  await plane.kubectl.applyFiles([
    ...kinds.map(({ plural }) => join(root, 'crds', `${plural}.yaml`)),
    join(root, 'metacontroller', 'crds.yaml'),
  ])

  progress('starting the server of the hooks and webhooks')
  const token = await hookToken(dir)
  const serverUrl = await startServer(plane, options, token.file)

  progress('applying the webhooks and controllers')
  const address = { url: serverUrl, caBundle: await base64Of(plane.pki.ca.cert) }
  await plane.kubectl.apply(admissionWebhooks(address))
  await plane.kubectl.apply([token.secret])
  // This Kubernetes serves resource.k8s.io/v1.
  await plane.kubectl.apply(controllers({ ...address, tokenSecret, deviceClaims: true }))

  progress(
    `starting ${driver.name === 'metacontroller' ? 'Metacontroller' : 'the embedded runner'}`,
  )
  launch({ dir, name: driver.name, file: driver.file, args: driver.args(plane.kubeconfig), signal })

  const state: PlatformState = {
    serverUrl,
    controller: driver.name,
    ...(driver.name === 'metacontroller' && { metacontroller: driver.file }),
    nodes,
    ...(options.realNode && { realNode: true }),
  }
  writeState(dir, 'platform', state)
  return { ...plane, ...state }
}

const base64Of = async (file: string): Promise<string> => (await readFile(file)).toString('base64')

const tokenSecret = { namespace: 'kube-system', name: 'substratus-hooks' }

/** The bearer token of the hooks: as a file for the server, as a Secret for the controller. */
async function hookToken(dir: string) {
  const token = randomBytes(32).toString('hex')
  const file = join(dir, 'hook.token')
  await writeFile(file, `${token}\n`, { mode: 0o600 })
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: tokenSecret,
    type: 'Opaque',
    stringData: { [tokenKey]: token },
  }
  return { file, secret }
}

async function startServer(
  plane: ControlPlane,
  options: PlatformOptions,
  tokenFile: string,
): Promise<string> {
  const { dir, config, signal, realNode, server: program = [modulePath('cli/main')] } = options
  const [port, progressPort] = await freePorts(2)
  // Pods of the real node reach the machine by the node's address.
  const progress = `${realNode ? nodeAddress : '127.0.0.1'}:${progressPort}`
  const file = await configFile(dir, config)
  const server = launch({
    dir,
    name: 'server',
    file: process.execPath,
    args: [
      ...program,
      'serve',
      ...['--https', `127.0.0.1:${port}`],
      ...['--tls-cert', plane.pki.hooks.cert],
      ...['--tls-key', plane.pki.hooks.key],
      ...['--kubeconfig', plane.kubeconfig],
      ...['--hook-token-file', tokenFile],
      ...['--progress', progress, '--progress-url', `http://${progress}`],
      ...(file ? ['--config', file] : []),
    ],
    signal,
  })
  const url = `https://127.0.0.1:${port}`
  const ready = async () => (await statusOf(`${url}/readyz`, plane.pki.ca.cert)) === 200
  await waitUntil(dir, server, ready, { signal, seconds: 30 })
  return url
}

async function configFile(dir: string, config: string | ConfigFile | undefined) {
  if (config === undefined || typeof config === 'string') return config
  const path = join(dir, 'config.yaml')
  await writeFile(path, stringify(config))
  return path
}

/** The platform of a folder, if all its processes run and its API server is ready. */
export async function runningPlatform(dir: string): Promise<Platform | undefined> {
  const state = exists(dir) ? readState<PlatformState>(dir, 'platform') : undefined
  const plane = state && (await runningControlPlane(dir))
  return plane && { ...plane, ...state }
}

export const stopPlatform = stopControlPlane
