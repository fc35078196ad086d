import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { root } from '../../terminal/root.ts'

/** What kubectl asks for when a person presses Tab: candidates, then a directive of its shell completion. */

// A busy machine takes seconds to start a process.
vi.setConfig({ testTimeout: 60_000 })

const folder = mkdtempSync(join(tmpdir(), 'substratus-completion-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** As npm links it. */
function linked(name: string): string {
  const path = join(folder, `${name}.ts`)
  symlinkSync(join(root, 'cli', 'completemain.ts'), path)
  return path
}
const programs = {
  substratus: linked('kubectl_complete-substratus'),
  open: linked('kubectl_complete-open'),
}

const completed = (plugin: keyof typeof programs, ...words: readonly string[]) =>
  new Promise<string>((resolve, reject) => {
    const env = { ...process.env, KUBECONFIG: join(folder, 'none') }
    execFile(process.execPath, [programs[plugin], ...words], { env }, (error, stdout, stderr) =>
      error || stderr ? reject(error ?? new Error(stderr)) : resolve(stdout),
    )
  })

test('a command that is begun is completed, and says what it does', async () => {
  expect(await completed('substratus', 'wh')).toMatch(/^why\tWhy an object is as it is.*\n:4\n$/)
})

test('all commands are offered, but none that only Pods run', async () => {
  const names = (await completed('substratus', '')).split('\n').map((line) => line.split('\t')[0])
  expect(names).toEqual(expect.arrayContaining(['tree', 'logs', 'watch', 'ui', 'open', 'token']))
  for (const hidden of ['seal', 'idle', 'relay']) expect(names).not.toContain(hidden)
})

test('kubectl open is completed in the same way', async () => {
  expect(await completed('open', 'no')).toBe('notebook\n:4\n')
  expect(await completed('open', '--names')).toMatch(/^--namespace\t.*\n:4\n$/)
})

test('files are left to the shell', async () => {
  expect(await completed('substratus', 'validate', '-f', 'ex')).toBe(':0\n')
})

test('names without a kubeconfig are none, and no error', async () => {
  expect(await completed('substratus', 'why', 'model', '')).toBe(':4\n')
})
