import { readFileSync } from 'node:fs'

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
