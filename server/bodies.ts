import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { createGunzip, createInflate } from 'node:zlib'
import type { NextFunction, Request, RequestHandler, Response } from 'express'
import { fail } from './fail.ts'
import { parseInSteps, scanInSteps } from './largejson.ts'
import { type Bounds, scanOf } from './scan.ts'

/**
 * Reads the bodies of requests, instead of Express: any client in the cluster network may send many at
 * once, and slowly. Their total size is limited, and so is the memory that JSON.parse needs for each:
 *
 *     received ──▶ weighed ──▶ scanned ──▶ parsed ──▶ handled, response sent
 *
 * Large bodies are scanned and parsed in steps, one body after the other.
 *
 * When the limit is reached, the largest body that is still being read is refused. So a body that
 * stalls does not block others for long, and a small one is always read.
 */

/** Not counted for each body, so that small bodies are always read; connections have their own limit. */
const freeBytes = 32 * 1024
/** The memory of a parsed value, in addition to its bytes. */
const bytesOfValue = 64

/** From this size on, a body is read in steps. */
const largeBytes = 1024 * 1024

/** How large a body may be, how many values it may have, and how deeply they may be nested. */
export interface Shape extends Bounds {
  readonly maxMebibytes: number
  /** A smaller body cannot become large in memory, so it is not scanned. */
  readonly scannedFrom: number
}

interface Body {
  weight: number
  readonly refuse: (code: number, message: string) => void
}

type Answer = (body: unknown, req: Request, res: Response) => void | Promise<void>

/** Sets one limit for all bodies of a server; returns a function that reads the bodies of a route. */
export function bodies(maxBytes = 64 * 1024 * 1024) {
  const reading = new Set<Body>()
  let inProgress = 0
  /** The large bodies before the next one. */
  let turn: Promise<void> = Promise.resolve()

  const counted = (weight: number): number => Math.max(0, weight - freeBytes)
  const weigh = (body: Body, weight: number): void => {
    inProgress += counted(weight) - counted(body.weight)
    body.weight = weight
  }
  const largest = (): Body | undefined => {
    let found: Body | undefined
    for (const body of reading) if (body.weight > (found?.weight ?? 0)) found = body
    return found
  }
  /** Whether there is room for a body, after refusing larger ones, the largest first. */
  const hasRoom = (body: Body): boolean => {
    while (inProgress > maxBytes && counted(body.weight) > 0) {
      const other = largest()
      if (!other || other === body) return false
      other.refuse(429, tooMuch)
    }
    return true
  }

  return (shape: Shape, answer: Answer): RequestHandler =>
    (req, res, next) => {
      const refusal = refusalOf(req, shape)
      if (refusal) return fail(res, ...refusal)
      const sent = inflated(req)
      let chunks: Buffer[] = []
      let received = 0
      let isRefused = false
      let isSettled = false
      let isClosed = false
      const release = (): void => {
        reading.delete(body)
        chunks = []
        weigh(body, 0)
      }
      /** The memory counts as free once the request is handled and its response is sent or aborted. */
      const releaseIfDone = (): void => {
        if (isSettled && isClosed) release()
      }
      const body: Body = {
        weight: 0,
        refuse: (code, message) => {
          isRefused = true
          release()
          // The rest is read and discarded, so that the sender gets the response.
          if (sent !== req) req.unpipe().resume()
          if (isClosed || res.headersSent) return
          if (code === 429) res.set('Retry-After', '1')
          fail(res, code, message)
        },
      }
      reading.add(body)
      res.on('close', () => {
        isClosed = true
        // The client has disconnected before the end of its body.
        if (reading.has(body)) body.refuse(400, unfinished)
        releaseIfDone()
      })
      sent.on('data', (chunk: Buffer) => {
        if (isRefused) return
        received += chunk.length
        if (received > maxBytesOf(shape)) return body.refuse(413, tooLarge(shape))
        chunks.push(chunk)
        weigh(body, received)
        if (!hasRoom(body)) body.refuse(429, tooMuch)
      })
      sent.on('error', () => body.refuse(400, unfinished))
      sent.on('end', () => {
        if (isRefused) return
        reading.delete(body)
        const bytes = Buffer.concat(chunks, received)
        chunks = []
        const scan = scanOf(bytes, shape)
        const done = (): void => {
          isSettled = true
          releaseIfDone()
        }
        const isAccepted = (isWithinBounds: boolean): boolean => {
          if (!isWithinBounds) body.refuse(413, tooMany(shape))
          else {
            weigh(body, received + scan.values() * bytesOfValue)
            if (hasRoom(body)) return true
            body.refuse(429, tooMuch)
          }
          return false
        }
        const unparsable = (error: unknown): void => {
          done()
          fail(res, 400, `the body is no JSON: ${(error as Error).message}`)
        }
        const handle = (parsed: unknown) => answered(answer, parsed, req, res, next, done)
        if (received >= largeBytes) {
          turn = turn
            .then(async () => {
              if (!isAccepted(await scanInSteps(bytes, scan))) return
              await parseInSteps(bytes, scan).then(handle, unparsable)
            })
            .catch(next)
          return
        }
        if (!isAccepted(received <= shape.scannedFrom || scan.advance(received))) return
        let parsed: unknown
        try {
          parsed = JSON.parse(bytes.toString())
        } catch (error) {
          return unparsable(error)
        }
        handle(parsed)
      })
    }
}

/** Passes errors on to Express, synchronous or not. */
function answered(
  answer: Answer,
  parsed: unknown,
  req: Request,
  res: Response,
  next: NextFunction,
  done: () => void,
): void {
  try {
    const later = answer(parsed, req, res)
    if (later) later.catch(next).finally(done)
    else done()
  } catch (error) {
    done()
    next(error)
  }
}

const unfinished = 'the body cannot be read to its end'
const maxBytesOf = ({ maxMebibytes }: Shape): number => maxMebibytes * 1024 * 1024
const tooLarge = ({ maxMebibytes }: Shape): string => `the body is larger than ${maxMebibytes} MiB`
const tooMuch = 'the bodies under way exceed the memory for them: ask again in a second'
const tooMany = ({ maxValues, maxDepth }: Shape): string =>
  `the body holds more than ${maxValues} values, or is nested more than ${maxDepth} deep`

/** Why a body is refused before it is read; undefined if it is not. */
function refusalOf(
  { headers }: Request,
  shape: Shape,
): [code: number, message: string] | undefined {
  const type = headers['content-type'] ?? ''
  // A request without a Content-Type is refused: curl's default is a form.
  if (!/^application\/json\s*(;|$)/i.test(type))
    return [415, `the body must be application/json, not ${type.slice(0, 100) || 'untyped'}`]
  const encoding = encodingOf(headers)
  if (!Object.hasOwn(inflaters, encoding) && encoding !== 'identity')
    return [415, `the body may be compressed by gzip or deflate, not ${encoding.slice(0, 100)}`]
  const declared = Number(headers['content-length'] ?? 0)
  return declared > maxBytesOf(shape) ? [413, tooLarge(shape)] : undefined
}

const encodingOf = (headers: IncomingHttpHeaders): string =>
  (headers['content-encoding'] ?? 'identity').toLowerCase()

const inflaters: Readonly<Record<string, () => Readable & NodeJS.WritableStream>> = {
  gzip: () => createGunzip(),
  deflate: () => createInflate(),
}

/** The decompressed body, so that a small body is counted by the size that it inflates to. */
const inflated = (req: Request): Readable => {
  const inflater = inflaters[encodingOf(req.headers)]?.()
  return inflater ? (req.pipe(inflater) as Readable) : req
}
