import { eastAsianWidth } from 'get-east-asian-width'

/** How many columns of a terminal a text takes; it has no control characters (see crds/text.ts). */
export const widthOf = (text: string): number =>
  isAscii(text) ? text.length : [...text].reduce((sum, char) => sum + charWidth(char), 0)

const isAscii = (text: string): boolean => /^[\x20-\x7e]*$/.test(text)

/** An accent that is a character of its own stands above the one before it. */
const combining = /^[\p{Mn}\p{Me}]/u

const charWidth = (char: string): number =>
  combining.test(char) ? 0 : eastAsianWidth(char.codePointAt(0) ?? 0)

export const padded = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - widthOf(text)))

/** At most `width` columns; the last of them is an ellipsis if there was more. */
export function fitted(text: string, width: number): string {
  // Most lines fit: no character takes more than two columns.
  if (2 * text.length <= width || widthOf(text) <= width) return text
  let room = Math.max(0, width - 1)
  let kept = ''
  for (const char of text) {
    room -= charWidth(char)
    if (room < 0) break
    kept += char
  }
  return `${kept}…`
}
