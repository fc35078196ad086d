import { existsSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(import.meta.url)

/** The folder of package.json, which contains the manifests, both in the source tree and in dist/. */
export const root = ((): string => {
  let folder = dirname(here)
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) {
    folder = dirname(folder)
  }
  return folder
})()

/** The path of a module for a child process: .ts in the source tree, .js in dist/. */
export const modulePath = (name: string): string =>
  join(dirname(here), '..', `${name}${extname(here)}`)
