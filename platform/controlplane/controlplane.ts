import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { root } from '../../terminal/root.ts'
import { type Binaries, findBinaries } from '../binaries/find.ts'
import { statusOf } from '../https.ts'
import { isAlive } from '../identity.ts'
import { nodeAddress } from '../node/addresses.ts'
import { cleanNode } from '../node/clean.ts'
import { setUpHost } from '../node/host.ts'
import { freePorts } from '../ports.ts'
import { endAll, launch, logOf, logTail, recordsOf, waitUntil, withLog } from '../processes.ts'
import type { Progress } from '../progress.ts'
import { claim, exists, readState, remove, writeState } from '../state.ts'
import { fakeNode, storageClass } from './fakenodes.ts'
import {
  apiserverFlags,
  argumentsOf,
  etcdFlags,
  type Flags,
  kwokFlags,
  managerFlags,
  schedulerFlags,
  usualRate,
} from './flags.ts'
import { removeVolumes } from './hostpathvolumes.ts'
import { type Kubectl, kubectl } from './kubectl.ts'
import { makePki, type Pki, writeKubeconfig } from './pki.ts'

export interface ControlPlaneOptions {
  /** The state folder: absolute, and new or ours. */
  readonly dir: string
  /** How many simulated nodes with 8 GPUs each. */
  readonly nodes?: number
  readonly progress?: Progress
  /** Writes an audit event at metadata level for each write request to log/audit.log. */
  readonly audit?: boolean
  /**
   * Whether a real node joins: the API server then listens on the node's address, where Pods reach it,
   * and reaches the kubelet; the node's volumes are the default.
   */
  readonly realNode?: boolean
  /** KWOK stage files in addition to our own; with a weight of 1 they take precedence. */
  readonly stages?: readonly string[]
  /** Requests a second that Kubernetes' own controllers may send. */
  readonly rate?: number
  readonly signal?: AbortSignal
}

/** A running control plane, as plain data, so that another process can find it. */
export interface ControlPlaneState {
  readonly dir: string
  readonly kubeconfig: string
  readonly server: string
  readonly binaries: Binaries
  readonly pki: Pki
  readonly auditLog?: string
}

export interface ControlPlane extends ControlPlaneState {
  readonly kubectl: Kubectl
  /** Stops every process of the folder, and removes it. */
  readonly stop: () => Promise<void>
}

const silent: Progress = () => {}
const ownStages = join(root, 'platform', 'controlplane', 'kwokstages.yaml')

/**
 * etcd ─▶ kube-apiserver ─▶ kube-controller-manager, kube-scheduler, KWOK ─▶ nodes
 *
 * Whatever an interrupted start left in the folder is stopped first. A failed start leaves nothing behind.
 */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { dir, progress = silent, signal } = options
  if (exists(dir)) {
    progress('ending what an earlier start left here')
    await stopControlPlane(dir)
  }
  const binaries = await findBinaries({ progress, ...(signal && { signal }) })
  for (let attempt = 1; ; attempt++) {
    claim(dir)
    try {
      return await start(options, binaries)
    } catch (error) {
      const raced = portTaken(dir) && !signal?.aborted && attempt < 4
      await stopControlPlane(dir)
      if (!raced) throw error
      progress('a port was taken in between: starting anew')
    }
  }
}

async function start(options: ControlPlaneOptions, binaries: Binaries): Promise<ControlPlane> {
  const { dir, nodes = 2, progress = silent, audit = false, stages = [], signal } = options
  const { realNode = false, rate = usualRate } = options
  const [api = 0, etcdClient = 0, etcdPeer = 0, manager = 0, scheduler = 0, kwok = 0] =
    await freePorts(6)
  const host = realNode ? nodeAddress : '127.0.0.1'
  const server = `https://${host}:${api}`
  const folder = join(dir, 'pki')
  mkdirSync(folder, { mode: 0o700 })
  mkdirSync(join(dir, 'log'))
  if (realNode) {
    progress('making the node’s network and cgroup')
    await setUpHost(dir)
  }
  progress('making certificates')
  const pki = await makePki(folder, host)
  const configOf = (name: string, client: { cert: string; key: string }) =>
    writeKubeconfig(join(dir, `${name}.kubeconfig`), server, pki.ca.cert, name, client)
  const kubeconfig = await configOf('admin', pki.admin)
  const managerConfig = await configOf('controller-manager', pki.controllerManager)
  const schedulerConfig = await configOf('scheduler', pki.scheduler)
  const auditLog = join(dir, 'log', 'audit.log')

  const begin = (name: keyof Binaries, flags: Flags) =>
    launch({ dir, name, file: binaries[name], args: argumentsOf(flags), ...(signal && { signal }) })

  progress('starting etcd and kube-apiserver')
  const etcdUrl = `http://127.0.0.1:${etcdClient}`
  const etcd = begin('etcd', etcdFlags(dir, etcdUrl, `http://127.0.0.1:${etcdPeer}`))
  const apiserver = begin('kube-apiserver', {
    ...apiserverFlags({ etcdUrl, host, port: api, pki, realNode }),
    ...(audit && {
      'audit-policy-file': auditPolicy(dir),
      'audit-log-path': auditLog,
      'audit-log-mode': 'blocking',
    }),
  })
  await waitUntil(
    dir,
    apiserver,
    async () => {
      if (!isAlive(etcd)) throw withLog(dir, 'etcd', 'etcd ended at its start')
      return (await statusOf(`${server}/readyz`, pki.ca.cert)) === 200
    },
    signal && { signal },
  )

  progress('starting kube-controller-manager, kube-scheduler and KWOK')
  begin('kube-controller-manager', managerFlags(managerConfig, manager, pki, rate))
  begin('kube-scheduler', schedulerFlags(schedulerConfig, scheduler, rate))
  begin('kwok', kwokFlags(kubeconfig, kwok, [ownStages, ...stages]))

  const state: ControlPlaneState = {
    dir,
    kubeconfig,
    server,
    binaries,
    pki,
    ...(audit && { auditLog }),
  }
  const plane = planeOf(state, signal)
  progress(`adding ${nodes} simulated nodes`)
  await plane.kubectl.apply([
    ...(realNode ? [] : [storageClass]),
    ...Array.from({ length: nodes }, (_, index) => fakeNode(index + 1)),
  ])
  await basics(dir, plane.kubectl, nodes, signal)
  writeState(dir, 'controlplane', state)
  return planeOf(state)
}

/** Waits for what the first Pod needs, unless one of the processes ends. */
async function basics(dir: string, kubectl: Kubectl, nodes: number, signal?: AbortSignal) {
  const until = Date.now() + 60_000
  const ready = async () => {
    await kubectl.run(['get', 'serviceaccount', 'default'])
    const found = await kubectl.run([
      'get',
      'nodes',
      '-o',
      'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}',
    ])
    return found.split(' ').filter((status) => status === 'True').length >= nodes
  }
  for (;;) {
    signal?.throwIfAborted()
    if (await ready().catch(() => false)) return
    const ended = recordsOf(dir).find((record) => !isAlive(record))
    if (ended) throw withLog(dir, ended.name, `${ended.name} ended at its start`)
    if (Date.now() > until) throw new Error(`the nodes are not ready after 60 s: see ${dir}/log`)
    await sleep(100)
  }
}

const planeOf = (state: ControlPlaneState, signal?: AbortSignal): ControlPlane => ({
  ...state,
  kubectl: kubectl(state.binaries.kubectl, state.kubeconfig, signal),
  stop: () => stopControlPlane(state.dir),
})

/** The control plane of a folder, if all its processes run and its API server is ready. */
export async function runningControlPlane(dir: string): Promise<ControlPlane | undefined> {
  return recordsOf(dir).every(isAlive) ? answering(dir) : undefined
}

/** The same, even if other processes have ended. */
async function answering(dir: string): Promise<ControlPlane | undefined> {
  const state = exists(dir) ? readState<ControlPlaneState>(dir, 'controlplane') : undefined
  if (!state) return undefined
  const status = await statusOf(`${state.server}/readyz`, state.pki.ca.cert)
  return status === 200 ? planeOf(state) : undefined
}

/** Stops every process of the folder, then removes what they created elsewhere, and the folder. */
export async function stopControlPlane(dir: string): Promise<void> {
  const plane = await answering(dir)
  if (plane) await removeVolumes(plane.kubectl).catch(() => {})
  await endAll(dir)
  await cleanNode(dir)
  remove(dir)
}

const portTaken = (dir: string): boolean =>
  recordsOf(dir).some(
    (record) => !isAlive(record) && /address already in use/.test(logTail(dir, record.name, 40)),
  )

/**
 * Records writes, and reads by ServiceAccounts; ignores Leases, Kubernetes' own controllers, and Events
 * except those of other ServiceAccounts.
 */
function auditPolicy(dir: string): string {
  const path = join(dir, 'audit-policy.json')
  const events = ['', 'events.k8s.io'].map((group) => ({ group, resources: ['events'] }))
  const leases = { group: 'coordination.k8s.io', resources: ['leases'] }
  const kubernetes = { userGroups: ['system:serviceaccounts:kube-system'] }
  const accounts = { userGroups: ['system:serviceaccounts'] }
  const policy = {
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    omitStages: ['RequestReceived'],
    rules: [
      { level: 'None', ...kubernetes, resources: events },
      { level: 'Metadata', ...accounts, resources: events },
      { level: 'None', resources: [leases, ...events] },
      { level: 'Metadata', verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'] },
      { level: 'None', ...kubernetes },
      { level: 'Metadata', ...accounts },
      { level: 'None' },
    ],
  }
  writeFileSync(path, JSON.stringify(policy))
  rmSync(logOf(dir, 'audit'), { force: true })
  return path
}
