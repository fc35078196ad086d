#!/usr/bin/env node
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isOldNode, oldestNode } from '../terminal/oldnode.ts'
import { root } from '../terminal/root.ts'

// The Node that npm installed with the project.
const ours = join(root, 'node_modules', 'node', 'bin', 'node')

if (!isOldNode()) await import('./program.ts')
else if (existsSync(ours)) runWith(ours)
else {
  console.error(
    `error: kubectl open needs Node ${oldestNode} or newer, and ${process.execPath} is ${process.versions.node}`,
  )
  process.exit(1)
}

/** The terminal sends Ctrl-C to both processes; only the child handles it. */
function runWith(node: string): void {
  const self = fileURLToPath(import.meta.url)
  const child = spawn(node, [self, ...process.argv.slice(2)], { stdio: 'inherit' })
  process.on('SIGINT', () => {})
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  child.on('exit', (code) => process.exit(code ?? 1))
}
