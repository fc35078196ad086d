import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeConfig } from '@kubernetes/client-node'
import { create } from '../../cluster/exchange.ts'
import type { Platform } from '../../platform/platform.ts'
import { byClients, collectionOf } from '../simulated/creations.ts'
import { hasCondition, type Seen, watchFirstSeen } from '../simulated/firstseen.ts'
import { bystander, bystanderKinds, foreignPod } from './bystanders.ts'
import { namesOf } from './objects.ts'

interface Disturbing {
  readonly platform: Platform
  readonly config: KubeConfig
  readonly count: number
}

const prefix = 'other'

/** Pods are created in namespaces of others, run and are deleted. */
export async function comeAndGo(
  { platform, config, count }: Disturbing,
  namespaces: readonly string[],
): Promise<void> {
  const hasRun = ({ metadata, status }: Seen) =>
    namespaces.includes(metadata.namespace ?? '') && status?.phase === 'Running'
  const run = await watchFirstSeen(config, '/api/v1/pods', hasRun)
  const all = namesOf(prefix, count).map((name, index) => ({ name, index }))
  await byClients(all, ({ name, index }) => {
    const namespace = namespaces[index % namespaces.length] ?? ''
    return create(config, collectionOf('v1', namespace, 'pods'), foreignPod(name, index))
  })
  while (run.times.size < count) await sleep(50)
  run.stop()
  for (const namespace of namespaces)
    await platform.kubectl.run(['-n', namespace, 'delete', 'pods', '--all', '--timeout=10m'])
}

/** Of each kind of our children, objects without an owner are created, change and are deleted. */
export async function changeAndGo(
  { platform, config, count }: Disturbing,
  namespace: string,
  beforeDeletion: () => Promise<void>,
): Promise<void> {
  const hasEnded = (job: Seen) =>
    job.metadata.name.startsWith(`${prefix}-`) && hasCondition(job, 'Complete')
  const jobs = collectionOf('batch/v1', namespace, 'jobs')
  const ended = await watchFirstSeen(config, jobs, hasEnded)
  for (const { apiVersion, plural, made } of bystanderKinds) {
    const all = namesOf(prefix, count).map((name, index) => ({ name, index }))
    const path = collectionOf(apiVersion, namespace, plural)
    await byClients(all, ({ name, index }) => create(config, path, made(name, index)))
  }
  while (ended.times.size < count) await sleep(50)
  ended.stop()
  const kinds = bystanderKinds.map(({ plural }) => plural).join(',')
  const change = (...verb: readonly string[]) =>
    platform.kubectl.run(['-n', namespace, ...verb, '-l', bystander])
  for (const round of [1, 2]) await change('label', kinds, '--overwrite', `round=${round}`)
  await beforeDeletion()
  await change('delete', kinds, '--timeout=10m')
}
