import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { findNodeBinaries } from '../../platform/binaries/find.ts'
import { imageNamed } from '../../platform/node/addresses.ts'

interface Changes {
  /** More files, by their path in the image. */
  readonly files?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
}

/** Another image in the node’s registry: one that is there, with more files and variables. */
export async function edited(from: string, name: string, { files = {}, env = {} }: Changes) {
  const { crane } = await findNodeBinaries({ progress: () => {} })
  const to = imageNamed(name)
  const edit = (...args: readonly string[]) =>
    execFileSync(crane, [...args, '--insecure', '-t', to], { stdio: 'ignore' })
  edit('mutate', imageNamed(from), ...Object.entries(env).map((pair) => `--env=${pair.join('=')}`))
  if (Object.keys(files).length === 0) return to
  const folder = mkdtempSync(join(tmpdir(), 'substratus-layer-'))
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text, { mode: 0o755 })
    }
    const layer = `${folder}.tar`
    execFileSync('tar', ['-C', folder, '-cf', layer, ...Object.keys(files)])
    edit('append', '-b', to, '-f', layer)
    rmSync(layer)
    return to
  } finally {
    rmSync(folder, { recursive: true })
  }
}
