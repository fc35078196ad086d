import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root } from '../../terminal/root.ts'
import { filesOf } from '../../ui/files.ts'

/** The page of `kubectl substratus ui`, as `npm run build` makes it. */

let folder: string
let printed: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'substratus-page-'))
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js')
  const args = [vite, 'build', 'page', '--outDir', folder]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
  })
  printed = stdout + stderr
  if (status !== 0) throw new Error(printed)
}, 180_000)
afterAll(() => rmSync(folder, { recursive: true }))

const kilobytesOf = (names: (name: string) => boolean): number =>
  [...filesOf(folder)]
    .filter(([name]) => names(name))
    .reduce((sum, [, { bytes }]) => sum + gzipSync(bytes).length, 0) / 1000

/** The layout of the graph, which is loaded with it. */
const isLayout = (name: string): boolean => /\/elk/.test(name)

test('it is built without a warning', () => {
  expect(printed).toContain('built in')
  expect(printed).not.toMatch(/warn|\(!\)|\[[A-Z_]+\]/i)
})

test('it is small, all libraries but that of the layout included', () => {
  expect(kilobytesOf((name) => !isLayout(name))).toBeLessThan(60)
  expect(kilobytesOf(isLayout)).toBeLessThan(500)
})

test('all of it is files of known types, with nothing inline and nothing from elsewhere', () => {
  const files = filesOf(folder)
  expect([...files.values()].map(({ type }) => type)).not.toContain('application/octet-stream')
  const page = String(files.get('/')?.bytes)
  expect(page).not.toMatch(/<script(?![^>]* src="\.?\/assets\/)|<style|\son\w+=|style=/)
  for (const address of page.matchAll(/(?:src|href)="([^"]*)"/g))
    expect(files.has(address[1]?.replace(/^\./, '') ?? '')).toBe(true)
})

test('the licences of its libraries go with it', () => {
  const [notes = ''] = readdirSync(join(folder, '.vite')).filter((name) => /licen/i.test(name))
  const text = readFileSync(join(folder, '.vite', notes), 'utf8')
  for (const name of ['preact', 'uplot', 'elkjs']) expect(text.toLowerCase()).toContain(name)
})
