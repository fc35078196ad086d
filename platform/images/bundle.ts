import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../terminal/root.ts'

interface Bundle {
  /** The installed packages. */
  readonly packages: string
  /** Where main.js is written, with the modules that it loads later and the program of its thread. */
  readonly to: string
}

/**
 * Bundles the server with its dependencies. Of the Kubernetes client it uses the configuration and the
 * watch, but importing these loads a thousand modules of every API: without a bundle the server takes
 * 25 MiB and two seconds of CPU time more.
 */
export async function bundleServer({ packages, to }: Bundle): Promise<void> {
  // Loaded only now: it is a program of its own, which most commands do not need.
  const { rolldown } = await import('rolldown')
  const bundle = await rolldown({
    input: {
      main: join(root, 'cli', 'main.ts'),
      receiverthread: join(root, 'server', 'progress', 'receiverthread.ts'),
    },
    platform: 'node',
    resolve: { modules: [packages] },
    treeshake: { moduleSideEffects: [{ test: clientApis, sideEffects: false }] },
    onLog: (level, { message }) => {
      if (level === 'warn') throw new Error(message)
    },
  })
  await bundle.write({
    dir: to,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
  })
  await bundle.close()
}

/** Modules that only declare: unused ones are left out. */
const clientApis = /@kubernetes\/client-node\/dist\/gen\//

/**
 * Copies the license of each package, which must go with its code, to FOLDER/NAME/; and package.json, which
 * names license and author where there is no file of it.
 */
export function copyLicenses(packages: string, folder: string): void {
  const lock = JSON.parse(readFileSync(join(packages, '.package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, object>>
  }
  for (const place of Object.keys(lock.packages)) {
    const name = place.replace(/^node_modules\//, '')
    const from = join(packages, name)
    const licenses = readdirSync(from).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
    mkdirSync(join(folder, name), { recursive: true })
    for (const file of ['package.json', ...licenses])
      copyFileSync(join(from, file), join(folder, name, file))
  }
}
