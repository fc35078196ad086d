import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { startPlatform } from '../../platform/platform.ts'
import { get, namespace, ok, readyOf, type Shown, until } from './cluster.ts'

const cluster = inject('cluster')
type Target = typeof cluster

async function examplesReachReady(target: Target): Promise<void> {
  const ns = await namespace('examples', target)
  await ok(['-n', ns, 'apply', '-f', 'examples'], undefined, target)
  const all = await until(
    async () =>
      (await get(ns, 'ai', target)).items.map(
        (item: Shown) => `${item.kind}/${item.metadata.name} ${readyOf(item)}`,
      ),
    (lines: readonly string[]) =>
      lines.length > 0 && lines.every((line) => line.includes(' True ')),
  )
  expect(all).toHaveLength(15)
  const jobs = await get(ns, 'jobs', target)
  // Each stage ran once: as many Jobs as stages, none of them twice.
  expect(jobs.items).toHaveLength(15)
  await ok(['-n', ns, 'delete', 'ai', '--all'], undefined, target)
  await until(
    async () =>
      (await get(ns, 'jobs,deployments,statefulsets,persistentvolumeclaims', target)).items.length,
    (left) => left === 0,
  )
}

describe('every example reaches Ready, each stage runs once, and deletion leaves nothing', () => {
  // Only the embedded runner, if Metacontroller was not found.
  const drivers = [...new Set([cluster.controller, 'embedded'])]

  test.each(drivers)('driven by %s', async (driver) => {
    if (driver === cluster.controller) return examplesReachReady(cluster)
    const platform = await startPlatform({
      dir: mkdtempSync(join(tmpdir(), 'substratus-embedded-')),
      controller: 'embedded',
      config: { registry: { prefix: 'registry.example.com/substratus' } },
    })
    try {
      await examplesReachReady({
        ...cluster,
        kubeconfig: platform.kubeconfig,
        controller: platform.controller,
      })
    } finally {
      await platform.stop()
    }
  })
})
