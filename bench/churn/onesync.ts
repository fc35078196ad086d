import { readFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { join } from 'node:path'
import type { KubeConfig } from '@kubernetes/client-node'
import { exchange, read } from '../../cluster/exchange.ts'
import type { Parent } from '../../crds/kind.ts'
import type { Child, SyncRequest } from '../../hooks/observe/protocol.ts'
import type { Platform } from '../../platform/platform.ts'
import { ownServer } from '../simulated/cost.ts'
import { countersOf } from '../simulated/counters.ts'
import { collectionOf } from '../simulated/creations.ts'
import { textOf } from '../simulated/textof.ts'
import { usageOf } from '../simulated/usage.ts'

/** The cost of a single sync of a Model, which is sent as Metacontroller would. */
export interface Sync {
  /** How many Jobs the request has. */
  readonly jobs: number
  /** As the server measures it, from the first byte of the request to the last of the answer. */
  readonly milliseconds: number
  readonly cpuMilliseconds: number
}

const jobsGroup = 'Job.batch/v1'

/** A request with all Jobs of the Model's namespace. */
export async function requestOf(config: KubeConfig, parent: Parent): Promise<SyncRequest> {
  const { namespace = '' } = parent.metadata
  const path = collectionOf('batch/v1', namespace, 'jobs')
  const { items } = await read<{ readonly items: readonly Child[] }>(config, path, {})
  const jobs = items.map((job): [string, Child] => [
    `${namespace}/${job.metadata.name}`,
    { ...job, apiVersion: 'batch/v1', kind: 'Job' },
  ])
  const children = { [jobsGroup]: Object.fromEntries(jobs), 'PersistentVolumeClaim.v1': {} }
  return { parent, children, related: {} }
}

export const withFirst = (request: SyncRequest, count: number): SyncRequest => {
  const jobs = Object.entries(request.children[jobsGroup] ?? {}).slice(0, count)
  return { ...request, children: { ...request.children, [jobsGroup]: Object.fromEntries(jobs) } }
}

export const bytesOf = (request: SyncRequest): number => Buffer.byteLength(JSON.stringify(request))

/** After these, the JIT has compiled all of it. */
const warmUpSeconds = 3
const seconds = 5

export async function measureSync(platform: Platform, request: SyncRequest): Promise<Sync> {
  const ca = readFileSync(platform.pki.ca.cert)
  const agent = new Agent({ ca, keepAlive: true })
  const token = readFileSync(join(platform.dir, 'hook.token'), 'utf8').trim()
  const headers = { authorization: `Bearer ${token}` }
  const url = `${platform.serverUrl}${route}`
  const { pid } = ownServer(platform)
  const sendFor = async (seconds: number): Promise<number> => {
    const until = performance.now() + seconds * 1000
    for (let sent = 1; ; sent++) {
      await exchange(url, { method: 'POST', agent, headers }, request)
      if (performance.now() > until) return sent
    }
  }
  const used = async () => ({
    milliseconds: secondsIn(await textOf(`${platform.serverUrl}/metrics`, ca)) * 1000,
    cpuMilliseconds: usageOf(pid).cpuSeconds * 1000,
  })
  await sendFor(warmUpSeconds)
  const before = await used()
  const repeats = await sendFor(seconds)
  const after = await used()
  agent.destroy()
  return {
    jobs: Object.keys(request.children[jobsGroup] ?? {}).length,
    milliseconds: (after.milliseconds - before.milliseconds) / repeats,
    cpuMilliseconds: (after.cpuMilliseconds - before.cpuMilliseconds) / repeats,
  }
}

const route = '/hooks/models/sync'

const secondsIn = (text: string): number =>
  countersOf(text, 'substratus_request_duration_seconds_sum')
    .filter(({ labels }) => labels.route === route && labels.code === '200')
    .reduce((sum, { value }) => sum + value, 0)
