import { existsSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(import.meta.url)

/** The folder of package.json: the manifests lie there, whether we run from source or from dist/. */
export const root = ((): string => {
  let folder = dirname(here)
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) {
    folder = dirname(folder)
  }
  return folder
})()

/** A module of ours as a child process runs it: .ts from source, .js from dist/. */
export const modulePath = (name: string): string =>
  join(dirname(here), '..', `${name}${extname(here)}`)
