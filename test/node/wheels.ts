import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { nodeCache } from '../../platform/binaries/cache.ts'
import { command } from '../../platform/command.ts'
import { root } from '../../terminal/root.ts'

/**
 * The folder of the Python packages that a list in wheels/ pins by version and sha256, for the Python of
 * Debian 12. pip downloads them once, from whichever index this machine’s pip is configured for.
 */
export async function wheelsOf(list: 'llamacpp' | 'jax' | 'openai'): Promise<string> {
  const requirements = join(root, 'test/node/wheels', `${list}.txt`)
  const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12)
  const folder = join(nodeCache(process.env), 'wheels', `${list}-${hash}`)
  if (existsSync(folder)) return folder
  const part = `${folder}.${process.pid}`
  mkdirSync(part, { recursive: true })
  await command('pip3', [
    ...['download', '--quiet', '--require-hashes', '--no-deps', '--only-binary=:all:'],
    ...['--python-version', '3.11', '--dest', part, '--requirement', requirements],
  ])
  renameSync(part, folder)
  return folder
}

/** The path of a package’s wheel. */
export function wheelIn(folder: string, name: string): string {
  const file = readdirSync(folder).find((found) => found.startsWith(`${name}-`))
  if (!file) throw new Error(`${folder} has no wheel of ${name}`)
  return join(folder, file)
}

/** Extracts a wheel, which is a zip archive. */
export const extractWheel = (wheel: string, to: string): Promise<string> =>
  command('python3', ['-m', 'zipfile', '-e', wheel, to])
