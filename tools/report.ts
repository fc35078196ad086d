import { writeFileSync } from 'node:fs'
import { cleaned } from './redact.ts'

/** The termination message: what the hooks read of a container, and a person in `kubectl describe`. */
const path = process.env.TERMINATION_MESSAGE_PATH ?? '/dev/termination-log'

/** The kubelet reads 4096 bytes. */
const limit = 4096

function write(message: string): void {
  try {
    // The kubelet has made the file; where it is not, there is nobody to read it.
    writeFileSync(path, Buffer.from(message).subarray(-limit), { flag: 'r+' })
  } catch {
    // Outside of a container there is none; what matters is in the log too.
  }
}

/** One sentence for every tool that meets it. */
export const diskFull = 'the disk is full: ask for more in spec.resources.disk'

export function report(result: unknown): void {
  // Our own digests and numbers are not cleaned: the hooks parse them.
  const text = typeof result === 'string' ? cleaned(result) : JSON.stringify(result)
  console.log(text)
  write(text)
}

/** Says why, and ends the program with 1. */
export function fail(error: unknown): void {
  const isFull = (error as NodeJS.ErrnoException | undefined)?.code === 'ENOSPC'
  const message = cleaned(
    isFull ? diskFull : error instanceof Error ? error.message : String(error),
  )
  console.error(message)
  write(message)
  process.exitCode = 1
}
