#!/usr/bin/env node
import { isOldNode, oldestNode } from '../terminal/oldnode.ts'
import { continuesOnOwnNode } from '../terminal/ownnode.ts'

if (!isOldNode()) {
  const { watchOutput } = await import('../terminal/output.ts')
  watchOutput()
  await (await import('./program.ts')).openProgram(process.argv.slice(2), 'kubectl open')
} else if (!continuesOnOwnNode()) {
  console.error(
    `error: kubectl open needs Node ${oldestNode} or newer, and ${process.execPath} is ${process.versions.node}`,
  )
  process.exit(1)
}
