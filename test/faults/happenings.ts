import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { inject } from 'vitest'
import { recordsOf } from '../../platform/processes.ts'
import { ok, until } from '../cluster/cluster.ts'
import { kill } from '../cluster/kill.ts'
import { type Bed, firstToken } from './bed.ts'
import { type Answer, type Behaviour, isWatch } from './proxy.ts'

/** What the faults do. Each leaves everything running again. */

export async function apiServerAway(seconds: number): Promise<void> {
  const start = await kill('kube-apiserver')
  await sleep(seconds * 1000)
  start()
  await until(() => ok(['get', '--raw', '/readyz']), Boolean, 120)
}

export async function etcdPauses(): Promise<void> {
  const etcd = recordsOf(inject('cluster').dir).find(({ name }) => name === 'etcd')
  if (!etcd) throw new Error('etcd does not run')
  process.kill(etcd.pid, 'SIGSTOP')
  try {
    await sleep(20_000)
  } finally {
    process.kill(etcd.pid, 'SIGCONT')
  }
  await until(() => ok(['get', '--raw', '/readyz']), Boolean, 120)
}

/** Behaves like this for some seconds. */
async function behaving({ proxy }: Bed, behaviour: Behaviour, seconds: number): Promise<void> {
  proxy.behave(behaviour)
  await sleep(seconds * 1000)
  proxy.behave()
}

export const slow = (bed: Bed): Promise<void> =>
  behaving(bed, { before: () => sleep(2000, undefined) }, 40)

const failure = (code: number, reason: string, message: string): Answer => ({
  code,
  ...(code === 429 && { headers: { 'retry-after': '1' } }),
  body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, message, code },
})

export async function refusals(bed: Bed): Promise<void> {
  const answers = [
    failure(429, 'TooManyRequests', 'too many requests, please try again later'),
    failure(500, 'InternalError', 'an error on the server has prevented the request'),
  ]
  let count = 0
  bed.proxy.cutWatches()
  await behaving(bed, { before: () => answers[count++ % answers.length] }, 60)
}

/** Ten times: cuts every watch, and tells those that come back that their version is gone. */
export async function watchesEnd(bed: Bed): Promise<void> {
  const gone = failure(410, 'Expired', 'too old resource version')
  for (let time = 0; time < 10; time++) {
    if (bed.proxy.cutWatches() === 0) throw new Error('nothing watches')
    await behaving(bed, { before: (call) => (isWatch(call) ? gone : undefined) }, 1)
    await sleep(3000)
  }
}

interface Moment {
  readonly when: 'before' | 'after'
  readonly method: string
  readonly url: RegExp
}

/** Resolves when such a request has arrived, or has been answered. Its client never gets the response. */
function reached({ proxy }: Bed, { when, method, url }: Moment): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      proxy.behave()
      reject(new Error(`no ${method} of ${url} within a minute`))
    }, 60_000)
    const look = (call: IncomingMessage): Promise<undefined> | undefined => {
      if (call.method !== method || !url.test(call.url ?? '')) return undefined
      clearTimeout(late)
      proxy.behave()
      resolve()
      return new Promise(() => {})
    }
    proxy.behave(when === 'before' ? { before: look } : { after: look })
  })
}

const moments: readonly Moment[] = [
  { when: 'before', method: 'POST', url: /\/jobs(\?|$)/ },
  { when: 'after', method: 'POST', url: /\/jobs(\?|$)/ },
  { when: 'after', method: 'POST', url: /\/persistentvolumeclaims(\?|$)/ },
  { when: 'after', method: 'POST', url: /\/deployments(\?|$)/ },
  { when: 'before', method: 'PUT', url: /\/models\/[^/]+\/status(\?|$)/ },
  { when: 'after', method: 'PUT', url: /\/models\/[^/]+\/status(\?|$)/ },
]

export async function metacontrollerDies(bed: Bed): Promise<void> {
  for (const moment of moments) {
    await reached(bed, moment)
    bed.driver.kill()
    bed.driver.start()
    await sleep(3000)
  }
}

/** Three times: admission has looked up a Model, and its answer is due. */
export async function serversDie({ replicas, ...bed }: Bed): Promise<void> {
  for (let time = 0; time < 3; time++) {
    await reached({ replicas, ...bed }, { when: 'after', method: 'GET', url: /\/models\/base$/ })
    for (const { kill } of replicas) kill()
    await Promise.all(replicas.map(({ start }) => start()))
    await sleep(2000)
  }
}

export async function webhookRestarts({ replicas }: Bed): Promise<void> {
  for (let time = 0; time < 2; time++) {
    await Promise.all(replicas.map(({ stop }) => stop()))
    await Promise.all(replicas.map(({ start }) => start()))
    await sleep(3000)
  }
}

export async function restartEach({ replicas }: Bed): Promise<void> {
  for (const { stop, start } of replicas) {
    await stop()
    await start()
  }
}

export async function rollingRestarts(bed: Bed): Promise<void> {
  for (let time = 0; time < 20; time++) await restartEach(bed)
}

export async function clockMoves({ setClock }: Bed): Promise<void> {
  await setClock(3_600_000)
  await sleep(25_000)
  await setClock(0)
  await sleep(15_000)
}

/** More than the log lines that wait in memory until they are written. */
export async function withFullDisk({ replicas }: Bed): Promise<void> {
  for (const log of ['full', 'written'] as const) {
    for (const { stop, start } of replicas) {
      await stop()
      await start({ log })
    }
    await sleep(15_000)
  }
}

/** As long as the Kubernetes clients in Go and in JavaScript use a token that they have read. */
const tokenLifetime = 65_000

/** As an administrator does it, so that nothing fails: the new one is accepted before the old one is not. */
export async function certificateAndTokensRotate(bed: Bed): Promise<void> {
  const revoke = await bed.renewAccounts()
  const read = sleep(tokenLifetime)
  const token = randomBytes(32).toString('hex')
  bed.acceptTokens(firstToken, token)
  await bed.renewCertificate()
  // The servers look for changed files each second.
  await sleep(3000)
  await bed.sendToken(token, 'second')
  await sleep(10_000)
  bed.acceptTokens(token)
  await read
  await revoke()
  await sleep(15_000)
}
