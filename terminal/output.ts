import { failureOf } from './failure.ts'

/** What becomes of a command whose output cannot be written. */

/** Without a listener, the first failed write would end the process with a stack trace. */
export function watchOutput(): void {
  process.stdout.on('error', outputFailed)
  // An error there cannot be reported anywhere.
  process.stderr.on('error', () => {})
}

/**
 * The reader, such as head, may have seen enough: the command continues, and its exit code stays its own.
 * A full disk must not look like success.
 */
function outputFailed(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') return
  console.error(`error: the output cannot be written: ${failureOf(error)}`)
  process.exit(1)
}

/** For a command that only prints, perhaps for ever: it is done once nobody reads it. */
export function endWithReader(): void {
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') process.exit(0)
  })
}
