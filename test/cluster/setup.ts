import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { startPlatform } from '../../platform/platform.ts'
import { forgetPage } from './builtpage.ts'
import { ending, provide } from './provided.ts'

/** One platform for all files, with Metacontroller if it is found, otherwise with the embedded runner. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = mkdtempSync(join(tmpdir(), 'substratus-cluster-'))
  const end = ending(dir)
  const platform = await startPlatform({
    dir,
    nodes: 4,
    audit: true,
    stages: [fileURLToPath(new URL('stages.yaml', import.meta.url))],
    config: { registry: { prefix: 'registry.example.com/substratus' } },
    progress: (line) => console.log(line),
  })
  provide(project, platform)
  project.onTestsRerun(() => forgetPage(dir))
  return end(platform)
}
