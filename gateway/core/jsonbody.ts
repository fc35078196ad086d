import { hashOf } from './hash.ts'
import type { Lora } from './servers.ts'

/** A JSON body: the model that it names, that name replaced, and the beginning of its conversation. */

interface Named {
  readonly model: string | undefined
  /** The hash of the conversation's first messages; undefined if there is no conversation. */
  readonly key: number | undefined
}

interface Fields {
  readonly model?: unknown
  readonly messages?: unknown
  readonly prompt?: unknown
  readonly instructions?: unknown
  readonly input?: unknown
}

/** Reads a body; a string says what is wrong with it. */
export function readJson(body: Buffer, path: string): Named | string {
  if (hasTooManyParts(body))
    return `the body has more than ${mostParts} objects, lists and keys together`
  let value: unknown
  try {
    value = JSON.parse(body.toString())
  } catch (error) {
    return `the body is not JSON: ${error instanceof Error ? error.message : error}`
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return 'the body is not a JSON object'
  const { model, ...fields } = value as Fields
  if (model !== undefined && typeof model !== 'string') return '"model" is not a string'
  return { model, key: keyOf(fields, path) }
}

/** How much of each message decides: enough to tell conversations apart. */
const longest = 1024

function keyOf(
  { messages, prompt, instructions, input }: Fields,
  path: string,
): number | undefined {
  const beginning = path.endsWith('/responses') ? [instructions, input] : [messages ?? prompt]
  if (beginning.every((part) => part === undefined)) return undefined
  return hashOf(beginning.map(beginningOf).join('\n'))
}

/** A text, or the messages up to the first of the user: a conversation grows behind that one. */
function beginningOf(part: unknown): string {
  if (!Array.isArray(part)) return wordsOf(part)
  const first = part.findIndex((message) => message?.role === 'user')
  return part
    .slice(0, first + 1 || 1)
    .map((message) => `${message?.role}: ${wordsOf(message?.content ?? message)}`)
    .join('\n')
}

function wordsOf(value: unknown): string {
  if (typeof value === 'string') return value.slice(0, longest)
  try {
    return (JSON.stringify(value) ?? '').slice(0, longest)
  } catch {
    // What is nested very deeply can be read, and not be written again.
    return ''
  }
}

/**
 * The body with another model, and every other byte as it was: what JSON.stringify writes may differ, as in
 * large integers. Servers differ in which of two equal keys they read, so each is replaced.
 */
export function withModel(body: Buffer, model: string): Buffer {
  return replaced(body, valuesOf(body, 'model'), model)
}

/** The body with the field `lora`, in place of its own. */
export function withLora(body: Buffer, lora: Lora): Buffer {
  const found = valuesOf(body, 'lora', true)
  if (found.length) return replaced(body, found, lora)
  const begin = body.indexOf('{') + 1
  // A body that names a model has another field, so that a comma may follow.
  const field = Buffer.from(`"lora":${JSON.stringify(lora)},`)
  return Buffer.concat([body.subarray(0, begin), field, body.subarray(begin)])
}

function replaced(body: Buffer, spans: readonly Span[], by: unknown): Buffer {
  const value = Buffer.from(JSON.stringify(by))
  const parts: Buffer[] = []
  let written = 0
  for (const { from, to } of spans) {
    parts.push(body.subarray(written, from), value)
    written = to
  }
  return Buffer.concat([...parts, body.subarray(written)])
}

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a]
const [open, close] = [
  [0x7b, 0x5b],
  [0x7d, 0x5d],
]

interface Span {
  readonly from: number
  readonly to: number
}

/**
 * JSON.parse makes a value of each, of up to a hundred bytes where the body has two or three: 32 MiB of them
 * would take all memory of the gateway. Numbers and texts take little more than they do in the body.
 */
const mostParts = 500_000

function hasTooManyParts(body: Buffer): boolean {
  if (body.length <= mostParts) return false
  let parts = 0
  let at = 0
  while (at < body.length && parts <= mostParts) {
    const byte = body[at] as number
    if (byte === colon || open.includes(byte)) parts++
    at = byte === quote ? endOfString(body, at) : at + 1
  }
  return parts > mostParts
}

/**
 * Where the values of a key of the outermost object are: only strings, because readJson refuses another value
 * for the model that counts, or `any` values. The body must be JSON.
 */
function valuesOf(body: Buffer, key: string, any = false): readonly Span[] {
  const found: Span[] = []
  let depth = 0
  let isKey = false
  let at = 0
  while (at < body.length) {
    const byte = body[at] as number
    if (byte === quote) {
      const end = endOfString(body, at)
      if (depth === 1 && isKey && JSON.parse(body.subarray(at, end).toString()) === key) {
        const from = valueAfter(body, end)
        if (body[from] === quote) found.push({ from, to: endOfString(body, from) })
        else if (any) {
          const to = endOfValue(body, from)
          found.push({ from, to })
          at = to
          isKey = false
          continue
        }
      }
      isKey = false
      at = end
      continue
    }
    if (open.includes(byte)) isKey = ++depth === 1
    else if (close.includes(byte)) depth--
    else if (byte === comma) isKey = depth === 1
    at++
  }
  return found
}

/** Behind the closing quote. */
function endOfString(body: Buffer, from: number): number {
  let at = from + 1
  while (at < body.length && body[at] !== quote) at += body[at] === backslash ? 2 : 1
  return at + 1
}

/** Behind a value that is no string. */
function endOfValue(body: Buffer, from: number): number {
  let depth = 0
  let at = from
  while (at < body.length) {
    const byte = body[at] as number
    if (depth === 0 && (byte === comma || close.includes(byte))) return at
    if (open.includes(byte)) depth++
    else if (close.includes(byte) && --depth === 0) return at + 1
    at = byte === quote ? endOfString(body, at) : at + 1
  }
  return at
}

function valueAfter(body: Buffer, from: number): number {
  let at = from
  while (at < body.length && (body[at] === colon || (body[at] as number) <= 0x20)) at++
  return at
}
