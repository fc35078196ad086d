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

  function shown(line: string): readonly string[] {
    const [, time, text = line] = /^(\d{4}-\d\d-\d\dT\S+Z) ?(.*)$/s.exec(line) ?? []
    if (time !== undefined) {
      if (after !== undefined && isNotLater(time, after)) return []
      last = time
    }
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
      if (rest.length > longest) {
        lines.push(rest)
        rest = ''
      }
      return lines.flatMap(shown)
    },
    end: () => {
      const left = rest
      rest = ''
      return left ? shown(left) : []
    },
    last: () => last,
  }
}

/** The kubelet leaves out zeros at the end of a fraction, so the texts are not in order. */
function isNotLater(time: string, than: string): boolean {
  const [a, b] = [time, than].map((text) => {
    const [, seconds = '', fraction = ''] = /^([^.Z]*)\.?(\d*)Z$/.exec(text) ?? []
    return `${seconds}.${fraction.padEnd(9, '0')}`
  }) as [string, string]
  return a <= b
}
