import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findNodeBinaries, type NodeBinaries } from '../binaries/find.ts'
import type { ControlPlane } from '../controlplane/controlplane.ts'
import { issue, writeKubeconfig } from '../controlplane/pki.ts'
import { isAlive } from '../identity.ts'
import { freePorts } from '../ports.ts'
import { launch, logTail, recordsOf, waitUntil } from '../processes.ts'
import type { Progress } from '../progress.ts'
import { exists } from '../state.ts'
import { nodeAddress, nodeName } from './addresses.ts'
import { cleanNode, folderOf, owner, pidsWith } from './clean.ts'
import { startDns } from './dns.ts'
import { prepareImages, provideImages } from './images.ts'
import { localClass, localVolume } from './localvolumes.ts'
import { isBridgeThere } from './network.ts'
import { checkMachine, programNamed, programPath } from './requirements.ts'
import { startBuckets, startGitServer, startRegistry } from './services.ts'
import { socketOf, writeSettings } from './settings.ts'

/**
 * One real node on this machine, for a control plane that runs on its address:
 *
 *     registry, Git, S3, DNS ─▶ images ─▶ containerd ─▶ kubelet, kube-proxy
 *
 * Everything is in one folder, in one cgroup and on two bridges, so that all of it can be found and
 * removed, whatever happens in between.
 */

interface Starting {
  readonly progress: Progress
  readonly signal?: AbortSignal
  /** How many local volumes. */
  readonly volumes?: number
}

/** Fails with a list of everything that is missing, before anything is started. */
export async function prepareNode(
  dir: string,
  { progress, signal }: Starting,
): Promise<NodeBinaries> {
  checkMachine()
  const binaries = await findNodeBinaries({ progress, ...(signal && { signal }) })
  await takeOver(dir)
  await prepareImages({ binaries, progress, ...(signal && { signal }) })
  return binaries
}

/** Cleans up after the node of another folder. It is an error if that node still runs. */
async function takeOver(dir: string): Promise<void> {
  const other = owner()
  // The control plane itself stops what is left in its own folder.
  if (other === dir && exists(dir)) return
  if (!other) {
    if (await isBridgeThere())
      throw new Error('the bridge substratus0 is there, and not ours: ip link del substratus0')
    return
  }
  const lives = recordsOf(other).some(isAlive) || pidsWith(folderOf(other)).length > 0
  if (existsSync(other) && lives)
    throw new Error(
      `a real node runs already, and a machine has room for one: npm run down -- --dir ${other}`,
    )
  await cleanNode(other)
}

export async function startNode(
  plane: ControlPlane,
  binaries: NodeBinaries,
  { progress, signal, volumes = 100 }: Starting,
): Promise<void> {
  const { dir, kubectl } = plane
  const folder = folderOf(dir)

  progress('starting a registry, a Git server, an S3 server and DNS')
  const services = { dir, folder, binaries, ...(signal && { signal }) }
  await startRegistry(services)
  await Promise.all([
    startGitServer(services),
    startBuckets(services),
    startDns(plane, binaries.coredns, signal),
  ])
  await provideImages({ folder, binaries, progress, ...(signal && { signal }) })

  progress('starting containerd, the kubelet and kube-proxy')
  const settings = await settle(plane, folder)
  const env = { ...process.env, PATH: `${join(binaries.containerd, '..')}:${programPath()}` }
  const begin = (name: 'containerd' | 'kubelet' | 'kube-proxy', args: readonly string[]) =>
    launch({ dir, name, file: binaries[name], args, env, ...(signal && { signal }) })
  const containerd = begin('containerd', ['--config', settings.containerd])
  await waitUntil(dir, containerd, async () => existsSync(socketOf(folder)), {
    signal,
    seconds: 20,
  })
  const kubelet = begin('kubelet', [
    `--kubeconfig=${settings.kubeletKubeconfig}`,
    `--config=${settings.kubelet}`,
    `--root-dir=${join(folder, 'kubelet')}`,
    `--node-ip=${nodeAddress}`,
    `--hostname-override=${nodeName}`,
    '--v=2',
  ])
  writeFileSync(join(folder, 'kube-proxy'), binaries['kube-proxy'])
  begin('kube-proxy', [`--config=${settings.proxy}`, `--hostname-override=${nodeName}`])

  await kubectl.apply([
    localClass,
    ...Array.from({ length: volumes }, (_, index) => localVolume(folder, index)),
  ])
  await waitUntil(dir, kubelet, () => isReady(plane), { signal, seconds: 60 })
  await advertiseGpu(plane)
  if (logTail(dir, 'kube-proxy').includes('panic')) throw new Error(logTail(dir, 'kube-proxy'))
}

async function settle(plane: ControlPlane, folder: string) {
  const pki = join(plane.dir, 'pki')
  const serving = await issue(
    pki,
    'kubelet',
    { organization: 'system:nodes', commonName: `system:node:${nodeName}` },
    [nodeName, nodeAddress],
  )
  const proxy = await issue(pki, 'kube-proxy', { commonName: 'system:kube-proxy' })
  const configOf = (name: string, client: typeof serving) =>
    writeKubeconfig(
      join(plane.dir, `${name}.kubeconfig`),
      plane.server,
      plane.pki.ca.cert,
      name,
      client,
    )
  const proxyKubeconfig = await configOf('kube-proxy', proxy)
  const [proxyHealth = 0, proxyMetrics = 0] = await freePorts(2)
  return {
    kubeletKubeconfig: await configOf('kubelet', serving),
    ...writeSettings({
      folder,
      runc: programNamed('runc') ?? 'runc',
      clientCa: plane.pki.ca.cert,
      serving,
      proxyKubeconfig,
      ports: { proxyHealth, proxyMetrics },
    }),
  }
}

async function isReady({ kubectl }: ControlPlane): Promise<boolean> {
  const path = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'
  return (await kubectl.run(['get', 'node', nodeName, '-o', path]).catch(() => '')) === 'True'
}

/** Advertises GPUs that do not exist: Pods that request one are scheduled, but get no device. */
async function advertiseGpu({ kubectl }: ControlPlane): Promise<void> {
  const patch = [{ op: 'add', path: '/status/capacity/nvidia.com~1gpu', value: '8' }]
  await kubectl.run([
    ...['patch', 'node', nodeName, '--subresource=status', '--type=json'],
    ...['-p', JSON.stringify(patch)],
  ])
}
