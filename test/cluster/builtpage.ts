import { execFileSync } from 'node:child_process'
import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../terminal/root.ts'

/**
 * The page as Vite builds it, once for a run: in the state folder of the run's platform, which no other run has,
 * and which is removed at the end. So it is never that of other sources.
 */

const folderIn = (dir: string): string => join(dir, 'page')

/** Builds the page unless an earlier file of the run has, and returns its folder. */
export function builtPage(dir: string): string {
  const folder = folderIn(dir)
  if (existsSync(folder)) return folder
  // A build that is interrupted leaves no page.
  const half = `${folder}.half`
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js')
  execFileSync(process.execPath, [vite, 'build', 'page', '--outDir', half], { cwd: root })
  renameSync(half, folder)
  return folder
}

/** While vitest watches, the sources may have changed before the next run of the files. */
export const forgetPage = (dir: string): void =>
  rmSync(folderIn(dir), { recursive: true, force: true })
