import { refusalOf } from '../cluster/refusal.ts'
import type { Choice, Load } from './core/choice.ts'
import { type Asked, decide } from './core/decide.ts'
import { refusals } from './core/refusals.ts'
import type { Server } from './core/servers.ts'
import { Refused } from './refused.ts'
import type { World } from './world.ts'

/** What may end the waiting of a request. */
export interface Patience {
  /** By performance.now(). */
  readonly until: number
  /** The client has gone. */
  readonly signal: AbortSignal
}

export interface Held extends Choice {
  readonly hasWoken: boolean
}

/** A server is woken again if it still sleeps after this long: a sleep may have begun meanwhile. */
const againMilliseconds = 15_000
/** Without news: an address that refused a connection may be tried again. */
const tickMilliseconds = 1000

/** Finds where a request goes, and holds it until there is such a place. */
export function holder(world: World, load: Load) {
  const woken = new Map<string, { readonly at: number; readonly done: Promise<void> }>()

  /** Many requests wake a server once. */
  function wake(server: Server): Promise<void> {
    const key = keyOf(server)
    const before = woken.get(key)
    if (before && performance.now() - before.at < againMilliseconds) return before.done
    const done: Promise<void> = world.wake(server).catch((error) => {
      if (woken.get(key)?.done === done) woken.delete(key)
      throw new Refused(refusals.noWake(server, refusalOf(error).message))
    })
    woken.set(key, { at: performance.now(), done })
    return done
  }

  /** Of servers that share a name, one that wakes is enough. */
  async function wakeAll(servers: readonly Server[]): Promise<void> {
    const results = await Promise.allSettled(servers.map(wake))
    const failures = results.filter((result) => result.status === 'rejected')
    if (failures[0] && failures.length === results.length) throw failures[0].reason
  }

  return async (asked: Asked, { until, signal }: Patience): Promise<Held> => {
    let hasWoken = false
    for (;;) {
      const names = world.namesIn(asked.namespace)
      if (!names) throw new Refused(refusals.starting())
      const decision = decide(asked, names, load)
      switch (decision.is) {
        case 'forward':
          // It is awake, so its next sleep is another one.
          if (woken.size) woken.delete(keyOf(decision.server))
          return { server: decision.server, address: decision.address, hasWoken }
        case 'refuse':
          throw new Refused(decision.refusal)
        case 'hold': {
          const left = until - performance.now()
          if (left <= 0) throw new Refused(refusals.notReady(decision.servers))
          const change = nextChange(
            world,
            asked.namespace,
            Math.min(left, tickMilliseconds),
            signal,
          )
          if (decision.wake.length) hasWoken = true
          // While the API server does not answer, a client may go and the time may end all the same.
          await Promise.race([wakeAll(decision.wake), change])
          await change
          signal.throwIfAborted()
        }
      }
    }
  }
}

const keyOf = ({ namespace, name }: Server): string => `${namespace}/${name}`

/** Resolves after a change, or after this long, or when the client goes. */
function nextChange(
  { onChange }: World,
  namespace: string,
  milliseconds: number,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      stop()
      clearTimeout(timer)
      signal.removeEventListener('abort', go)
      resolve()
    }
    const stop = onChange(namespace, go)
    const timer = setTimeout(go, milliseconds)
    signal.addEventListener('abort', go, { once: true })
  })
}
