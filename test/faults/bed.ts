import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'
import { stringify } from 'yaml'
import { controllers, tokenKey } from '../../metacontroller/compositecontrollers.ts'
import { issue } from '../../platform/controlplane/pki.ts'
import { driverOf } from '../../platform/hookdriver.ts'
import { freePorts } from '../../platform/ports.ts'
import { endProcess, launch } from '../../platform/processes.ts'
import { type Address, admissionWebhooks } from '../../webhooks/configuration.ts'
import { ok } from '../cluster/cluster.ts'
import { startBalancer } from './balancer.ts'
import { createAccounts, kubeconfigOf, renewToken, replace } from './identities.ts'
import { type ApiProxy, startProxy } from './proxy.ts'
import { type Replica, replicaOf } from './replica.ts'

/**
 * Everything that a fault can break:
 *
 *     API server ──▶ balancer ──▶ two servers ──▶ proxy ──▶ API server
 *                       ▲                           ▲
 *                       └────── Metacontroller ─────┘
 */
export interface Bed {
  readonly proxy: ApiProxy
  readonly replicas: readonly [Replica, Replica]
  readonly driver: Driver
  /** The files that the servers share: certificate, tokens, clock. */
  readonly folder: string
  /** Accepts these tokens at the hooks. */
  readonly acceptTokens: (...tokens: readonly string[]) => void
  /** Makes Metacontroller send this token from now on. */
  readonly sendToken: (token: string, revision: string) => Promise<void>
  /** Gives the servers another certificate of the same CA. */
  readonly renewCertificate: () => Promise<void>
  /** Takes the current tokens of the ServiceAccounts out of use; new ones are in their files already. */
  readonly renewAccounts: () => Promise<() => Promise<void>>
  readonly setClock: (milliseconds: number) => Promise<void>
  /** The memory that the larger server uses after a garbage collection, in MiB. */
  readonly memory: () => Promise<number>
  readonly stop: () => Promise<void>
}

/** The process that calls the hooks. */
export interface Driver {
  readonly start: () => void
  readonly kill: () => void
  readonly stop: () => Promise<void>
}

export async function startBed(): Promise<Bed> {
  const { dir, ca, serverUrl } = inject('cluster')
  const folder = join(dir, 'faults')
  mkdirSync(folder)
  writeFileSync(join(folder, 'clock'), '0')
  writeFileSync(
    join(folder, 'config.yaml'),
    stringify({ registry: { prefix: 'registry.example.com/substratus' } }),
  )
  const server = /server: (\S+)/.exec(readFileSync(inject('cluster').kubeconfig, 'utf8'))?.[1] ?? ''
  const certificate = await certificateOf(dir, 'faults-proxy')
  const proxy = await startProxy({ server, ca, certificate })
  const balancer = await startBalancer(Number(new URL(serverUrl).port))

  await createAccounts()
  const renewals = () =>
    Promise.all([renewToken(folder, 'server'), renewToken(folder, 'metacontroller')])
  let revocations = await renewals()
  const kubeconfig = kubeconfigOf(folder, 'server', proxy.url)
  const [first = 0, second = 0] = await freePorts(2)
  const shared = { dir, folder, ca, kubeconfig, balancer }
  const replicas = [
    replicaOf({ ...shared, name: 'server-a', port: first }),
    replicaOf({ ...shared, name: 'server-b', port: second }),
  ] as const

  const renewCertificate = async () => {
    const { cert, key } = await certificateOf(dir, 'faults-server')
    copyFileSync(key, join(folder, 'tls.key'))
    copyFileSync(cert, join(folder, 'tls.crt'))
  }
  const acceptTokens = (...tokens: readonly string[]) =>
    replace(join(folder, 'hook.token'), `${tokens.join('\n')}\n`)
  const driver = await driverAt(dir, kubeconfigOf(folder, 'metacontroller', proxy.url))

  await renewCertificate()
  acceptTokens(firstToken)
  await Promise.all(replicas.map(({ start }) => start()))
  await applyAll(patientWebhooks({ url: serverUrl, caBundle: base64Of(ca) }))
  await sendToken(firstToken, 'first')
  driver.start()
  const settled = () => Promise.all(replicas.map(({ settle }) => settle()))
  return {
    proxy,
    replicas,
    driver,
    folder,
    acceptTokens,
    sendToken,
    renewCertificate,
    renewAccounts: async () => {
      const before = revocations
      revocations = await renewals()
      return async () => {
        await Promise.all(before.map((revoke) => revoke()))
      }
    },
    setClock: async (milliseconds) => {
      writeFileSync(join(folder, 'clock'), String(milliseconds))
      await settled()
    },
    memory: async () => Math.max(...(await settled())),
    stop: async () => {
      await driver.stop()
      await Promise.all(replicas.map(({ stop }) => stop()))
      balancer.close()
      proxy.close()
    },
  }
}

export const firstToken = '1'.repeat(64)

const base64Of = (file: string): string => readFileSync(file).toString('base64')

const certificateOf = (dir: string, name: string) =>
  issue(join(dir, 'pki'), name, { commonName: name }, ['localhost', '127.0.0.1'])

const applyAll = (items: readonly object[]): Promise<string> =>
  ok(
    ['apply', '--server-side', '--force-conflicts', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
  )

const tokenSecret = { namespace: 'kube-system', name: 'substratus-hooks' }

/**
 * The API server waits three times as long as usual: where other work keeps the machine busy, that must not
 * look like an apply that the servers have lost.
 */
const patientWebhooks = (address: Address): readonly object[] =>
  admissionWebhooks(address).map(({ webhooks, ...configuration }) => ({
    ...configuration,
    webhooks: webhooks.map((webhook) => ({
      ...webhook,
      timeoutSeconds: 3 * webhook.timeoutSeconds,
    })),
  }))

/** Metacontroller reads a token once for each URL, so that the URL has to change with it. */
async function sendToken(token: string, revision: string): Promise<void> {
  const { serverUrl: url, ca } = inject('cluster')
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: tokenSecret, type: 'Opaque' }
  await applyAll([
    { ...secret, stringData: { [tokenKey]: token } },
    ...controllers({ url, caBundle: base64Of(ca), tokenSecret, revision, deviceClaims: true }),
  ])
}

async function driverAt(dir: string, kubeconfig: string): Promise<Driver> {
  const { name, file, args } = await driverOf({ progress: console.log })
  let running: ReturnType<typeof launch> | undefined
  return {
    start: () => {
      running = launch({ dir, name, file, args: args(kubeconfig) })
    },
    kill: () => void process.kill(running?.pid ?? 0, 'SIGKILL'),
    stop: async () => {
      if (running) await endProcess(running)
    },
  }
}
