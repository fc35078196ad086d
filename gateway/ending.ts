/** Aborts when the client goes, which it may have done before, and after this time. `stop` frees what waits for that. */
export function endingWith(gone: AbortSignal, milliseconds: number) {
  const ending = new AbortController()
  const abort = (): void => ending.abort()
  const timer = setTimeout(abort, milliseconds)
  // It may have gone while its form was still being written to disk.
  if (gone.aborted) abort()
  gone.addEventListener('abort', abort, { once: true })
  return {
    signal: ending.signal,
    stop: () => {
      clearTimeout(timer)
      gone.removeEventListener('abort', abort)
    },
  }
}
