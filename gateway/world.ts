import type { Names } from './core/names.ts'
import type { Server } from './core/servers.ts'

/** What the gateway knows and can do, in the cluster or elsewhere. */
export interface World {
  /** The models of a namespace, or undefined while the ModelServers are not known yet. */
  readonly namesIn: (namespace: string) => Names | undefined
  /** Calls back after each change in a namespace; returns how to stop that. */
  readonly onChange: (namespace: string, changed: () => void) => () => void
  /** Starts a server that sleeps; rejects with the API server's reason. */
  readonly wake: (server: Server) => Promise<void>
}

/** The log lines of the gateway; pino has them. */
export interface GatewayLog {
  readonly info: (facts: object, message: string) => void
  readonly warn: (facts: object, message: string) => void
}

export interface Limits {
  /** The largest JSON body, and all of them together, in memory; at most half of that for each namespace. */
  readonly jsonBytes: number
  readonly allJsonBytes: number
  /** The same of forms, on disk. */
  readonly formBytes: number
  readonly allFormBytes: number
  /** Requests under way for one model, held ones included. */
  readonly perModel: number
  /** The same for all models, from the first byte of the body; at most half of that for each namespace. */
  readonly allRequests: number
  /** Beyond these, the client address with most idle connections loses some. */
  readonly connections: number
  /** How long the headers of a request may take to arrive, and the whole request. */
  readonly headersSeconds: number
  readonly requestSeconds: number
  /** How long a request waits for a server. */
  readonly holdSeconds: number
  /** How long an answer may take, its last byte included. */
  readonly answerSeconds: number
}

const mebibyte = 2 ** 20

export const defaultLimits: Limits = {
  jsonBytes: 32 * mebibyte,
  allJsonBytes: 256 * mebibyte,
  formBytes: 512 * mebibyte,
  allFormBytes: 4096 * mebibyte,
  perModel: 500,
  allRequests: 10_000,
  connections: 20_000,
  // Uploads may be slow; a client that sends no headers is not.
  headersSeconds: 10,
  requestSeconds: 600,
  holdSeconds: 600,
  answerSeconds: 3600,
}
