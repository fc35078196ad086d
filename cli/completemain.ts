#!/usr/bin/env node
import { basename } from 'node:path'
import { isOldNode } from '../terminal/oldnode.ts'
import { continuesOnOwnNode } from '../terminal/ownnode.ts'

/** `kubectl_complete-substratus` and `kubectl_complete-open`, which kubectl looks for on the PATH. */
if (!isOldNode()) {
  const isOpen = basename(process.argv[1] ?? '').startsWith('kubectl_complete-open')
  const words = process.argv.slice(2)
  await (await import('./complete.ts')).complete(isOpen ? ['open', ...words] : words)
  // Idle connections to the API server would keep the process for a while.
  process.exit()
} else continuesOnOwnNode()
