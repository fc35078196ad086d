/** The first lines of an error and its cause; the rest is for a debugger. */
export const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ''
  return `${error.message}${cause}`.split('\n').slice(0, 3).join(' ')
}
