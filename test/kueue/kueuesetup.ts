import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { findKueue } from '../../platform/binaries/find.ts'
import { startPlatform } from '../../platform/platform.ts'
import { ending, provide } from '../cluster/provided.ts'
import { startKueue } from './kueue.ts'

/**
 * A platform of its own: Kueue's webhooks fail closed, and would stop the Jobs of every other test if
 * Kueue did.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const progress = (line: string) => console.log(line)
  const kueue = await findKueue({ progress })
  const dir = mkdtempSync(join(tmpdir(), 'substratus-kueue-'))
  const end = ending(dir)
  const platform = await startPlatform({
    dir,
    nodes: 4,
    audit: true,
    stages: [fileURLToPath(new URL('../cluster/stages.yaml', import.meta.url))],
    config: {
      registry: { prefix: 'registry.example.com/substratus' },
      queues: { tools: 'tools' },
    },
    progress,
  })
  const stop = end(platform)
  try {
    progress('starting Kueue')
    await startKueue(platform, kueue)
  } catch (error) {
    await stop()
    throw error
  }
  provide(project, platform)
  return stop
}
