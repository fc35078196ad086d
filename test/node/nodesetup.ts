import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { nodeConfig } from '../../platform/node/nodeconfig.ts'
import { checkMachine, program } from '../../platform/node/requirements.ts'
import { runningPlatform, startPlatform } from '../../platform/platform.ts'
import { ending, provide } from '../cluster/provided.ts'

/**
 * One platform with a real node for all files. If SUBSTRATUS_NODE_DIR names the folder of an `up --node`
 * that already runs, that one is used, and left running.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // The tests open a notebook in the one, and models in the other.
  checkMachine([program('chromium', 'chromium'), program('tmux', 'tmux')])
  const given = process.env.SUBSTRATUS_NODE_DIR
  const running = given ? await runningPlatform(given) : undefined
  if (given && !running) throw new Error(`no platform runs in ${given}`)
  if (running) {
    provide(project, running)
    return async () => {}
  }
  const dir = mkdtempSync(join(tmpdir(), 'substratus-node-'))
  const end = ending(dir)
  const platform = await startPlatform({
    dir,
    nodes: 0,
    realNode: true,
    config: nodeConfig,
    progress: (line) => console.log(line),
  })
  provide(project, platform)
  return end(platform)
}
