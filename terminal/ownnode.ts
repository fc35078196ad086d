import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './root.ts'

/** The Node that npm installed with the project; images do not contain it. */
const own = join(root, 'node_modules', 'node', 'bin', 'node')

/** Runs this program again with the project's own Node; false if there is none. */
export function continuesOnOwnNode(): boolean {
  if (!existsSync(own)) return false
  const child = spawn(own, process.argv.slice(1), { stdio: 'inherit' })
  // The terminal sends Ctrl-C to both processes; only the child handles it.
  process.on('SIGINT', () => {})
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  child.on('exit', (code) => process.exit(code ?? 1))
  return true
}
