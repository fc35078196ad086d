/**
 * Text that others wrote, as it may be shown to a person: what Pods, registries and Git say reaches
 * `kubectl get` and terminals, which obey escape sequences and show text in another order than it has.
 */

/** Colours and moves of the cursor go whole: without their first character they would be noise. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const sequences = /(?:\u001b\[|\u009b)[0-9;:?]*[A-Za-z]/g

/** What moves on, to another column or line, stays a space; a line feed stays what it is. */
const spaces = /[\t\v\f\r\u0085\p{Zl}\p{Zp}]/gu

/**
 * Control characters, and whatever has no picture of its own: direction marks, zero-width characters,
 * byte order marks, tags. An emoji that was joined out of several falls apart; that is the price.
 */
const hidden = /(?!\n)[\p{Cc}\p{Default_Ignorable_Code_Point}]/gu

/** Half of a pair, which no encoding of Unicode can write. */
const halves = /\p{Cs}/gu

/** Without what a terminal obeys or a reader cannot see; line feeds stay. */
export const printable = (text: string): string =>
  text
    .replaceAll('\r\n', '\n')
    .replace(sequences, '')
    .replace(spaces, ' ')
    .replace(hidden, '')
    .replace(halves, '\ufffd')

/** The same, on one line: no text of others begins a line that looks like ours. */
export const onOneLine = (text: string): string => printable(text).replace(/\s+/g, ' ').trim()

/**
 * The same characters as the escapes that YAML has for them between double quotes: nothing is lost
 * where a program reads on.
 */
export const escaped = (text: string): string =>
  text.replace(/(?![\n\t])[\p{Cc}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, (found) => {
    const code = (found.codePointAt(0) ?? 0).toString(16)
    return found.length > 1 ? `\\U${code.padStart(8, '0')}` : `\\u${code.padStart(4, '0')}`
  })

/** At most so many characters and a mark that there were more; a pair stays whole. */
export const cutAt = (text: string, longest: number): string =>
  text.length > longest ? `${text.slice(0, longest).replace(/\p{Cs}$/u, '')}…` : text
