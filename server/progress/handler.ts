import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Attempt, attemptIn, isSigned } from '../../hooks/progress/address.ts'
import { reportIn } from '../../hooks/progress/report.ts'
import type { Attempts } from './attempts.ts'

/** Answers those who report their progress. */

export interface Receiving {
  readonly keys: () => readonly string[]
  readonly attempts: Pick<Attempts, 'admit' | 'put'>
  /** Whether a Pod of the attempt works. */
  readonly isUnderWay: (attempt: Attempt) => boolean
  /** Called with the status code of each response. */
  readonly answered: (code: number) => void
}

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
export const progressHandler = (receiving: Receiving) => {
  const answer = (res: ServerResponse, code: number, message?: string): void => {
    receiving.answered(code)
    res.statusCode = code
    if (code === 429) res.setHeader('Retry-After', '1')
    if (code === 405) res.setHeader('Allow', 'POST')
    if (code !== 200 && !isSoonRead(res.req)) res.setHeader('Connection', 'close')
    res.setHeader('Content-Type', message ? 'text/plain; charset=utf-8' : 'application/json')
    res.end(message ? `${message}\n` : '{}\n')
  }
  return (req: IncomingMessage, res: ServerResponse): void => {
    const attempt = attemptIn(req.url ?? '')
    const refusal = refusalOf(req, attempt, receiving)
    if (refusal || !attempt) {
      answer(res, ...(refusal ?? refusals.path))
      req.resume()
      return
    }
    read(req, (body) => {
      if (body === undefined) return answer(res, ...refusals.large)
      const report = reportIn(body)
      if (typeof report === 'string') return answer(res, 400, report)
      receiving.attempts.put(attempt, report)
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
  { keys, isUnderWay, attempts }: Receiving,
): Refusal | undefined {
  if (!attempt) return refusals.path
  if (!isSigned(attempt, keys())) return refusals.token
  if (req.method !== 'POST') return refusals.method
  if (!isUnderWay(attempt)) return refusals.former
  if (!attempts.admit(attempt)) return refusals.fast
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
