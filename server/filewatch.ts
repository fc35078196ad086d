import { readFileSync } from 'node:fs'
import type { Log } from './log.ts'

const everyMilliseconds = 1000

const contentOf = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // In between, as while a link is replaced; the next look sees it.
    return ''
  }
}

/**
 * Calls back when one of the files holds something else. By looking, not by events: a mounted Secret
 * changes by a symbolic link two folders above, of which the file itself hears nothing.
 */
export function follow(files: readonly string[], changed: () => void): () => void {
  let known = files.map(contentOf)
  const timer = setInterval(() => {
    const now = files.map(contentOf)
    if (now.every((content, index) => content === known[index])) return
    known = now
    changed()
  }, everyMilliseconds)
  timer.unref()
  return () => clearInterval(timer)
}

/** The secrets of a file, and what they are, for the log. */
interface Secrets<T> {
  readonly file: string
  readonly what: string
  readonly of: string
  readonly read: (file: string) => T
}

/** What the file says now. While new secrets are unusable, the old ones stay. */
export function latestIn<T>({ file, what, of, read }: Secrets<T>, log: Log) {
  let latest = read(file)
  const stop = follow([file], () => {
    try {
      latest = read(file)
      log.info({ file }, `read the changed ${what} of ${of}`)
    } catch (error) {
      log.error({ err: error, file }, `the changed ${what} are unusable, the old ones stay`)
    }
  })
  return { latest: () => latest, stop }
}
