import { printable } from '../crds/text.ts'

/**
 * The lines of a log as a terminal may show them. The kubelet puts a time before each line, by which reading
 * goes on where it was cut off.
 */

/** A program that never ends its line must not fill the memory. */
const longest = 64 * 1024

export interface LogLines {
  /** Takes the next piece, and returns the lines that are complete. */
  readonly add: (chunk: Uint8Array) => readonly string[]
  /** What is left at the end. */
  readonly end: () => readonly string[]
  /** The time of the last line, to go on from there. */
  readonly last: () => string | undefined
}

/** `after`: lines up to this time have been read before. */
export function logLines(after?: string): LogLines {
  const decoder = new TextDecoder()
  let rest = ''
  let last = after
  // A piece of a line that is too long has no time of its own, whatever the program has written there.
  let isBegun = false
  let isRepeated = false

  function shown(line: string): readonly string[] {
    const [, time, text = line] = isBegun ? [] : (timed.exec(line) ?? [])
    if (!isBegun) isRepeated = time !== undefined && after !== undefined && isNotLater(time, after)
    if (isRepeated) return []
    last = time ?? last
    // A progress bar draws over its own line again and again.
    return text
      .split('\r')
      .filter((piece, index, all) => piece || all.length === 1 || index === all.length - 1)
      .map((piece) => printable(piece.replaceAll('\t', '    ')))
      .filter((piece, index, all) => piece || all.length === 1 || index < all.length - 1)
  }

  return {
    add: (chunk) => {
      const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split('\n')
      rest = lines.pop() ?? ''
      const whole = lines.flatMap((line) => {
        const pieces = shown(line)
        isBegun = false
        return pieces
      })
      if (rest.length <= longest) return whole
      const piece = shown(rest)
      rest = ''
      isBegun = true
      return [...whole, ...piece]
    },
    end: () => {
      const left = rest
      rest = ''
      return left ? shown(left) : []
    },
    last: () => last,
  }
}

/** The kubelet's time, to a fraction of a second, and the rest. */
const timed = /^(\d{4}-\d\d-\d\dT[\d:]{8}(?:\.\d{1,9})?Z) ?(.*)$/s

/** The kubelet leaves out zeros at the end of a fraction, so the texts are not in order. */
function isNotLater(time: string, than: string): boolean {
  const [a, b] = [time, than].map((text) => {
    const [, seconds = '', fraction = ''] = /^([^.Z]*)\.?(\d*)Z$/.exec(text) ?? []
    return `${seconds}.${fraction.padEnd(9, '0')}`
  }) as [string, string]
  return a <= b
}
