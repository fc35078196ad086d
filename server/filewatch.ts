import { readFileSync } from 'node:fs'
import type { Log } from './log.ts'

const everyMilliseconds = 1000

const contentOf = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // The file may be missing for a moment while a link is replaced; the next check finds it.
    return ''
  }
}

/**
 * Calls back when the content of a file changes. It polls, because a mounted Secret changes through a
 * symbolic link two folders above, which causes no event for the file itself.
 */
export function follow(files: readonly string[], changed: () => void): () => void {
  let previous = files.map(contentOf)
  const timer = setInterval(() => {
    const now = files.map(contentOf)
    if (now.every((content, index) => content === previous[index])) return
    previous = now
    changed()
  }, everyMilliseconds)
  timer.unref()
  return () => clearInterval(timer)
}

/** A file of secrets, and what to call them in the log. */
interface Secrets<T> {
  readonly file: string
  readonly what: string
  readonly of: string
  readonly read: (file: string) => T
}

/** The current secrets of a file. If changed secrets are unusable, the old ones stay in use. */
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
