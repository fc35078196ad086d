import { writeFileSync } from 'node:fs'
import { cleaned } from './redact.ts'

/** The termination message, which the hooks read, and users in `kubectl describe`. */
const path = process.env.TERMINATION_MESSAGE_PATH ?? '/dev/termination-log'

/** The kubelet reads 4096 bytes. */
const limit = 4096

function write(message: string): void {
  try {
    // The kubelet creates the file; if it does not exist, nothing would read it.
    writeFileSync(path, Buffer.from(message).subarray(-limit), { flag: 'r+' })
  } catch {
    // There is no such file outside a container; the log has the message too.
  }
}

export const diskFull = 'the disk is full: ask for more in spec.resources.disk'

export function report(result: unknown): void {
  // Our own digests and numbers are not cleaned: the hooks parse them.
  const text = typeof result === 'string' ? cleaned(result) : JSON.stringify(result)
  console.log(text)
  write(text)
}

/** The exit code of a failure that no retry would change: podFailurePolicy then fails the Job at once. */
const finalExitCode = 3

/** An error that no retry would change. */
export const finalError = (message: string): Error =>
  Object.assign(new Error(message), { exitCode: finalExitCode })

/** Reports the error, and sets the exit code. */
export function fail(error: unknown): void {
  const isFull = (error as NodeJS.ErrnoException | undefined)?.code === 'ENOSPC'
  const message = cleaned(
    isFull ? diskFull : error instanceof Error ? error.message : String(error),
  )
  console.error(message)
  write(message)
  process.exitCode = (error as { readonly exitCode?: number }).exitCode ?? 1
}
