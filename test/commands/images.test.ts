import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root } from '../../terminal/root.ts'

/** `npm run images`, with a docker that only writes down what it is asked for. */

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'substratus-images-test-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** A docker with these exit codes: `docker buildx inspect` fails as long as there is no builder. */
const docker = `#!/bin/sh
echo "$*" >>"$LOG"
for last; do :; done
case "$*" in
  'buildx inspect'*) exit 1 ;;
  *--target=probe*)
    [ -z "$NO_EMULATOR" ] && exit
    echo '#6 0.284 exec /bin/sh: exec format error' >&2
    exit 1 ;;
  'buildx build'*) ls "$last" "$last/app" | sort -u | tr '\\n' ' ' >>"$LOG.context" ;;
esac
`

function images(args: readonly string[], more: NodeJS.ProcessEnv = {}) {
  const log = join(mkdtempSync(join(folder, 'log-')), 'log')
  const bin = mkdtempSync(join(folder, 'bin-'))
  writeFileSync(join(bin, 'docker'), docker, { mode: 0o755 })
  const PATH = `${bin}${delimiter}${process.env.PATH}`
  const { BUILDX_BUILDER: _, ...rest } = process.env
  const env = { ...rest, PATH, LOG: log, ...more }
  const program = join(root, 'platform/main.ts')
  const { status, stderr } = spawnSync(process.execPath, [program, 'images', ...args], {
    cwd: root,
    env,
    encoding: 'utf8',
  })
  return { status, stderr, log }
}

test('builds and pushes the three for two platforms, with a builder of its own', () => {
  const { status, stderr, log } = images(['--push', 'registry.example.com/tools', '--tag', 'next'])
  expect(stderr).toContain(
    'For helm install: --set config.images.prefix=registry.example.com/tools --set config.images.tag=next\n',
  )
  expect(status).toBe(0)
  const asked = readFileSync(log, 'utf8').trim().split('\n')
  expect(asked).toContain('buildx create --name=substratus --driver=docker-container')
  const builds = asked.filter((line) => line.includes('push=true'))
  expect(builds.map((line) => /--target=(\S+).*name=(\S+),push=true/.exec(line)?.slice(1))).toEqual(
    [
      ['substratus', 'registry.example.com/tools/substratus:next'],
      ['loader', 'registry.example.com/tools/substratus-loader:next'],
      ['builder', 'registry.example.com/tools/substratus-builder:next'],
    ],
  )
  for (const line of builds) expect(line).toContain('--platform=linux/amd64,linux/arm64')
  const context = new Set(readFileSync(`${log}.context`, 'utf8').split(' '))
  for (const name of ['Dockerfile', 'app', 'tools', 'dist', 'licenses', 'sbom.spdx.json'])
    expect(context).toContain(name)
}, 120_000)

test('bundles the server, so that it needs no packages, and adds their licenses', () => {
  const context = join(folder, 'context')
  expect(images(['--context', context]).status).toBe(0)
  const app = join(context, 'app')
  expect(readdirSync(app)).not.toContain('node_modules')
  const program = join(app, 'dist', 'cli', 'main.js')
  for (const command of ['serve', 'renew-certificate', 'try', 'seal', 'idle', 'relay']) {
    const { stdout, stderr } = spawnSync(process.execPath, [program, command, '--help'], {
      encoding: 'utf8',
    })
    expect(`${stdout}${stderr}`).not.toContain('ERR_MODULE_NOT_FOUND')
    expect(`${stdout}${stderr}`).toMatch(/Usage: substratus|is not --name=value/)
  }
  // The thread that receives reports has a program of its own.
  const tokens = join(folder, 'tokens')
  writeFileSync(tokens, 'a-token')
  const progress = ['--progress', '127.0.0.1:0', '--progress-url', 'http://a:8090']
  const { stderr } = spawnSync(
    process.execPath,
    [program, 'serve', '--http', '192.0.2.1:0', '--hook-token-file', tokens, ...progress],
    { encoding: 'utf8' },
  )
  expect(stderr).toContain('listening for progress')
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  for (const name of Object.keys(dependencies))
    expect(readdirSync(join(app, 'licenses', name))).toContain('package.json')
  expect(readdirSync(join(app, 'licenses', 'express'))).toContain('LICENSE')
}, 120_000)

test('says that a platform has no emulator, before anything is compiled', () => {
  const { status, stderr, log } = images(['--push', 'registry.example.com/tools'], {
    NO_EMULATOR: 'yes',
  })
  expect(status).toBe(1)
  expect(stderr).toMatch(
    /^error: programs for linux\/\w+ do not run on this machine: install an emulator \(on Debian, the package "qemu-user-static"\), or build only for this machine with --platform linux\/\w+$/m,
  )
  expect(stderr).not.toContain('compiling')
  const [probe, ...more] = readFileSync(log, 'utf8').match(/^buildx build.*/gm) ?? []
  expect(probe).toContain('--platform=linux/amd64,linux/arm64 ')
  expect(more).toEqual([])
})

test('says what is missing if it is not told where to push', () => {
  const { status, stderr } = images([])
  expect(status).toBe(1)
  expect(stderr).toBe(
    'error: name where to push the images: npm run images -- --push registry.example.com/tools\n',
  )
})

test('says at once that a place is none, as the chart would', () => {
  const { status, stderr } = images(['--push', 'https://registry.example.com/Tools'])
  expect(status).toBe(1)
  expect(stderr).toContain('images.prefix: Invalid value: "https://registry.example.com/Tools"')
})

test('writes only into a new or empty folder', () => {
  const { status, stderr } = images(['--context', root])
  expect(status).toBe(1)
  expect(stderr).toContain('is not empty: name a folder that does not exist yet')
  expect(readdirSync(root)).toContain('package.json')
})
