import { type Command, CommanderError } from 'commander'
import { printable } from '../crds/text.ts'
import { failureOf } from './failure.ts'
import { isOldNode, oldestNode } from './oldnode.ts'
import { continuesOnOwnNode } from './ownnode.ts'
import { usageCode } from './usage.ts'

/** Runs a command line. A command that refuses its input, or fails, sets exit code 1 itself. */
export async function runProgram(program: Command): Promise<void> {
  process.stdout.on('error', outputFailed)
  try {
    if (!isOldNode()) await program.parseAsync()
    else if (!continuesOnOwnNode())
      throw new Error(`Node ${oldestNode} or newer is needed, and this is ${process.versions.node}`)
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : usageCode
    else {
      console.error(`substratus: ${printable(failureOf(error))}`)
      process.exitCode = 1
    }
  }
}

/** The reader, such as head, may have seen enough. A full disk must not look like success. */
function outputFailed(error: NodeJS.ErrnoException): never {
  if (error.code === 'EPIPE') process.exit(0)
  console.error(`error: the output cannot be written: ${failureOf(error)}`)
  process.exit(1)
}
