import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { errorOf, type Refusal } from './core/refusals.ts'

/** Carries a refusal out of nested steps. */
export class Refused extends Error {
  readonly refusal: Refusal
  constructor(refusal: Refusal) {
    super(refusal.message)
    this.refusal = refusal
  }
}

/** How long a client may go on sending a body that nobody reads, so that it can read the answer. */
const patienceMilliseconds = 2000

/** Answers with an error. A body that is still arriving is dropped, and then its connection is closed. */
export function refuse(req: IncomingMessage, res: ServerResponse, refusal: Refusal): void {
  sendJson(req, res, refusal.status, errorOf(refusal), {
    ...(refusal.retryAfter && { 'retry-after': String(refusal.retryAfter) }),
    ...(refusal.status === 401 && { 'www-authenticate': 'Bearer' }),
  })
}

export function sendJson(
  req: IncomingMessage,
  res: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(body)
  if (!req.complete) res.setHeader('connection', 'close')
  res.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...headers,
  })
  if (req.complete) return void res.end(text)
  // After the end, Node closes the connection at once: a client that still sends might see a reset instead of
  // the answer.
  res.write(text)
  req.resume()
  let timer: NodeJS.Timeout | undefined
  const giveUpInTime = (): void => {
    timer = setTimeout(() => req.destroy(), patienceMilliseconds)
  }
  // Behind another answer, which the end of the connection would cut, it waits for its turn.
  if (res.socket) giveUpInTime()
  else res.once('socket', giveUpInTime)
  req.once('close', () => {
    clearTimeout(timer)
    res.off('socket', giveUpInTime)
    res.end()
  })
}

/** Answers with an error where there is no request to answer, and closes the connection. */
export function refuseRaw(socket: Duplex, refusal: Refusal): void {
  const text = JSON.stringify(errorOf(refusal))
  const head = [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(text)}`,
    'cache-control: no-store',
    'connection: close',
    '\r\n',
  ].join('\r\n')
  socket.on('error', () => {})
  socket.end(head + text)
  // Closing at once would reset the connection of a client that still sends, and it could not read the answer.
  socket.resume()
  const timer = setTimeout(() => socket.destroy(), patienceMilliseconds)
  socket.once('close', () => clearTimeout(timer))
}
