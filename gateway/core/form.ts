/**
 * Finds the field `model` of a multipart form that arrives in pieces, wherever it is: clients may send it
 * behind a large file. The form is not kept here.
 */

export interface ModelField {
  readonly model: string
  /** Where its value is in the form. */
  readonly from: number
  readonly to: number
}

export interface FormReader {
  /** Reads the next piece. */
  readonly read: (piece: Buffer) => void
  /** At the end of the form: the field, undefined if there is none, or what is wrong. */
  readonly end: () => ModelField | undefined | string
}

const mostHeaderBytes = 16_384
const mostValueBytes = 1024

/** The boundary in a Content-Type; undefined if it has none that is allowed. */
export const boundaryIn = (contentType: string): string | undefined =>
  /;\s*boundary=(?:"([^"\r\n]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType)?.slice(1).find(Boolean)

type Place = 'between parts' | 'delimiter' | 'headers' | 'model' | 'end'

export function formReader(boundary: string): FormReader {
  const delimiter = Buffer.from(`\r\n--${boundary}`)
  // As if a line had ended before the form: its first delimiter needs no line break.
  let rest: Buffer = Buffer.from('\r\n')
  /** Where `rest` begins in the form. */
  let start = -2
  let place: Place = 'between parts'
  let found: ModelField | undefined
  let wrong: string | undefined

  const take = (bytes: number): void => {
    rest = rest.subarray(bytes)
    start += bytes
  }

  /** Each goes on from what is there, and returns false if it needs more. */
  const steps: Readonly<Record<Place, () => boolean>> = {
    'between parts': () => {
      const at = rest.indexOf(delimiter)
      take(at < 0 ? Math.max(0, rest.length - delimiter.length + 1) : at + delimiter.length)
      if (at >= 0) place = 'delimiter'
      return at >= 0
    },
    delimiter: () => {
      if (rest.length < 2) return false
      place = rest.subarray(0, 2).toString() === '--' ? 'end' : 'headers'
      return true
    },
    headers: () => {
      const at = rest.indexOf('\r\n\r\n')
      if (at > mostHeaderBytes || (at < 0 && rest.length > mostHeaderBytes))
        wrong = 'a part of the form has too long headers'
      if (at < 0 || wrong) return false
      place = isModel(rest.subarray(0, at).toString()) ? 'model' : 'between parts'
      // A part without content: its end follows at once.
      take(at + 4)
      return true
    },
    model: () => {
      const at = rest.indexOf(delimiter)
      if (at > mostValueBytes || (at < 0 && rest.length > mostValueBytes + delimiter.length))
        wrong = '"model" in the form is too long'
      else if (found) wrong = 'the form has more than one "model"'
      if (at < 0 || wrong) return false
      found = { model: rest.subarray(0, at).toString(), from: start, to: start + at }
      place = 'between parts'
      return true
    },
    end: () => {
      take(rest.length)
      return false
    },
  }

  return {
    read: (piece) => {
      if (wrong) return
      rest = rest.length ? Buffer.concat([rest, piece]) : piece
      while (steps[place]()) {}
    },
    end: () => wrong ?? (place === 'end' ? found : 'the form ends before its last boundary'),
  }
}

/** A file is not the field, whatever its name. */
const isModel = (headers: string): boolean =>
  /^content-disposition:[^\r\n]*;\s*name=(?:"model"|model)\s*(?:;|\r?$)/im.test(headers) &&
  !/;\s*filename\*?=/i.test(headers)
