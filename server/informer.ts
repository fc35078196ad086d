import { ApiException, type Informer, type KubernetesObject } from '@kubernetes/client-node'
import type { Log } from './log.ts'

/** What the server remembers of the cluster. */
export interface Watching {
  readonly stop: () => Promise<void>
}

/** Lists and watches, and begins anew whenever that ends, until it is stopped. `what` is for the log. */
export function keepWatching<T extends KubernetesObject>(
  informer: Informer<T>,
  what: string,
  log: Log,
): Watching {
  let stopped = false
  const again = (error: unknown) => {
    if (stopped) return
    const isForbidden = error instanceof ApiException && error.code === 403
    log.warn({ err: error }, `watching ${what} ended, trying again`)
    // A right that is missing is given by a person, and not within seconds.
    setTimeout(start, isForbidden ? 60_000 : 1000).unref()
  }
  const start = () => {
    if (!stopped) informer.start().catch(again)
  }
  informer.on('error', again)
  start()
  return {
    stop: async () => {
      stopped = true
      await informer.stop()
    },
  }
}
