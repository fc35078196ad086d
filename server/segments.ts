import { readFileSync } from 'node:fs'
import { segmentPattern } from '../webhooks/configuration.ts'
import { latestIn } from './filewatch.ts'
import type { Log } from './log.ts'
import { isOneOf } from './token.ts'

/**
 * A secret segment in the path of admission: /admission/SEGMENT/validate. The API server presents
 * no token, but other clients in the cluster network do not know the path.
 */
export interface Segments {
  /** The URL without the segment, as the routes expect it. */
  readonly withoutSegment: (url: string) => string
}

/** Stands for the path without a segment, while one is being introduced. */
const plain = 'plain'

/** The old segment and the new one. */
const maxSegments = 2

const segment = new RegExp(`^${segmentPattern}$`)

/** Whether a URL may be admission's in any spelling; no path of ours has a percent sign. */
export const mayBeAdmission = (url: string): boolean =>
  /admission|%/i.test(url.replace(/\?.*$/, ''))

export function segmentsOf(accepted: readonly string[]): Segments {
  const isAccepted = isOneOf(accepted)
  return {
    withoutSegment: (url) => {
      if (!mayBeAdmission(url)) return url
      const [, given = plain, verb, query = ''] =
        /^\/admission\/(?:([^/?]+)\/)?(mutate|validate)(\?.*)?$/.exec(url) ?? []
      // A wrong segment may be a former one, or the right one with a typing error: never repeat it.
      return verb && isAccepted(given) ? `/admission/${verb}${query}` : '/unknown'
    },
  }
}

/** Reads one segment per line, two at most. No message repeats any of them. */
export function segmentsIn(file: string): readonly string[] {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
  if (!lines.length || lines.length > maxSegments)
    throw new Error(
      `${file}: holds ${lines.length} segments: write one line, or two for the old and the new one`,
    )
  if (!lines.every((line) => line === plain || segment.test(line)))
    throw new Error(
      `${file}: a segment is 16 to 63 characters out of a-z, 0-9 and "-", beginning and ending with a letter or digit; or "${plain}" for the path without one`,
    )
  return lines
}

/** Reads the segments of a file, and reads them again when it changes, as a mounted Secret does. */
export function segmentsFrom(file: string, log: Log): Segments & { readonly stop: () => void } {
  const read = (from: string) => segmentsOf(segmentsIn(from))
  const { latest, stop } = latestIn({ file, what: 'segments', of: 'admission', read }, log)
  return { withoutSegment: (url) => latest().withoutSegment(url), stop }
}
