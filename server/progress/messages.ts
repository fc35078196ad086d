import type { Attempt } from '../../hooks/progress/address.ts'
import type { Reported } from '../../hooks/progress/progress.ts'

/**
 * What passes between the main thread, which answers the hooks, and the receiver, the thread to which work
 * reports its progress:
 *
 *     main thread ── Start ─────▶ receiver
 *                 ◀── Listening ──
 *                 ── Turn ──────▶            every 250 ms
 *                 ◀── Batch ─────
 *
 * The next turn waits for the batch of the one before. So no batches pile up while the main thread is busy:
 * afterwards it gets the latest report of each attempt, not all of them.
 */

export const turnMilliseconds = 250

export interface Start {
  readonly host: string
  readonly port: number
  readonly keys: readonly string[]
  readonly underWay?: UnderWayChange
  readonly limits?: Limits
}

export interface Limits {
  /** The most connections. */
  readonly connections?: number
  /** After how many milliseconds a connection is closed with its next response. */
  readonly old?: number
}

export interface Listening {
  readonly is: 'listening'
  readonly port: number
}

/** What has changed since the turn before. */
export interface Turn {
  readonly keys?: readonly string[]
  readonly underWay?: UnderWayChange
}

/** The Jobs that have a Pod at work, by the uids of their objects. */
export interface UnderWayChange {
  /** Whether the Pods are known: if not, any attempt may be under way. */
  readonly isKnown: boolean
  /** The objects whose Jobs have changed, with their Jobs now. */
  readonly jobs: readonly (readonly [uid: string, jobs: readonly string[]])[]
}

/** What has come since the turn before. */
export interface Batch {
  readonly is: 'batch'
  /** The last report of each attempt that has reported. */
  readonly reports: readonly Received[]
  /** How many requests were answered with each status code. */
  readonly codes: readonly (readonly [code: number, count: number])[]
}

export interface Received extends Attempt {
  readonly reported: Reported
}
