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

  /** Wakes the first that can be woken; one that is being woken goes before the others. */
  async function wakeOne(servers: readonly Server[]): Promise<void> {
    const isUnderWay = (server: Server) => millisecondsSinceWake(server) < againMilliseconds
    let failure: unknown
    for (const server of servers.toSorted((a, b) => Number(isUnderWay(b)) - Number(isUnderWay(a))))
      try {
        return await wake(server)
      } catch (error) {
        failure ??= error
      }
    if (failure) throw failure
  }

  const millisecondsSinceWake = (server: Server): number =>
    performance.now() - (woken.get(keyOf(server))?.at ?? Number.NEGATIVE_INFINITY)

  return async (asked: Omit<Asked, 'waited'>, { until, signal }: Patience): Promise<Held> => {
    const began = performance.now()
    let hasWoken = false
    for (;;) {
      const names = world.namesIn(asked.namespace)
      if (!names) throw new Refused(refusals.starting())
      const waited = Math.min(
        performance.now() - began,
        ...(names.get(asked.model) ?? []).map(millisecondsSinceWake),
      )
      const decision = decide({ ...asked, waited }, names, load)
      switch (decision.is) {
        case 'forward':
          // It is awake, so its next sleep is another one.
          if (woken.size) woken.delete(keyOf(decision.server))
          return { ...decision, hasWoken }
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
          await Promise.race([wakeOne(decision.wake), change])
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
