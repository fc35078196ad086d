import { type Command, CommanderError } from 'commander'
import { printable } from '../crds/text.ts'
import { failureOf } from './failure.ts'
import { isOldNode, oldestNode } from './oldnode.ts'

/** Exit codes: 0; 1 for input that is refused or work that failed; 2 for a wrong call. */
const wrongCall = 2

/** Runs the command that was typed; a command sets 1 itself where it refuses its input. */
export async function runProgram(program: Command): Promise<void> {
  try {
    if (isOldNode())
      throw new Error(`Node ${oldestNode} or newer is needed, and this is ${process.versions.node}`)
    await program.parseAsync()
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : wrongCall
    else {
      console.error(`substratus: ${printable(failureOf(error))}`)
      process.exitCode = 1
    }
  }
}
