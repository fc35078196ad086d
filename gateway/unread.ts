import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Refusal, refusals } from './core/refusals.ts'
import type { gateway } from './gateway.ts'
import { longestToken } from './keys.ts'
import { refuseRaw } from './refused.ts'
import type { Limits } from './world.ts'

/**
 * What Node's parser refuses, before there is a request or within its body. Node's own answers would have no
 * body, and would be neither logged nor counted.
 */

/** The longest key, and as much room for all other headers as most servers give. */
export const headersBytes = longestToken + 8192

interface ParserError extends Error {
  readonly code?: string
  /** In words. */
  readonly reason?: string
}

/** The refusal for an error; undefined if the client went away, or does not speak TLS where it must. */
function refusalFor(
  { code = '', reason, message }: ParserError,
  isBody: boolean,
  { headersSeconds, requestSeconds }: Limits,
): Refusal | undefined {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return isBody ? refusals.tooSlow(requestSeconds) : refusals.headersTooSlow(headersSeconds)
    case 'HPE_HEADER_OVERFLOW':
      return refusals.headersTooLarge(headersBytes, longestToken)
    // The client has closed its half within a request.
    case 'HPE_INVALID_EOF_STATE':
      return undefined
    default:
      return code.startsWith('HPE_') ? refusals.malformed(reason ?? message) : undefined
  }
}

interface Exchange {
  readonly req: IncomingMessage
  readonly res: ServerResponse
}

export function refuseUnread(
  server: Server,
  gate: Pick<ReturnType<typeof gateway>, 'breakOff' | 'answered' | 'base'>,
  limits: Limits,
): void {
  const openOn = openExchanges(server)
  const refused = new WeakSet<Duplex>()

  const refuse = (socket: Duplex, refusal: Refusal): void => {
    if (!socket.writable) return void socket.destroy()
    refuseRaw(socket, refusal)
    gate.answered(refusal)
  }

  server.on('connect', (_, socket: Duplex) => {
    // Node has let go of the connection: nothing drives its answers any more, and a refusal would be read as
    // a part of one.
    if (openOn(socket).size) return void socket.destroy()
    refuse(socket, refusals.noTunnel(gate.base))
  })
  server.on('clientError', (error: ParserError, socket: Duplex) => {
    const inProgress = [...openOn(socket)].at(-1)
    const isBody = inProgress?.req.complete === false
    const refusal = refusalFor(error, isBody, limits)
    if (!refusal) return void socket.destroy()
    // Each piece that arrives afterwards causes the same error.
    if (refused.has(socket)) return
    refused.add(socket)
    // A browser opens connections in advance: one that has sent nothing expects no answer.
    if ((socket as Socket).bytesRead === 0) return void socket.destroy()
    if (!inProgress) return refuse(socket, refusal)
    const { req, res } = inProgress
    if (isBody && !res.headersSent) return gate.breakOff(req, refusal)
    // An answer in progress must not be cut.
    res.once('close', () => refuse(socket, refusal))
  })
}

/**
 * The exchanges of a connection that have not ended, in their order: a client may send requests without
 * waiting for answers. When the connection closes, they all end, also those whose turn has not come.
 */
function openExchanges(server: Server): (socket: Duplex) => ReadonlySet<Exchange> {
  const none: ReadonlySet<Exchange> = new Set()
  const all = new WeakMap<Duplex, Set<Exchange>>()

  const opened = (socket: Duplex): Set<Exchange> => {
    const open = new Set<Exchange>()
    all.set(socket, open)
    socket.once('close', () => {
      for (const { res } of open) endUnsent(res)
    })
    return open
  }
  const remember = (req: IncomingMessage, res: ServerResponse): void => {
    const open = all.get(req.socket) ?? opened(req.socket)
    const exchange = { req, res }
    open.add(exchange)
    res.once('close', () => open.delete(exchange))
  }
  server.on('request', remember)
  server.on('checkExpectation', remember)
  return (socket) => all.get(socket) ?? none
}

/**
 * Tells a response that its connection has closed. Node tells none that waits for its turn: after a CONNECT,
 * and in older versions (22.19, for one) never.
 */
function endUnsent(res: ServerResponse): void {
  res.destroy()
  process.nextTick(() => res.closed || res.emit('close'))
}
