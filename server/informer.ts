import { ApiException, type Informer, type KubernetesObject } from '@kubernetes/client-node'
import type { Log } from './log.ts'

/** What the server remembers of the cluster. */
export interface Watching {
  readonly stop: () => Promise<void>
}

/** A right that is missing is given by a person, and not within seconds. */
const isForbidden = (error: unknown): boolean => error instanceof ApiException && error.code === 403

/** Lists and watches, and begins anew whenever that ends, until it is stopped. `what` is for the log. */
export function keepWatching<T extends KubernetesObject>(
  informer: Informer<T>,
  what: string,
  log: Log,
): Watching {
  let stopped = false
  const start = () => {
    if (stopped) return
    informer.start().catch((error: unknown) => {
      log.warn({ err: error }, `watching ${what} failed, trying again`)
      setTimeout(start, isForbidden(error) ? 60_000 : 2000).unref()
    })
  }
  informer.on('error', (error: unknown) => {
    if (stopped) return
    log.warn({ err: error }, `the watch of ${what} ended, starting anew`)
    setTimeout(start, 1000).unref()
  })
  start()
  return {
    stop: async () => {
      stopped = true
      await informer.stop()
    },
  }
}
