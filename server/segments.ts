import { readFileSync } from 'node:fs'
import { segmentPattern } from '../webhooks/configuration.ts'
import { follow } from './follow.ts'
import type { Log } from './log.ts'
import { knows } from './token.ts'

/**
 * A secret segment in the path of admission: /admission/SEGMENT/validate. The API server has no token
 * to show, but strangers in the cluster's network do not know the path.
 */
export interface Segments {
  /** The address as routes know it, without the segment. */
  readonly unveiled: (url: string) => string
}

/** Stands for the path without a segment, while one is being introduced. */
const plain = 'plain'

/** The old one and the new one. */
const most = 2

const segment = new RegExp(`^${segmentPattern}$`)

/** However it is written; no path of ours has a percent sign. */
export const mayBeAdmission = (url: string): boolean =>
  /admission|%/i.test(url.replace(/\?.*$/, ''))

export function segmentsOf(accepted: readonly string[]): Segments {
  const isKnown = knows(accepted)
  return {
    unveiled: (url) => {
      if (!mayBeAdmission(url)) return url
      const [, given = plain, verb, query = ''] =
        /^\/admission\/(?:([^/?]+)\/)?(mutate|validate)(\?.*)?$/.exec(url) ?? []
      // What is wrong may be what was right before, or is right but for a slip.
      return verb && isKnown(given) ? `/admission/${verb}${query}` : '/unknown'
    },
  }
}

/** One segment a line, two at most. No message repeats any of them. */
export function segmentsIn(file: string): readonly string[] {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
  if (!lines.length || lines.length > most)
    throw new Error(`${file}: holds ${lines.length} segments: write one line, or two: old and new`)
  if (!lines.every((line) => line === plain || segment.test(line)))
    throw new Error(
      `${file}: a segment is 16 to 63 characters out of a-z, 0-9 and "-", beginning and ending with a letter or digit; or "${plain}" for the path without one`,
    )
  return lines
}

/** Takes the segments of a file, and its new ones once it changes, as a mounted Secret does. */
export function segmentsFrom(file: string, log: Log): Segments & { readonly stop: () => void } {
  let segments = segmentsOf(segmentsIn(file))
  const stop = follow([file], () => {
    try {
      segments = segmentsOf(segmentsIn(file))
      log.info({ file }, 'read the changed segments of admission')
    } catch (error) {
      log.error({ err: error, file }, 'the changed segments are unusable, the old ones stay')
    }
  })
  return { unveiled: (url) => segments.unveiled(url), stop }
}
