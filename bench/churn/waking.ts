import { setTimeout as sleep } from 'node:timers/promises'
import { create } from '../../cluster/exchange.ts'
import { kubeConfigOf } from '../../cluster/kubeconfig.ts'
import { apiVersion } from '../../crds/kind.ts'
import type { Platform } from '../../platform/platform.ts'
import { type Cost, costOf, ownServer, removeNamespaces, untilQuiet } from '../simulated/cost.ts'
import { byClients, collectionOf } from '../simulated/creations.ts'
import { isReady, readyOf, type Seen, watchFirstSeen } from '../simulated/firstseen.ts'
import { aRun, aServerOf, namesOf } from './objects.ts'

/** ModelServers that wait for one Model, from its start until all of them serve. */
export interface Waking {
  readonly servers: number
  /** Seconds from the Model's Ready until no ModelServer waits any more, and until all are Ready. */
  readonly started: number
  readonly ready: number
  /** With the syncs of ModelServers alone. */
  readonly cost: Cost
}

const model = 'base'

export async function measureWaking(
  platform: Platform,
  namespace: string,
  servers: number,
): Promise<Waking> {
  const { kubectl } = platform
  const config = kubeConfigOf(platform.kubeconfig)
  const hook = ownServer(platform, 'modelservers')
  await kubectl.run(['create', 'namespace', namespace])
  const [models, modelservers] = ['models', 'modelservers'].map((plural) =>
    collectionOf(apiVersion, namespace, plural),
  ) as [string, string]
  const [done, waiting, started, ready] = await Promise.all([
    watchFirstSeen(config, models, isDone),
    watchFirstSeen(config, modelservers, isWaiting),
    watchFirstSeen(config, modelservers, hasStarted),
    watchFirstSeen(config, modelservers, isReady),
  ])
  await create(config, models, aRun(model, { suspend: true }))
  await byClients(namesOf('server', servers), (name) =>
    create(config, modelservers, aServerOf(model, name)),
  )
  while (waiting.times.size < servers) await sleep(50)
  await untilQuiet(hook)
  const cost = await costOf(platform, hook, async () => {
    const resumed = JSON.stringify({ spec: { suspend: false } })
    await kubectl.run(['-n', namespace, 'patch', 'model', model, '--type=merge', '-p', resumed])
    while (ready.times.size < servers) await sleep(50)
    await untilQuiet(hook)
  })
  for (const seen of [done, waiting, started, ready]) seen.stop()
  await removeNamespaces(platform, namespace)
  const since = done.times.get(model) ?? Number.NaN
  const seconds = (times: ReadonlyMap<string, number>) =>
    (Math.max(...times.values()) - since) / 1000
  return { servers, started: seconds(started.times), ready: seconds(ready.times), cost }
}

/** A suspended Model is Ready too. */
const isDone = (model: Seen): boolean => readyOf(model)?.reason === 'Done'

const isWaiting = (server: Seen): boolean => readyOf(server)?.reason === 'Waiting'

/** A ModelServer may be seen before its Model. */
const hasStarted = (server: Seen): boolean => {
  const reason = readyOf(server)?.reason
  return reason !== undefined && reason !== 'Waiting' && reason !== 'ReferenceMissing'
}
