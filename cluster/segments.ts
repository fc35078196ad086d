/**
 * What may not be part of a path of the API server. In a URL, `..` is the folder above: a request about an
 * object would become one about something else.
 */

const notBe: readonly string[] = ['.', '..']
const notContain: readonly string[] = ['/', '%']

/** Why a word is no name of a `what`, as kubectl says it; undefined if it may be one. */
export function wrongSegment(what: 'resource name' | 'namespace', word: string) {
  const faults = notBe.includes(word)
    ? [`may not be '${word}'`]
    : notContain
        .filter((piece) => word.includes(piece))
        .map((piece) => `may not contain '${piece}'`)
  return faults.length ? `invalid ${what} "${word}": [${faults.join(' ')}]` : undefined
}
