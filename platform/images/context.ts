import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { root } from '../../terminal/root.ts'
import { bundleServer, copyLicenses } from './bundle.ts'

/** The programs of the tools, without the folder that Python leaves beside those that it has run. */
export const toolFiles = (): readonly string[] =>
  readdirSync(join(root, 'tools'), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort()

/** What the image of the server is compiled from, and the list of its dependencies. */
export function serverFiles(): readonly string[] {
  const { include } = JSON.parse(readFileSync(join(root, 'tsconfig.build.json'), 'utf8')) as {
    readonly include: readonly string[]
  }
  const sources = include.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `${folder}/${name}`),
  )
  const makers = [
    'package-lock.json',
    'tsconfig.build.json',
    'platform/images/bundle.ts',
    'tools/init.sh',
  ]
  return [...makers, ...sources.sort()]
}

/**
 * Writes the context of the Dockerfile to a new folder: the server, bundled with the dependencies of
 * package-lock.json, because no image has a compiler, and the programs of the tools.
 */
export async function writeContext(folder: string): Promise<void> {
  if (existsSync(folder) && readdirSync(folder).length)
    throw new Error(`"${folder}" is not empty: name a folder that does not exist yet`)
  copyInto(folder, root, ['Dockerfile'])
  copyInto(join(folder, 'tools'), join(root, 'tools'), toolFiles())
  const app = join(folder, 'app')
  copyInto(app, root, ['package.json', 'package-lock.json', '.npmrc', 'LICENSE'])

  const run = (command: string, ...args: readonly string[]) =>
    execFileSync(command, args, {
      cwd: app,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    })
  run('npm', 'ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund')
  const packages = join(app, 'node_modules')
  await bundleServer({ packages, to: join(app, 'dist', 'cli') })
  copyLicenses(packages, join(app, 'licenses'))
  writeFileSync(
    join(app, 'sbom.spdx.json'),
    run('npm', 'sbom', '--omit=dev', '--sbom-format=spdx', '--package-lock-only'),
  )
  rmSync(packages, { recursive: true })
}

export function copyInto(folder: string, from: string, names: readonly string[]): void {
  mkdirSync(folder, { recursive: true })
  for (const name of names) copyFileSync(join(from, name), join(folder, name))
}
