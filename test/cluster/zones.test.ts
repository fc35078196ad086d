import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { startPlatform } from '../../platform/platform.ts'
import { get, manifest, namespace, ok, readyOf, type Shown, until } from './cluster.ts'

/**
 * Two zones, and volumes that are each in one of them. No container runs, but the scheduler is real: it
 * binds a claim to a volume that the node of its first Pod can reach, and later Pods follow the volume.
 */

type Target = ReturnType<typeof inject<'cluster'>>

const zone = 'topology.kubernetes.io/zone'
const zones = { 'gpu-1': 'a', 'gpu-2': 'b' } as const
const volumesInEach = 16

/** The scheduler's words, before Kubernetes 1.36 and since. */
const apart =
  /^False Unschedulable: 0\/2 nodes are available: .*(volume node affinity conflict|didn't match PersistentVolume's node affinity)/

let target: Target
let stop: (() => Promise<void>) | undefined

/** The class of local volumes: nothing provisions them, and a claim waits for its first Pod. */
const storageClass = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'zonal' },
  provisioner: 'kubernetes.io/no-provisioner',
  volumeBindingMode: 'WaitForFirstConsumer',
}

const volume = (of: string, index: number) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name: `${of}-${index}`, labels: { [zone]: of } },
  spec: {
    capacity: { storage: '1Ti' },
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'zonal',
    persistentVolumeReclaimPolicy: 'Retain',
    hostPath: { path: `/nonexistent/${of}/${index}` },
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: zone, operator: 'In', values: [of] }] }],
      },
    },
  },
})

beforeAll(async () => {
  const cluster = inject('cluster')
  const platform = await startPlatform({
    dir: mkdtempSync(join(tmpdir(), 'substratus-zones-')),
    config: {
      registry: { prefix: 'registry.example.com/substratus' },
      storage: { pvc: { className: 'zonal', nodeSelector: { [zone]: 'a' } } },
    },
  })
  stop = platform.stop
  target = { ...cluster, kubeconfig: platform.kubeconfig, controller: platform.controller }
  for (const [node, name] of Object.entries(zones))
    await ok(['label', 'node', node, `${zone}=${name}`], undefined, target)
  const volumes = Object.values(zones).flatMap((name) =>
    Array.from({ length: volumesInEach }, (_, index) => volume(name, index)),
  )
  const all = [storageClass, ...volumes].map((object) => JSON.stringify(object)).join('\n---\n')
  await ok(['apply', '-f', '-'], all, target)
})
afterAll(() => stop?.())

/** Each Pod that mounts claims, with its own zone and those of their volumes: `Pod a: a, a`. */
async function mountsIn(ns: string): Promise<readonly string[]> {
  const claims = new Map<string, string>(
    (await get(ns, 'pvc', target)).items.map(({ metadata, spec }: Shown) => [
      metadata.name,
      spec.volumeName?.replace(/-\d+$/, ''),
    ]),
  )
  return (await get(ns, 'pods', target)).items.flatMap(({ spec }: Shown) => {
    const mounted = spec.volumes.flatMap(
      ({ persistentVolumeClaim: claim }: Shown) => (claim && claims.get(claim.claimName)) ?? [],
    )
    const own = zones[spec.nodeName as keyof typeof zones]
    return mounted.length ? [`Pod ${own}: ${mounted.join(', ')}`] : []
  })
}

test('every example is scheduled where its volumes are', async () => {
  const ns = await namespace('zones', target)
  const applied = await ok(['-n', ns, 'apply', '-f', 'examples'], undefined, target)
  const count = applied.trim().split('\n').length
  await until(
    async () => (await get(ns, 'ai', target)).items.map(readyOf),
    (lines: readonly string[]) =>
      lines.length === count && lines.every((line) => line.startsWith('True ')),
  )
  const mounts = await mountsIn(ns)
  expect(mounts.length).toBeGreaterThan(5)
  for (const line of mounts) expect(line).toMatch(/^Pod a: a(, a)*$|^Pod b: b(, b)*$/)
})

test('a Pod follows the volume, and Ready has the scheduler’s words if no node can mount all of them', async () => {
  const ns = await namespace('apart', target)
  const inB = { pod: { nodeSelector: { [zone]: 'b' } } }
  const apply = (...manifests: readonly string[]) =>
    ok(['-n', ns, 'apply', '-f', '-'], manifests.join('\n---\n'), target)
  const ready = (what: string, says: RegExp) =>
    until(
      async () => readyOf(await get(ns, what, target)),
      (line) => says.test(line),
    )
  await apply(
    manifest('Dataset', 'far', { source: 'https://example.com/data', ...inB }),
    manifest('Model', 'near', { source: 'hf://a/b' }),
  )
  await ready('dataset/far', /^True/)
  await ready('model/near', /^True/)
  await apply(
    manifest('Notebook', 'beside', { image: 'i', dataset: { name: 'far' } }),
    manifest('Model', 'both', {
      image: 'i',
      model: { name: 'near' },
      dataset: { name: 'far' },
    }),
    manifest('ModelServer', 'away', { image: 'i', model: { name: 'near' }, ...inB }),
  )
  await ready('notebook/beside', /^True/)
  for (const what of ['model/both', 'modelserver/away']) await ready(what, apart)
  expect((await mountsIn(ns)).filter((line) => !line.includes('undefined')).sort()).toEqual([
    'Pod a: a',
    'Pod b: b',
    'Pod b: b, b',
  ])
})
