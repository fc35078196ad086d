import type { KubeConfig } from '@kubernetes/client-node'
import { apiVersion } from '../../crds/kind.ts'
import { collectionOf } from '../simulated/creations.ts'
import { isReady, watchFirstSeen } from '../simulated/firstseen.ts'

/** When things were first seen, by name, in milliseconds of `performance.now`. */
export interface Arrivals {
  readonly ready: ReadonlyMap<string, number>
  readonly jobs: ReadonlyMap<string, number>
  readonly stop: () => void
}

/** Watches the Models and Jobs of a namespace. Resolves after the first lists. */
export async function watchArrivals(kubeConfig: KubeConfig, namespace: string): Promise<Arrivals> {
  const [models, jobs] = await Promise.all([
    watchFirstSeen(kubeConfig, collectionOf(apiVersion, namespace, 'models'), isReady),
    watchFirstSeen(kubeConfig, collectionOf('batch/v1', namespace, 'jobs'), () => true),
  ])
  const stop = () => {
    models.stop()
    jobs.stop()
  }
  return { ready: models.times, jobs: jobs.times, stop }
}
