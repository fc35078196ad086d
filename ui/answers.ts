import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Status } from './wire.ts'

/** How the local part answers, and reads bodies. */

export function sendJson(res: ServerResponse, code: number, value: unknown): void {
  res.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

/** A refusal in the form of the API server's own. */
export const sendStatus = (res: ServerResponse, code: number, message: string): void =>
  sendJson(res, code, { kind: 'Status', code, message } satisfies Status)

/** Bodies of the page are a line long. */
const mostBytes = 16 * 1024

/** The body as text; undefined if it is too large. */
export async function bodyOf(req: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of req as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > mostBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
