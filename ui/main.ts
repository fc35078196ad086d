#!/usr/bin/env node
import { isOldNode, oldestNode } from '../terminal/oldnode.ts'
import { continuesOnOwnNode } from '../terminal/ownnode.ts'

if (!isOldNode()) await import('./program.ts')
else if (!continuesOnOwnNode()) {
  console.error(
    `error: kubectl substratus ui needs Node ${oldestNode} or newer, and ${process.execPath} is ${process.versions.node}`,
  )
  process.exit(1)
}
