import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { modulePath } from '../../terminal/root.ts'
import { kubectl } from './cluster.ts'
import { manifests } from './manifests.ts'

/** What a command prints, whatever its exit code. */
const validated = (folder: string): Promise<string> =>
  new Promise((resolve) => {
    const args = [modulePath('cli/main'), 'validate', '-f', folder]
    execFile(process.execPath, args, { maxBuffer: 64 * 1024 * 1024 }, (_error, stdout, stderr) =>
      resolve(stdout + stderr),
    )
  })

/** The files that are named in lines other than warnings. */
const refusedIn = (folder: string, text: string): ReadonlySet<string> =>
  new Set(
    text
      .split('\n')
      .filter((line) => !/^(Warning|warning|valid):/.test(line))
      .flatMap((line) => line.split(`${folder}/`).slice(1))
      .map((rest) => rest.slice(0, '000.yaml'.length)),
  )

test(`substratus validate refuses the same ones of ${manifests.length} manifests as the API server`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'substratus-manifests-'))
  try {
    for (const { file, bytes } of manifests) writeFileSync(join(folder, file), bytes)
    const asked = ['create', '-f', folder, '--dry-run=server', '--validate=strict', '-o', 'name']
    const [{ stderr }, ours] = await Promise.all([kubectl(asked), validated(folder)])
    const [theirRefusals, ourRefusals] = [refusedIn(folder, stderr), refusedIn(folder, ours)]
    const differing = manifests
      .filter(({ file }) => theirRefusals.has(file) !== ourRefusals.has(file))
      .map(({ file, bytes }) => ({
        manifest: bytes.toString().slice(0, 500),
        refusedBy: theirRefusals.has(file) ? 'the API server' : 'validate',
        says: ours.split('\n').filter((line) => line.includes(file)),
      }))
    expect(differing).toEqual([])
    expect(manifests.length).toBeGreaterThan(200)
    expect(theirRefusals.size).toBeGreaterThan(100)
    expect(manifests.length - theirRefusals.size).toBeGreaterThan(100)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
