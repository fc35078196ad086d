import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { kinds } from '../../crds/kinds.ts'
import { startControlPlane } from '../../platform/controlplane/controlplane.ts'
import { driverOf } from '../../platform/hookdriver.ts'
import { freePorts } from '../../platform/ports.ts'
import { root } from '../../terminal/root.ts'
import { ending, provide } from '../cluster/provided.ts'

/**
 * A control plane of its own, which the faults break. The servers and Metacontroller are started by the
 * tests, because their connections pass through proxies that the tests control.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const progress = (line: string) => console.log(line)
  const dir = mkdtempSync(join(tmpdir(), 'substratus-faults-'))
  const end = ending(dir)
  const nodes = 8
  const plane = await startControlPlane({
    dir,
    nodes,
    audit: true,
    stages: ['../cluster/stages.yaml', 'stages.yaml'].map((file) =>
      fileURLToPath(new URL(file, import.meta.url)),
    ),
    progress,
  })
  const [port] = await freePorts(1)
  const { name: controller } = await driverOf({ progress })
  const platform = { ...plane, serverUrl: `https://127.0.0.1:${port}`, controller, nodes }
  const stop = end(platform)
  try {
    await plane.kubectl.applyFiles([
      ...kinds.map(({ plural }) => join(root, 'crds', `${plural}.yaml`)),
      join(root, 'metacontroller', 'crds.yaml'),
    ])
  } catch (error) {
    await stop()
    throw error
  }
  provide(project, platform)
  return stop
}
