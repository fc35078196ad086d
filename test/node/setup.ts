import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { nodeConfig } from '../../cli/local/node/config.ts'
import { runningPlatform, startPlatform } from '../../cli/local/platform.ts'
import '../cluster/setup.ts'

/**
 * One platform with a real node for all files. SUBSTRATUS_NODE_DIR names the folder of an
 * `up --node` that runs already: then it is used, and left as it is.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.SUBSTRATUS_NODE_DIR
  const dir = given ?? mkdtempSync(join(tmpdir(), 'substratus-node-'))
  const running = given ? await runningPlatform(given) : undefined
  if (given && !running) throw new Error(`no platform runs in ${given}`)
  const platform =
    running ??
    (await startPlatform({
      dir,
      nodes: 0,
      realNode: true,
      config: nodeConfig,
      progress: (line) => console.log(line),
    }))
  console.log(`driven by ${platform.controller}`)
  project.provide('cluster', {
    dir,
    kubectl: platform.binaries.kubectl,
    kubeconfig: platform.kubeconfig,
    auditLog: platform.auditLog ?? '',
    controller: platform.controller,
    serverUrl: platform.serverUrl,
    ca: platform.pki.ca.cert,
  })
  return running ? async () => {} : platform.stop
}
