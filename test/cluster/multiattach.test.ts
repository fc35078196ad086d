import { expect, test } from 'vitest'
import { apply, get, manifest, namespace, ok, type Shown, until, untilReady } from './cluster.ts'
import { simulate } from './troubles.ts'

/**
 * A volume that one node mounts. The control plane's own attach-detach controller writes the words; the
 * test stands in for the CSI driver, which attaches.
 */

const managed = 'volumes.kubernetes.io/controller-managed-attach-detach=true'
const driver = 'disk.test.substratus.ai'
const [holder, next] = ['gpu-1', 'gpu-2']

const create = (...objects: readonly object[]) =>
  ok(['create', '-f', '-'], objects.map((object) => JSON.stringify(object)).join('\n---\n'))

const csiNode = (name: string, uid: string) => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'CSINode',
  metadata: { name, ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid }] },
  spec: { drivers: [{ name: driver, nodeID: name, topologyKeys: null }] },
})

const volume = (name: string, ns: string) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name },
  spec: {
    accessModes: ['ReadWriteOnce'],
    capacity: { storage: '1Gi' },
    storageClassName: '',
    csi: { driver, volumeHandle: name },
    claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: ns, name: 'disk' },
  },
})

const claim = (volumeName: string) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'disk' },
  spec: {
    accessModes: ['ReadWriteOnce'],
    storageClassName: '',
    volumeName,
    resources: { requests: { storage: '1Gi' } },
  },
})

const user = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'holder' },
  spec: {
    nodeName: holder,
    containers: [{ name: 'it', image: 'example.com/it:1' }],
    volumes: [{ name: 'disk', persistentVolumeClaim: { claimName: 'disk' } }],
  },
}

/** Acts as the driver: attaches what should be attached to a node. */
async function attach(volumeName: string, node: string): Promise<void> {
  const { metadata } = await until(
    async () =>
      JSON.parse(await ok(['get', 'volumeattachments', '-o', 'json'])).items.find(
        ({ spec }: Shown) =>
          spec.source.persistentVolumeName === volumeName && spec.nodeName === node,
      ),
    (found: Shown) => found !== undefined,
    120,
  )
  const status = JSON.stringify({ status: { attached: true } })
  const merge = ['--subresource=status', '--type=merge', '-p', status]
  await ok(['patch', 'volumeattachment', metadata.name, ...merge])
}

test('a volume that another node has is reported in the words of Kubernetes, until it is free', async () => {
  const ns = await namespace('multiattach')
  const disk = `disk-of-${ns}`
  await create({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSIDriver',
    metadata: { name: driver },
    spec: { attachRequired: true },
  })
  for (const node of [holder, next]) {
    const { metadata } = JSON.parse(await ok(['get', 'node', node, '-o', 'json']))
    await create(csiNode(node, metadata.uid))
    // A kubelet sets it, and without it the controller leaves the node alone.
    await ok(['annotate', '--overwrite', 'node', node, managed])
  }
  await create(volume(disk, ns))
  await apply(ns, JSON.stringify(claim(disk)), JSON.stringify(user))
  await attach(disk, holder)

  const pod = { nodeSelector: { 'kubernetes.io/hostname': next } }
  await apply(
    ns,
    manifest('Model', 'kept', { source: 'pvc://disk/model' }),
    manifest('ModelServer', 'it', { model: { name: 'kept' }, pod }, simulate('mount')),
  )
  const start = Date.now()
  await untilReady(
    ns,
    'modelserver/it',
    new RegExp(
      `^False VolumeUnavailable: Pod "it-server-\\S+": Multi-Attach error for volume "${disk}" Volume is already used by pod\\(s\\) holder$`,
    ),
  )
  expect(Date.now() - start).toBeLessThan(20_000)

  await ok(['-n', ns, 'delete', 'pod', 'holder', '--force', '--grace-period=0'])
  await attach(disk, next)
  await ok(['-n', ns, 'label', 'pods', '--all', 'simulate-'])
  await untilReady(ns, 'modelserver/it', 'True Serving')
  const events = (await get(ns, 'events')).items.filter(
    ({ involvedObject, source }: Shown) =>
      involvedObject.kind === 'ModelServer' && source.component === 'substratus',
  )
  expect(events.map(({ reason }: Shown) => reason)).toEqual(
    expect.arrayContaining(['VolumeUnavailable', 'Serving']),
  )
}, 300_000)
