import { setTimeout as sleep } from 'node:timers/promises'
import type { ReferredKind } from '../crds/rule.ts'

/**
 * Look-ups load the API server, and any client in the cluster network can cause them. Each client
 * address has its own rate and its own number at a time, so that other clients do not use up the API
 * server's. All addresses together are limited too.
 */
export interface LookupLimits {
  readonly perSecond: number
  /** How many may start at once after a pause. */
  readonly burst: number
  readonly atOnce: number
  readonly atOnceFromOne: number
  /** How long a look-up waits rather than being refused; the API server waits longer than this. */
  readonly patienceMilliseconds: number
  /** How many look-ups of one address may wait. */
  readonly waiting: number
}

const standard: LookupLimits = {
  perSecond: 50,
  burst: 100,
  atOnce: 16,
  atOnceFromOne: 12,
  patienceMilliseconds: 1500,
  waiting: 50,
}

/** The error of a look-up if too many are in progress. */
export const tooBusy = new Error('too many look-ups are under way')

/** How many addresses are remembered: far more than a cluster has API servers. */
const maxCallers = 1000

interface Caller {
  tokens: number
  filled: number
  running: number
  waiting: number
}

type Ask<T> = (kind: ReferredKind, namespace: string, name: string) => Promise<T>

/** Adds limits to a look-up; the returned function takes the client address. */
export function limitedLookup<T>(
  lookup: Ask<T>,
  limits: Partial<LookupLimits> = {},
): (from: string) => Ask<T> {
  const { perSecond, burst, atOnce, atOnceFromOne, patienceMilliseconds, waiting } = {
    ...standard,
    ...limits,
  }
  const callers = new Map<string, Caller>()
  const queue = new Set<() => void>()
  let running = 0

  const callerOf = (from: string): Caller => {
    const caller = callers.get(from) ?? {
      tokens: burst,
      filled: performance.now(),
      running: 0,
      waiting: 0,
    }
    callers.delete(from)
    callers.set(from, caller)
    const [oldest] = callers.keys()
    if (callers.size > maxCallers && oldest !== undefined) callers.delete(oldest)
    return caller
  }

  /** Counts this look-up; returns the milliseconds it must wait, or undefined if that is too long. */
  const waitOf = (caller: Caller): number | undefined => {
    const now = performance.now()
    const filled = caller.tokens + ((now - caller.filled) / 1000) * perSecond
    caller.tokens = Math.min(burst, filled)
    caller.filled = now
    const wait = Math.max(0, ((1 - caller.tokens) / perSecond) * 1000)
    if (wait > patienceMilliseconds) return undefined
    caller.tokens--
    return wait
  }

  const isFree = (caller: Caller): boolean => running < atOnce && caller.running < atOnceFromOne
  const nextChange = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => {
      const go = (): void => {
        clearTimeout(timer)
        queue.delete(go)
        resolve()
      }
      const timer = setTimeout(go, milliseconds)
      queue.add(go)
    })

  /** Waits for its turn; false if that does not come in time. */
  const enter = async (caller: Caller): Promise<boolean> => {
    const end = performance.now() + patienceMilliseconds
    const wait = waitOf(caller)
    if (wait === undefined) return false
    // A caller that need not wait is not refused because others do.
    const mustWait = wait > 0 || !isFree(caller)
    if (mustWait && caller.waiting >= waiting) return false
    caller.waiting++
    try {
      if (wait > 0) await sleep(wait)
      while (!isFree(caller)) {
        if (performance.now() >= end) return false
        await nextChange(end - performance.now())
      }
    } finally {
      caller.waiting--
    }
    running++
    caller.running++
    return true
  }

  return (from) =>
    async (...reference) => {
      const caller = callerOf(from)
      if (!(await enter(caller))) throw tooBusy
      try {
        return await lookup(...reference)
      } finally {
        running--
        caller.running--
        for (const go of [...queue]) go()
      }
    }
}
