/**
 * What may not become a segment of an API path. In a URL, `..` is the parent folder: a request about an object
 * would become a request about something else.
 */

const notBe: readonly string[] = ['.', '..']
const notContain: readonly string[] = ['/', '%']

/** Why a word cannot be a `what`, in kubectl's words; undefined if it can. */
export function wrongSegment(what: 'resource name' | 'namespace', word: string) {
  const faults = notBe.includes(word)
    ? [`may not be '${word}'`]
    : notContain
        .filter((piece) => word.includes(piece))
        .map((piece) => `may not contain '${piece}'`)
  return faults.length ? `invalid ${what} "${word}": [${faults.join(' ')}]` : undefined
}
