import { setTimeout as sleep } from 'node:timers/promises'
import { create } from '../../cluster/exchange.ts'
import { kubeConfigOf } from '../../cluster/kubeconfig.ts'
import { apiVersion, type Parent } from '../../crds/kind.ts'
import type { Platform } from '../../platform/platform.ts'
import { type Cost, costOf, ownServer, removeNamespaces, untilQuiet } from '../simulated/cost.ts'
import { collectionOf } from '../simulated/creations.ts'
import { isReady, watchFirstSeen } from '../simulated/firstseen.ts'
import { aRun } from './objects.ts'
import { createOldJobs } from './oldjobs.ts'
import { bytesOf, measureSync, requestOf, type Sync, withFirst } from './onesync.ts'

/** A Model with old Jobs: single syncs of it, and its way to Ready. */
export interface Burden {
  readonly jobs: number
  /** Of the request with all Jobs. */
  readonly mebibytes: number
  /** With as many of the Jobs as the server accepts: one that removes them, and one that retains them. */
  readonly removing: Sync
  readonly retaining: Sync
  /** Seconds until it is Ready; undefined if it is not within two minutes. */
  readonly ready: number | undefined
  /** With the syncs of Models alone. */
  readonly cost: Cost
}

const patienceSeconds = 120

export async function measureBurden(
  platform: Platform,
  namespace: string,
  jobs: number,
): Promise<Burden> {
  const config = kubeConfigOf(platform.kubeconfig)
  await platform.kubectl.run(['create', 'namespace', namespace])
  const path = collectionOf(apiVersion, namespace, 'models')
  const resume = await pauseModels(platform)
  const parent = (await create(config, path, aRun('m'))) as Parent
  await createOldJobs(
    config,
    parent,
    Array.from({ length: jobs }, (_, number) => number),
  )
  const request = await requestOf(config, parent)
  const fitting = withFirst(request, Math.floor((jobs * mostBytes) / bytesOf(request)))
  const removing = await measureSync(platform, fitting)
  const retaining = await measureSync(platform, { ...fitting, parent: invalid(parent) })
  const hook = ownServer(platform, 'models')
  const seen = await watchFirstSeen(config, path, isReady)
  let ready: number | undefined
  const cost = await costOf(platform, hook, async () => {
    const start = performance.now()
    const seconds = () => (performance.now() - start) / 1000
    await resume()
    while (!seen.times.size && seconds() < patienceSeconds) await sleep(50)
    if (seen.times.size) ready = seconds()
    await untilQuiet(hook)
  })
  seen.stop()
  await removeNamespaces(platform, namespace)
  return { jobs, mebibytes: bytesOf(request) / 2 ** 20, removing, retaining, ready, cost }
}

/** The server reads no larger body. */
export const mostMebibytes = 16
/** Without the controller, which Metacontroller's own requests contain. */
const mostBytes = (mostMebibytes - 0.1) * 2 ** 20

/** Nothing changes for an object that admission would have refused. */
const invalid = (parent: Parent): Parent => ({
  ...parent,
  spec: { ...(parent.spec as object), image: '' },
})

/** Deletes the controller of Models; the returned function creates it again. */
async function pauseModels({ kubectl }: Platform): Promise<() => Promise<void>> {
  const name = 'models.substratus.ai'
  const found = await kubectl.run(['get', 'compositecontroller', name, '-o', 'json'])
  const { apiVersion, kind, spec } = JSON.parse(found)
  await kubectl.run(['delete', 'compositecontroller', name])
  // Until Metacontroller has seen it.
  await sleep(3000)
  return () => kubectl.apply([{ apiVersion, kind, metadata: { name }, spec }])
}
