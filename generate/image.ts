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
 * `npm run image -- FOLDER [--with-node]`: the context of the Dockerfile, in a new folder. Compiled
 * here, for the image has no compiler; dependencies as package-lock.json has them.
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
// Declarations and source maps are two fifths of it, and nobody reads them there.
for (const name of readdirSync(join(app, 'node_modules'), { recursive: true, encoding: 'utf8' }))
  if (/\.(d\.[cm]?ts|map)$/.test(name)) rmSync(join(app, 'node_modules', name))
copyFileSync(join(root, 'Dockerfile'), join(folder, 'Dockerfile'))
// Followed, not linked: npm's package has the binary of this machine's architecture in another one.
if (values['with-node'])
  cpSync(join(root, 'node_modules', 'node', 'bin', 'node'), join(folder, 'bin', 'node'), {
    dereference: true,
  })
console.log(`docker build ${given}`)
