import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeConfig } from '@kubernetes/client-node'
import { create } from '../../cluster/exchange.ts'
import { kubeConfigOf } from '../../cluster/kubeconfig.ts'
import { apiVersion } from '../../crds/kind.ts'
import type { Platform } from '../../platform/platform.ts'
import { type Cost, costOf, ownServer, removeNamespaces, untilQuiet } from '../simulated/cost.ts'
import { byClients, collectionOf } from '../simulated/creations.ts'
import { isReady, watchFirstSeen } from '../simulated/firstseen.ts'
import { bystanderKinds } from './bystanders.ts'
import { changeAndGo, comeAndGo } from './disturbances.ts'
import { aRun, namesOf } from './objects.ts'
import { metadataOf, touchedIn } from './versions.ts'

/** Models at rest, while objects of others come, change and go. */
export interface Unrest {
  readonly models: number
  /** Writes of Pods, and of the kinds that Metacontroller watches. */
  readonly podChanges: number
  readonly changes: number
  /** Models and their children that changed, and bystanders that somebody adopted or deleted. */
  readonly touched: number
  readonly cost: Cost
  /** The same time, in which nothing changes. */
  readonly rest: Cost
}

interface Wanted {
  readonly namespace: string
  /** How many Models there are, each number in turn. */
  readonly models: readonly number[]
  readonly pods: number
}

export async function measureUnrest(
  platform: Platform,
  { namespace, models, pods }: Wanted,
): Promise<readonly Unrest[]> {
  const config = kubeConfigOf(platform.kubeconfig)
  await platform.kubectl.run(['create', 'namespace', namespace])
  const path = collectionOf(apiVersion, namespace, 'models')
  const ready = await watchFirstSeen(config, path, isReady)
  const measured: Unrest[] = []
  for (const count of models) {
    const names = namesOf('m', count - ready.times.size, ready.times.size)
    await byClients(names, (name) => create(config, path, aRun(name)))
    while (ready.times.size < count) await sleep(50)
    await untilQuiet(ownServer(platform))
    measured.push(await unrestAround(platform, { config, namespace, models: count, pods }))
  }
  ready.stop()
  await removeNamespaces(platform, namespace)
  return measured
}

interface Around {
  readonly config: KubeConfig
  readonly namespace: string
  readonly models: number
  readonly pods: number
}

async function unrestAround(platform: Platform, around: Around): Promise<Unrest> {
  const { config, namespace, models, pods } = around
  const hook = ownServer(platform)
  const others = Array.from({ length: 5 }, (_, index) => `others-${index}`)
  for (const other of others) await platform.kubectl.run(['create', 'namespace', other])
  const before = await metadataOf(config, namespace)
  const ofEachKind = Math.ceil(pods / 5)
  let touched = 0
  const cost = await costOf(platform, hook, async () => {
    await Promise.all([
      comeAndGo({ platform, config, count: pods }, others),
      changeAndGo({ platform, config, count: ofEachKind }, namespace, async () => {
        const now = await metadataOf(config, namespace)
        touched = touchedIn(before, now, ofEachKind * bystanderKinds.length)
      }),
    ])
    // What a change triggers is synced a moment later.
    await sleep(5000)
  })
  const rest = await costOf(platform, hook, () => sleep(cost.seconds * 1000))
  await removeNamespaces(platform, ...others)
  const sum = (pattern: RegExp) =>
    [...cost.writes].reduce((all, [key, count]) => (pattern.test(key) ? all + count : all), 0)
  return {
    models,
    podChanges: sum(/^\w+ pods\b/),
    changes: sum(/^\w+ (jobs|persistentvolumeclaims|deployments)\b/),
    touched,
    cost,
    rest,
  }
}
