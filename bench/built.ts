import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundleServer } from '../platform/images/bundle.ts'
import { root } from '../terminal/root.ts'

/** The server as its image runs it. */

/** Bundles the server into FOLDER/dist; returns its program. */
export async function bundleInto(folder: string): Promise<string> {
  const packages = join(root, 'node_modules')
  await bundleServer({ packages, to: join(folder, 'dist', 'cli') })
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'))
  return join(folder, 'dist', 'cli', 'main.js')
}

/** The flags of the image. In a container, the heap follows its limit, which is 512 MiB by default. */
export function imageFlags(): readonly string[] {
  const text = readFileSync(join(root, 'Dockerfile'), 'utf8')
  const list = /^ENTRYPOINT \[.*"node", (.*), "\/app\/dist\/cli\/main\.js"\]$/m.exec(text)?.[1]
  if (!list) throw new Error('the Dockerfile does not start the server as expected')
  return (JSON.parse(`[${list}]`) as string[]).map((flag) =>
    flag.replace(/^--max-old-space-size-percentage=(\d+)$/, (_, percent) => {
      return `--max-old-space-size=${(512 * Number(percent)) / 100}`
    }),
  )
}
