import { cutAt, onOneLine } from '../crds/text.ts'

/**
 * What the API server passes on to clients. It drops a warning that has line feeds. If all warnings of a
 * request have more than 4096 characters, it cuts each to 256 and drops those that do not fit.
 */
const longestOfMany = 256
const longestTogether = 4096

/** The warnings of a response, so that nothing is lost without a word; they quote text of other objects. */
export function passedOn(warnings: readonly string[]): readonly string[] {
  const all = warnings.map(onOneLine)
  if (lengthOf(all) <= longestTogether) return all
  const short = all.map((warning) => cutAt(warning, longestOfMany - '…'.length))
  const room = longestTogether - lengthOf([more(all.length)])
  let fitting = 0
  while (fitting < short.length && lengthOf(short.slice(0, fitting + 1)) <= room) fitting++
  return fitting === short.length
    ? short
    : [...short.slice(0, fitting), more(short.length - fitting)]
}

const lengthOf = (warnings: readonly string[]): number =>
  warnings.reduce((sum, { length }) => sum + length, 0)

const more = (count: number): string => `and ${count} more`
