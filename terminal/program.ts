import { type Command, CommanderError } from 'commander'
import { printable } from '../crds/text.ts'
import { failureOf } from './failure.ts'
import { isOldNode, oldestNode } from './oldnode.ts'
import { watchOutput } from './output.ts'
import { continuesOnOwnNode } from './ownnode.ts'
import { usageCode } from './usage.ts'

/** Runs a command line. A command that refuses its input, or fails, sets exit code 1 itself. */
export async function runProgram(program: Command): Promise<void> {
  watchOutput()
  try {
    if (!isOldNode()) await program.parseAsync()
    else if (!continuesOnOwnNode())
      throw new Error(`Node ${oldestNode} or newer is needed, and this is ${process.versions.node}`)
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : usageCode
    else {
      console.error(`error: ${printable(failureOf(error))}`)
      process.exitCode = 1
    }
  }
}
