import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type buildConnector, type Dispatcher, Pool } from 'undici'
import type { Sendable } from './bodies.ts'
import { responseHeaders } from './core/headers.ts'
import type { Place } from './core/location.ts'
import { type Ends, endsAfter, noEnds } from './core/usage.ts'

/** The connections to the replicas, and how many requests are under way on each. */

export interface Request extends Place {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Sendable
}

/** How an answer ended. */
export type Answered =
  /** No connection to the server was made, so that no byte has reached it. */
  | { readonly is: 'refused'; readonly why: string }
  /** The server broke off before it answered. */
  | { readonly is: 'failed'; readonly why: string }
  /** The answer was passed on, or a part of it. */
  | {
      readonly is: 'answered'
      readonly status: number
      readonly bytes: number
      /** Milliseconds since 1970 until the first byte of the body. */
      readonly firstByteAt: number | undefined
      /** The first and the last bytes of the body. */
      readonly ends: Ends
      readonly isWhole: boolean
    }

/**
 * Makes a connection to an address. An error whose `syscall` is "connect", of this or of the stream, says that
 * no byte has reached the server: the request may then go elsewhere.
 */
export type Connect = (address: string) => Promise<Duplex>

/** No request goes to an address that has refused a connection, for so long. */
const avoidedMilliseconds = 2000
const connectMilliseconds = 3000
/** Less than the 5 s after which uvicorn, for one, closes a connection that is idle. */
const idleMilliseconds = 2000
/** Pools of addresses that had no request for this long are closed. */
const forgottenMilliseconds = 60_000

interface Upstream {
  readonly pool: Pool
  underWay: number
  avoidUntil: number
  usedAt: number
}

export function upstreams(connect?: Connect) {
  const known = new Map<string, Upstream>()

  const upstreamOf = (address: string): Upstream => {
    const upstream = known.get(address) ?? {
      pool: new Pool(`http://${address}`, {
        connections: null,
        pipelining: 1,
        keepAliveTimeout: idleMilliseconds,
        keepAliveMaxTimeout: idleMilliseconds,
        connect: connect ? connectorOf(connect, address) : { timeout: connectMilliseconds },
        // The gateway has one limit for the whole answer.
        headersTimeout: 0,
        bodyTimeout: 0,
      }),
      underWay: 0,
      avoidUntil: 0,
      usedAt: 0,
    }
    known.set(address, upstream)
    upstream.usedAt = performance.now()
    return upstream
  }

  const forget = (): void => {
    const old = performance.now() - forgottenMilliseconds
    for (const [address, { pool, underWay, usedAt }] of known) {
      if (underWay > 0 || usedAt > old) continue
      known.delete(address)
      void pool.close()
    }
  }
  const forgetting = setInterval(forget, forgottenMilliseconds / 2)
  forgetting.unref()

  return {
    /** How many requests are under way; infinitely many where a connection was refused just now. */
    load: (address: string): number => {
      const upstream = known.get(address)
      if (!upstream) return 0
      return upstream.avoidUntil > performance.now() ? Number.POSITIVE_INFINITY : upstream.underWay
    },

    /** Sends a request, and passes the answer on as it comes. */
    send: async (request: Request, res: ServerResponse, signal: AbortSignal): Promise<Answered> => {
      const upstream = upstreamOf(request.address)
      upstream.underWay++
      try {
        const answered = await passedOn(upstream.pool, request, res, signal)
        if (answered.is === 'refused') upstream.avoidUntil = performance.now() + avoidedMilliseconds
        return answered
      } finally {
        upstream.underWay--
      }
    },

    close: async (): Promise<void> => {
      clearInterval(forgetting)
      await Promise.all([...known.values()].map(({ pool }) => pool.destroy()))
    },
  }
}

const connectorOf =
  (connect: Connect, address: string): buildConnector.connector =>
  (_, connected) => {
    connect(address).then(
      // Of a socket, the pool uses what every stream has.
      (stream) => connected(null, stream as Socket),
      (error) => connected(error, null),
    )
  }

function passedOn(
  pool: Pool,
  { method, path, headers, body, address, prefix }: Request,
  res: ServerResponse,
  signal: AbortSignal,
): Promise<Answered> {
  return new Promise((resolve) => {
    let status = 0
    let bytes = 0
    let firstByteAt: number | undefined
    let ends = noEnds
    const end = (isWhole: boolean): void => {
      signal.removeEventListener('abort', abort)
      resolve({ is: 'answered', status, bytes, firstByteAt, ends, isWhole })
    }
    let controller: Dispatcher.DispatchController | undefined
    const abort = (): void => controller?.abort(new Error('aborted'))
    signal.addEventListener('abort', abort, { once: true })
    pool.dispatch(
      {
        method: method as Dispatcher.HttpMethod,
        path,
        headers: { ...headers, 'content-length': String(body.length) },
        body: body.content as Dispatcher.DispatchOptions['body'],
      },
      {
        onRequestStart(started) {
          controller = started
          if (signal.aborted) abort()
        },
        onResponseStart(answering, code, given) {
          // Informational answers are the connection's own matter.
          if (code < 200) return
          if (code === 503 && given[unsentHeader] !== undefined)
            return answering.abort(new Unsent('the server does not listen'))
          status = code
          res.writeHead(code, responseHeaders(given, { address, prefix }))
          // Sends them now, each byte as it is; flushHeaders() would write them as UTF-8.
          res.write(nothing)
        },
        onResponseData(pausing, chunk) {
          firstByteAt ??= Date.now()
          bytes += chunk.length
          ends = endsAfter(ends, chunk)
          if (res.write(chunk)) return
          pausing.pause()
          res.once('drain', () => pausing.resume())
        },
        onResponseEnd() {
          res.end()
          end(true)
        },
        onResponseError(_, error) {
          if (status) {
            breakOff(res)
            return end(false)
          }
          signal.removeEventListener('abort', abort)
          resolve({ is: isUnsent(error) ? 'refused' : 'failed', why: error.message })
        },
      },
    )
  })
}

const nothing = Buffer.alloc(0)

/** The client must notice that the rest is missing. An HTTP/1.0 client, such as a proxy, notices only a reset. */
function breakOff(res: ServerResponse): void {
  const { req, socket } = res
  if (req.httpVersion === '1.0' && socket && !('encrypted' in socket)) socket.resetAndDestroy()
  res.destroy()
}

/** The relay beside a server that does not listen answers with it; tools/unsent.ts. */
const unsentHeader = 'substratus-unsent'

class Unsent extends Error {}

/** Whether the connection itself failed. Any other error may have come after the server's work began. */
const isUnsent = (error: Error & { readonly code?: string; readonly syscall?: string }): boolean =>
  error instanceof Unsent || error.syscall === 'connect' || error.code === 'UND_ERR_CONNECT_TIMEOUT'
