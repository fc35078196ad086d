import { copyFileSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { command } from '../platform/command.ts'
import { root } from '../terminal/root.ts'

/** The server as its image runs it. */

/** Compiles the server into FOLDER/dist; returns its program. */
export async function compileInto(folder: string): Promise<string> {
  const tsc = join(root, 'node_modules', '.bin', 'tsc')
  await command(tsc, ['-p', 'tsconfig.build.json', '--outDir', join(folder, 'dist')], { cwd: root })
  // For the imports of packages.
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'))
  return join(folder, 'dist', 'cli', 'main.js')
}

/** The flags of the image. In a container, the heap follows its limit, which is 512 MiB by default. */
export function imageFlags(): readonly string[] {
  const text = readFileSync(join(root, 'Dockerfile'), 'utf8')
  const list = /^ENTRYPOINT \["node", (.*), "\/app\/dist\/cli\/main\.js"\]$/m.exec(text)?.[1]
  if (!list) throw new Error('the Dockerfile does not start the server as expected')
  return (JSON.parse(`[${list}]`) as string[]).map((flag) =>
    flag.replace(/^--max-old-space-size-percentage=(\d+)$/, (_, percent) => {
      return `--max-old-space-size=${(512 * Number(percent)) / 100}`
    }),
  )
}
