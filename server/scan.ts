/** Reads through a JSON text before it is parsed. */

/** How many values a text may have, and how deeply they may be nested. */
export interface Bounds {
  readonly maxValues: number
  readonly maxDepth: number
}

export interface Scan {
  /** Reads on to a position; false once the text is over a limit. */
  readonly advance: (end: number) => boolean
  /** An upper bound of the number of values so far. */
  readonly values: () => number
  /** The start and the end of each list or object at `level`, one after the other. */
  readonly pieces: readonly number[]
}

/** The level of a child in the request of a hook: {"children": {"Job.batch/v1": {"name": {…}}}}. */
export const level = 4

/**
 * Values are counted before they are parsed: JSON.parse makes 300 MiB of the 2 million empty objects in
 * a body of 7 MiB.
 */
export function scanOf(text: Buffer, { maxValues, maxDepth }: Bounds): Scan {
  const pieces: number[] = []
  let state = { at: 0, values: 1, depth: 0, start: 0 }
  const advance = (end: number): boolean => {
    // Local variables, because every byte goes through this loop.
    let { at, values, depth, start } = state
    for (; at < end && values <= maxValues && depth <= maxDepth; at++) {
      const sign = text[at]
      if (sign === quote) at = endOfString(text, at)
      else if (sign === comma) values++
      else if (sign === openList || sign === openMap) {
        values++
        if (++depth === level) start = at
      } else if (sign === closeList || sign === closeMap) {
        if (depth-- === level) pieces.push(start, at + 1)
      }
    }
    state = { at, values, depth, start }
    return values <= maxValues && depth <= maxDepth
  }
  return { advance, values: () => state.values, pieces }
}

const [quote, comma, backslash] = [0x22, 0x2c, 0x5c]
const [openList, closeList, openMap, closeMap] = [0x5b, 0x5d, 0x7b, 0x7d]

function endOfString(text: Buffer, start: number): number {
  let at = start + 1
  while (at < text.length && text[at] !== quote) at += text[at] === backslash ? 2 : 1
  return at
}
