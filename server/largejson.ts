import { setImmediate } from 'node:timers/promises'
import { level, type Scan } from './scan.ts'

/**
 * Scans and parses a large JSON text in steps, between which the server handles other requests: parsing
 * 5 MiB of Jobs in one go would hold up everybody's `kubectl apply` for 40 ms. Each child is parsed by
 * itself. In the frame, a list with its number stands for it:
 *
 *     {"children": {"Job.batch/v1": {"a": {…}, "b": {…}}}}
 *     {"children": {"Job.batch/v1": {"a": [0], "b": [1]}}}
 */

/** How long the server is busy with a step, about. */
const stepMilliseconds = 4
const stepBytes = 256 * 1024

/** More than any object has children: so many small pieces would take longer than the whole. */
const mostPieces = 20_000

/** Scans to the end; false if the text is over a limit. */
export async function scanInSteps(text: Buffer, scan: Scan): Promise<boolean> {
  for (let end = stepBytes; end < text.length; end += stepBytes) {
    if (!scan.advance(end)) return false
    await setImmediate()
  }
  return scan.advance(text.length)
}

/**
 * The value of a text that was scanned to its end.
 * @throws SyntaxError if it is no JSON.
 */
export async function parseInSteps(text: Buffer, { pieces }: Scan): Promise<unknown> {
  if (pieces.length / 2 > mostPieces) return JSON.parse(text.toString())
  const values: unknown[] = []
  const frame: string[] = []
  let last = 0
  let began = performance.now()
  for (let at = 0; at < pieces.length; at += 2) {
    const [start = 0, end = 0] = [pieces[at], pieces[at + 1]]
    frame.push(text.toString('utf8', last, start), `[${values.length}]`)
    values.push(JSON.parse(text.toString('utf8', start, end)))
    last = end
    if (performance.now() - began < stepMilliseconds) continue
    await setImmediate()
    began = performance.now()
  }
  frame.push(text.toString('utf8', last))
  await setImmediate()
  const body: unknown = JSON.parse(frame.join(''))
  restore(body, values, 1)
  return body
}

/** Puts the values back: whatever is a list or an object at their level stands for one. */
function restore(container: unknown, values: readonly unknown[], depth: number): void {
  if (typeof container !== 'object' || container === null) return
  const entries = container as Record<string, unknown>
  for (const key of Object.keys(entries)) {
    const inner = entries[key]
    if (depth < level - 1) restore(inner, values, depth + 1)
    // The key exists, so that even "__proto__" is only a key.
    else if (Array.isArray(inner)) entries[key] = values[inner[0]]
  }
}
