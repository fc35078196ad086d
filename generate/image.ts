import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../terminal/root.ts'

/**
 * `npm run image -- FOLDER [--with-node]` writes the context of the Dockerfile to a new folder: the
 * compiled server, because the image has no compiler, and the dependencies of package-lock.json.
 */
const { values, positionals } = parseArgs({
  options: { 'with-node': { type: 'boolean', default: false } },
  allowPositionals: true,
})
const [given] = positionals
if (!given || positionals.length > 1) {
  console.error('error: name one folder: npm run image -- FOLDER [--with-node]')
  process.exit(2)
}
const folder = resolve(given)
if (existsSync(folder) && readdirSync(folder).length) {
  console.error(`error: "${folder}" holds files: name a folder that does not exist yet`)
  process.exit(2)
}
const app = join(folder, 'app')
mkdirSync(app, { recursive: true })
mkdirSync(join(folder, 'bin'))
const run = (command: string, ...args: readonly string[]) =>
  execFileSync(command, args, { cwd: app, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })

const tsc = join(root, 'node_modules', '.bin', 'tsc')
run(tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', join(app, 'dist'))
for (const name of ['package.json', 'package-lock.json', '.npmrc', 'LICENSE'])
  copyFileSync(join(root, name), join(app, name))
run('npm', 'ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund')
writeFileSync(
  join(app, 'sbom.spdx.json'),
  run('npm', 'sbom', '--omit=dev', '--sbom-format=spdx', '--package-lock-only'),
)
// Declarations and source maps are two fifths of the dependencies, and unused at run time.
for (const name of readdirSync(join(app, 'node_modules'), { recursive: true, encoding: 'utf8' }))
  if (/\.(d\.[cm]?ts|map)$/.test(name)) rmSync(join(app, 'node_modules', name))
copyFileSync(join(root, 'Dockerfile'), join(folder, 'Dockerfile'))
// Links are followed: npm's package links to the one with the binary for this architecture.
if (values['with-node'])
  cpSync(join(root, 'node_modules', 'node', 'bin', 'node'), join(folder, 'bin', 'node'), {
    dereference: true,
  })
console.log(`docker build ${given}`)
