import { createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { boundConnections } from '../cluster/connections.ts'
import { type Attempt, attemptIn, attemptToken, type Reporting } from '../hooks/progress/address.ts'
import { reportIn } from '../hooks/progress/report.ts'
import { latestIn } from './filewatch.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { Pods } from './pods.ts'
import type { Reports } from './reports.ts'
import { isOneOf, tokensIn } from './token.ts'

/**
 * The address to which work reports its progress: plain HTTP on a port of its own that serves nothing else,
 * so that a line of shell in any image can use it, and no client of it can reach a hook.
 */

export interface ProgressOptions {
  readonly keys: () => readonly string[]
  readonly reports: Reports
  /** Whether a Pod of the attempt works; if absent, that is not known. */
  readonly isUnderWay?: (attempt: Attempt) => boolean
  readonly metrics: Pick<Metrics, 'reports'>
}

/** Not the tokens themselves: what one of them signs never helps to guess it. */
const keyOf = (token: string): string =>
  createHmac('sha256', token).update('addresses of progress').digest('hex')

/** The keys of addresses, from the tokens of the hooks; the first one signs, each is accepted. */
export function keysFrom(file: string, log: Log) {
  const read = (from: string) => tokensIn(from).map(keyOf)
  return latestIn({ file, what: 'keys', of: 'the addresses of progress', read }, log)
}

/** What the hooks need to know; `keys` are never empty. */
export const reportingAt = (url: string, keys: () => readonly string[]) => (): Reporting => ({
  url,
  key: keys()[0] ?? '',
})

/** Whether a Pod of the attempt exists that has not ended. A server that does not know its Pods cannot tell. */
export const underWayAmong =
  (pods: Pick<Pods, 'of' | 'isCurrent'>) =>
  ({ uid, job }: Attempt): boolean =>
    !pods.isCurrent() ||
    pods.of({ metadata: { uid } }).some(({ metadata, status }) => {
      const { phase } = (status ?? {}) as { readonly phase?: string }
      const isEnded = phase === 'Succeeded' || phase === 'Failed'
      return metadata.labels?.['batch.kubernetes.io/job-name'] === job && !isEnded
    })

const example = '{"step": 450, "of": 1000, "metrics": {"loss": 0.51}}'

/** The largest body. */
const largest = 4096

type Refusal = readonly [code: number, message: string]

const refusals = {
  path: [404, 'no such path: POST to the address in SUBSTRATUS_PROGRESS_URL'],
  method: [405, `POST a report to this address, for instance ${example}`],
  token: [401, 'the address has a wrong token: use SUBSTRATUS_PROGRESS_URL as it is'],
  former: [409, 'no Pod of this attempt is at work: each attempt has an address of its own'],
  fast: [429, 'one report a second is enough, and this one came earlier: drop it'],
  large: [413, `a report has at most ${largest} bytes`],
} as const satisfies Record<string, Refusal>

/** Answers one request. What costs least is checked first. */
export const progressHandler = (options: ProgressOptions) => {
  const answer = (res: ServerResponse, code: number, message?: string): void => {
    options.metrics.reports.inc({ code })
    res.statusCode = code
    if (code === 429) res.setHeader('Retry-After', '1')
    if (code === 405) res.setHeader('Allow', 'POST')
    if (code !== 200 && !isSoonRead(res.req)) res.setHeader('Connection', 'close')
    res.setHeader('Content-Type', message ? 'text/plain; charset=utf-8' : 'application/json')
    res.end(message ? `${message}\n` : '{}\n')
  }
  return (req: IncomingMessage, res: ServerResponse): void => {
    const attempt = attemptIn(req.url ?? '')
    const refusal = refusalOf(req, attempt, options)
    if (refusal || !attempt) {
      answer(res, ...(refusal ?? refusals.path))
      req.resume()
      return
    }
    read(req, (body) => {
      if (body === undefined) return answer(res, ...refusals.large)
      const report = reportIn(body)
      if (typeof report === 'string') return answer(res, 400, report)
      options.reports.put(attempt, report)
      answer(res, 200)
    })
  }
}

/** Whether the rest of a refused body is worth reading, so that its sender sees the response. */
const isSoonRead = ({ headers }: IncomingMessage): boolean =>
  Number(headers['content-length']) <= 16 * largest

function refusalOf(
  req: IncomingMessage,
  attempt: ReturnType<typeof attemptIn>,
  { keys, isUnderWay, reports }: ProgressOptions,
): Refusal | undefined {
  if (!attempt) return refusals.path
  const accepts = isOneOf(keys().map((key) => attemptToken(key, attempt)))
  if (!accepts(attempt.token)) return refusals.token
  if (req.method !== 'POST') return refusals.method
  if (isUnderWay && !isUnderWay(attempt)) return refusals.former
  if (!reports.admit(attempt)) return refusals.fast
  return Number(req.headers['content-length']) > largest ? refusals.large : undefined
}

/** The body as text; undefined if it is too large. A request that is cut off is never answered. */
function read(req: IncomingMessage, done: (body: string | undefined) => void): void {
  const chunks: Buffer[] = []
  let bytes = 0
  req.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > largest) {
      req.removeAllListeners('data').removeAllListeners('end').resume()
      done(undefined)
    } else chunks.push(chunk)
  })
  req.on('end', () => done(Buffer.concat(chunks).toString('utf8')))
}

/** Reports are short, and their senders are many. */
const timeouts = { connectionsCheckingInterval: 1000, headersTimeout: 5000, requestTimeout: 5000 }
const keepAliveMilliseconds = 20_000
const maxConnections = 10_000
/** A Pod needs one; behind the same address may be all Pods of a node. */
const maxFromOne = 512
/**
 * A Service chooses a replica for each connection. If a connection stayed open, a single replica would receive
 * all reports of a program, while Metacontroller might ask another one.
 */
const oldMilliseconds = 10_000

export function progressServer(
  handler: ReturnType<typeof progressHandler>,
  most = maxConnections,
  old = oldMilliseconds,
): Server {
  const since = new WeakMap<Socket, number>()
  const server = createServer(timeouts, (req, res) => {
    if (performance.now() - (since.get(req.socket) ?? 0) >= old)
      res.setHeader('Connection', 'close')
    handler(req, res)
  })
  server.keepAliveTimeout = keepAliveMilliseconds
  server.timeout = keepAliveMilliseconds
  boundConnections(server, most)
  const open = new Map<string, number>()
  server.on('connection', (socket: Socket) => {
    since.set(socket, performance.now())
    const remote = String(socket.remoteAddress)
    const count = (open.get(remote) ?? 0) + 1
    open.set(remote, count)
    socket.on('close', () => {
      const left = (open.get(remote) ?? 1) - 1
      if (left) open.set(remote, left)
      else open.delete(remote)
    })
    if (count > maxFromOne) socket.destroy()
  })
  return server
}
