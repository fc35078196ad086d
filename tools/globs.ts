/**
 * The patterns of spec.files for rclone. They mean the same as in Python's fnmatch, which the hub's
 * client uses: "*" is any characters, "/" too, "?" is one, "[ab]" one of these and "[!ab]" any other.
 */

/** A `[` up to its `]`; without the `]`, it is an ordinary character. */
const set = /^\[(!|(?!!))(\]?[^\]]+|\])\]/

const literal = (char: string): string => char.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')

/** The pattern as a regular expression, in the syntax of Go and of JavaScript. */
export function expressionOf(glob: string): string {
  let rest = glob.endsWith('/') ? `${glob}*` : glob
  let expression = ''
  while (rest) {
    const [whole, not, chars = ''] = set.exec(rest) ?? []
    const char = [...rest][0] ?? ''
    if (whole) expression += `[${not ? '^' : ''}${chars.replace(/[\\^[\]{}]/g, '\\$&')}]`
    else expression += char === '*' ? '.*' : char === '?' ? '.' : literal(char)
    rest = rest.slice(whole?.length ?? char.length)
  }
  return expression
}

const isExcluded = (pattern: string): boolean => pattern.startsWith('!')

/** The patterns that must match at least one file. */
export const chosenIn = (patterns: readonly string[]): readonly string[] =>
  patterns.filter((pattern) => !isExcluded(pattern))

/** rclone's rules: the first that matches decides. */
export function filtersOf(patterns: readonly string[]): readonly string[] {
  const chosen = chosenIn(patterns)
  const rule = (sign: '+' | '-', glob: string) => `--filter=${sign} /{{${expressionOf(glob)}}}`
  return [
    ...patterns.filter(isExcluded).map((pattern) => rule('-', pattern.slice(1))),
    ...chosen.map((pattern) => rule('+', pattern)),
    ...(chosen.length ? ['--filter=- *'] : []),
  ]
}
