import type { KubeConfig } from '@kubernetes/client-node'
import { codeOf, create } from '../cluster/exchange.ts'
import type { Log } from './log.ts'
import type { NewEvent } from './readyevent.ts'

/** Writes Events for people to read. Nothing waits for them, and none is retried. */
export interface Story {
  readonly tell: (event: NewEvent) => void
}

interface Limits {
  /** How many Events an object may have at once, and the time until the next, as in other controllers. */
  readonly burst: number
  readonly refillMilliseconds: number
  /** How many are written at a time, and how many may wait; further ones are dropped. */
  readonly atOnce: number
  readonly waiting: number
}

const standard: Limits = { burst: 25, refillMilliseconds: 300_000, atOnce: 4, waiting: 1000 }

/** Writes Events to the cluster. */
export function storyIn(
  kubeConfig: KubeConfig,
  log: Log,
  signal: AbortSignal,
  limits: Partial<Limits> = {},
): Story {
  const { burst, refillMilliseconds, atOnce, waiting } = { ...standard, ...limits }
  const allows = allowance(burst, refillMilliseconds)
  const failed = failures(log)
  const queue: NewEvent[] = []
  let running = 0

  const write = async (event: NewEvent): Promise<void> => {
    const path = `/api/v1/namespaces/${event.metadata.namespace}/events`
    // To the second, as the type of these fields requires.
    const now = `${new Date().toISOString().slice(0, 19)}Z`
    const timed = { ...event, firstTimestamp: now, lastTimestamp: now, count: 1 }
    await create(kubeConfig, path, timed, signal).catch(failed)
  }
  const next = (): void => {
    const event = running < atOnce && !signal.aborted && queue.shift()
    if (!event) return
    running++
    void write(event).finally(() => {
      running--
      next()
    })
  }
  return {
    tell: (event) => {
      if (queue.length >= waiting || !allows(event)) return
      queue.push(event)
      next()
    },
  }
}

/** Logs what went wrong. 409: this replica or another has written it. A missing permission is logged once. */
function failures(log: Log): (error: unknown) => void {
  let isForbidden = false
  return (error) => {
    const code = codeOf(error)
    if (code === 409 || (code === 403 && isForbidden)) return
    isForbidden ||= code === 403
    log.warn({ err: error }, 'an Event could not be written')
  }
}

/** How many objects are remembered: those whose last Event is oldest are forgotten first. */
const mostObjects = 4096

interface Told {
  readonly tokens: number
  readonly at: number
  readonly last: string | undefined
}

/**
 * A bucket of tokens for each object, so that one that flaps does not fill the cluster. The
 * Event of a repeated request is not written again either.
 */
function allowance(burst: number, refillMilliseconds: number): (event: NewEvent) => boolean {
  const objects = new Map<string, Told>()
  return ({ metadata: { name }, involvedObject: { uid } }) => {
    const now = performance.now()
    const { tokens, at, last } = objects.get(uid) ?? { tokens: burst, at: now, last: undefined }
    const filled = Math.min(burst, tokens + (now - at) / refillMilliseconds)
    const isAllowed = filled >= 1 && name !== last
    objects.delete(uid)
    objects.set(uid, { tokens: isAllowed ? filled - 1 : filled, at: now, last: name })
    const [oldest] = objects.keys()
    if (objects.size > mostObjects && oldest !== undefined) objects.delete(oldest)
    return isAllowed
  }
}
