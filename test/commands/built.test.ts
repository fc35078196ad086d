import { execFileSync, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root } from '../../terminal/root.ts'

/** The contents of the production image, as `npm run images` compiles them. `npm run check` starts its server. */

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'substratus-built-'))
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const tsc = join(root, 'node_modules', '.bin', 'tsc')
  const build = ['-p', 'tsconfig.build.json', '--outDir', join(folder, 'dist')]
  execFileSync(tsc, build, { cwd: root })
  writeFileSync(join(folder, 'kubeconfig'), '')
  writeFileSync(join(folder, 'tokens'), 'a-token')
}, 60_000)
afterAll(() => rmSync(folder, { recursive: true }))

test('the image contains no development platform', () => {
  expect(readdirSync(join(folder, 'dist')).sort()).toEqual([
    'cli',
    'cluster',
    'crds',
    'gateway',
    'hooks',
    'install',
    'metacontroller',
    'open',
    'server',
    'terminal',
    'tools',
    'ui',
    'view',
    'webhooks',
  ])
})

test('the image imports no development dependency', () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const files = readdirSync(join(folder, 'dist'), { recursive: true, encoding: 'utf8' })
  const imported = files
    .filter((name) => name.endsWith('.js'))
    .flatMap((name) => [
      ...readFileSync(join(folder, 'dist', name), 'utf8').matchAll(
        /^(?:import|export) (?:.*?from )?'((?:@[^/']+\/)?[^./'][^/']*)/gm,
      ),
    ])
    .map(([, name = '']) => name)
    .filter((name) => !name.startsWith('node:'))
  expect([...new Set(imported)].sort()).toEqual(Object.keys(dependencies).sort())
})

const cluster = ['--kubeconfig', 'kubeconfig', '--namespace', 'n']
const ofPerson = ['--kubeconfig', 'kubeconfig', '-n', 'n']
const names = ['--ca', 'ca', '--secret', 'tls', '--name', 'a', '--days', '30']
const tokens = ['--hook-token-file', 'tokens']
const progress = ['--progress', '127.0.0.1:0', '--progress-url', 'http://a:8090', ...tokens]
const examples = ['-f', join(root, 'examples')]

/** Each loads what its command needs. Without a cluster, some can only fail with an error of their own. */
test.each([
  { file: 'cli', args: ['--help'], code: 0, says: 'Usage: substratus' },
  { file: 'cli', args: ['validate', ...examples], code: 0, says: 'valid: ' },
  { file: 'cli', args: ['render', ...examples], code: 0, says: 'kind: Job' },
  { file: 'cli', args: ['convert', ...examples], code: 0, says: 'kind: ModelServer' },
  { file: 'cli', args: ['controllers', '--url', 'http://a'], code: 0, says: 'CompositeController' },
  {
    file: 'cli',
    args: ['serve', '--http', '192.0.2.1:0', ...progress],
    code: 1,
    // It listens for progress before, in a thread whose program is another file.
    says: 'no address of this',
  },
  { file: 'cli', args: ['renew-certificate', ...cluster, ...names], code: 1, says: 'error: ' },
  { file: 'cli', args: ['try', ...cluster], code: 1, says: 'error: ' },
  { file: 'cli', args: ['tree', ...ofPerson], code: 1, says: 'error: kubeconfig ' },
  { file: 'cli', args: ['why', 'nb/n', ...ofPerson], code: 1, says: 'error: kubeconfig ' },
  { file: 'cli', args: ['logs', 'nb/n', ...ofPerson], code: 1, says: 'error: kubeconfig ' },
  { file: 'cli', args: ['watch', ...ofPerson], code: 1, says: 'error: kubeconfig ' },
  { file: 'cli', args: ['suspend', 'nb/n', ...ofPerson], code: 1, says: 'error: kubeconfig ' },
  { file: 'cli', args: ['ui', ...ofPerson], code: 1, says: 'error: kubeconfig ' },
  { file: 'cli', args: ['open', 'nb', 'n', ...ofPerson], code: 1, says: 'error: kubeconfig ' },
  { file: 'cli', args: ['seal'], code: 1, says: '--artifacts' },
  { file: 'cli', args: ['idle', '--timeout=1m'], code: 1, says: '--url' },
  { file: 'cli', args: ['relay', '--port=1'], code: 1, says: '--to' },
  { file: 'open', args: ['--help'], code: 0, says: 'Usage: kubectl open' },
  { file: 'open', args: ['nb', 'n', ...cluster], code: 1, says: 'error: kubeconfig ' },
])('dist/$file/main.js $args.0 starts', ({ file, args, code, says }) => {
  const main = join(folder, 'dist', file, 'main.js')
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    cwd: folder,
    encoding: 'utf8',
  })
  expect(stdout + stderr).toContain(says)
  expect(stdout + stderr).not.toMatch(/Cannot find|ERR_/)
  expect(status).toBe(code)
})

test('dist/cli/completemain.js answers as kubectl_complete-substratus', () => {
  const main = join(folder, 'dist', 'cli', 'completemain.js')
  const { stdout, stderr } = spawnSync(process.execPath, [main, 'rol'], { encoding: 'utf8' })
  expect(stdout).toMatch(/^rollout\t.*\n:4\n$/)
  expect(stderr).toBe('')
})

test('every command that npm links is built and starts with the line that names Node', () => {
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  for (const file of Object.values<string>(bin))
    expect(readFileSync(join(folder, file), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
})
