/**
 * Makes text from outside safe to show to a person. Messages from Pods, registries and Git reach
 * `kubectl get` and terminals, which interpret escape sequences and may reorder text.
 */

/** Sequences for colours and the cursor, removed as a whole: the printable rest would be noise. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it must match.
const sequences = /(?:\u001b\[|\u009b)[0-9;:?]*[A-Za-z]/g

/** Characters that move to another column or line become a space; a line feed stays. */
const spaces = /[\t\v\f\r\u0085\p{Zl}\p{Zp}]/gu

/**
 * Control characters, and all that are invisible: direction marks, zero-width characters, byte order
 * marks, tags. As a side effect, an emoji that is composed of several falls apart.
 */
const hidden = /(?!\n)[\p{Cc}\p{Default_Ignorable_Code_Point}]/gu

/** Half of a surrogate pair, which no encoding of Unicode can represent. */
const halves = /\p{Cs}/gu

/** Most texts are plain, and need no search by the five patterns. */
const isPlain = (text: string): boolean => /^[\n\x20-\x7e]*$/.test(text)

/** Removes what a terminal would interpret or a reader cannot see; line feeds stay. */
export const printable = (text: string): string =>
  isPlain(text)
    ? text
    : text
        .replaceAll('\r\n', '\n')
        .replace(sequences, '')
        .replace(spaces, ' ')
        .replace(hidden, '')
        .replace(halves, '\ufffd')

/** The same, on one line: text from outside cannot begin a line that looks like ours. */
export const onOneLine = (text: string): string => printable(text).replace(/\s+/g, ' ').trim()

/**
 * Writes the same characters as YAML escapes for a string in double quotes, so that a program that
 * reads the YAML loses nothing.
 */
export const escaped = (text: string): string =>
  text.replace(/(?![\n\t])[\p{Cc}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, (found) => {
    const code = (found.codePointAt(0) ?? 0).toString(16)
    return found.length > 1 ? `\\U${code.padStart(8, '0')}` : `\\u${code.padStart(4, '0')}`
  })

/** At most `longest` units, and an ellipsis if there were more; a surrogate pair stays whole. */
export const cutAt = (text: string, longest: number): string =>
  text.length > longest ? `${text.slice(0, longest).replace(/\p{Cs}$/u, '')}…` : text
