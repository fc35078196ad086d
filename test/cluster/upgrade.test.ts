import { expect, test } from 'vitest'
import {
  apply,
  get,
  jobsCreated,
  manifest,
  namespace,
  nudge,
  ok,
  type Shown,
  until,
  untilReady,
} from './cluster.ts'
import { withConfig } from './withconfig.ts'

/** A server of another version or configuration, while workloads run. */

const image = 'example.com/train:1'
const trained = { image, params: { epochs: 1 } }

const jobOf = async (ns: string): Promise<Shown> => (await get(ns, 'jobs')).items[0]
const shape = ({ metadata, spec }: Shown) => ({ uid: metadata.uid, spec })

test('a server that would render other Jobs leaves running Jobs unchanged', async () => {
  const ns = await namespace('upgrade')
  const held = { labels: { simulate: 'hold' } }
  const unpackaged = { ...trained, package: 'Never' }
  await apply(ns, manifest('Model', 'running', unpackaged, held))
  await untilReady(ns, 'model/running', 'False Running')
  const before = shape(await jobOf(ns))

  await withConfig(
    { podSecurity: 'restricted', limits: 'All', images: { seal: 'example.com/seal:2' } },
    async () => {
      await nudge(ns, 'model/running')
      await untilReady(ns, 'model/running', 'False Running')
      expect(shape(await jobOf(ns))).toEqual(before)

      const other = await namespace('upgrade-new')
      await apply(other, manifest('Model', 'new', trained))
      await untilReady(other, 'model/new', 'True Done')
      const made = (await get(other, 'jobs')).items.find(({ metadata }: Shown) =>
        metadata.name.includes('-seal-'),
      )
      expect(made.spec.template.spec.containers[0].image).toBe('example.com/seal:2')

      // First from the Model: the Pod that seals takes its labels.
      for (const what of [['model/running'], ['pods', '--all']])
        await ok(['-n', ns, 'label', ...what, 'simulate-'])
      await untilReady(ns, 'model/running', 'True Done')
      expect(jobsCreated(ns).filter((name) => name.includes('-run-'))).toHaveLength(1)
    },
  )
})

const driver = 'gpu.example.com'
const deviceClass = {
  apiVersion: 'resource.k8s.io/v1',
  kind: 'DeviceClass',
  metadata: { name: driver },
  spec: { selectors: [{ cel: { expression: `device.driver == "${driver}"` } }] },
}
/** What a DRA driver would publish for a node with four GPUs. */
const slice = {
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceSlice',
  metadata: { name: 'gpu-1' },
  spec: {
    driver,
    nodeName: 'gpu-1',
    pool: { name: 'gpu-1', generation: 1, resourceSliceCount: 1 },
    devices: [0, 1, 2, 3].map((number) => ({ name: `gpu-${number}` })),
  },
}

test('dynamically allocated GPUs are claimed, and released', async () => {
  const ns = await namespace('devices')
  await ok(['create', '-f', '-'], [deviceClass, slice].map((one) => JSON.stringify(one)).join('\n'))
  const gpus = { default: 'h100', profiles: { h100: { deviceClassName: driver } } }
  await withConfig({ gpus }, async () => {
    const asking = (count: number) => ({ ...trained, resources: { gpu: { type: 'h100', count } } })
    await apply(ns, manifest('Model', 'm', asking(2), { labels: { simulate: 'hold' } }))
    await untilReady(ns, 'model/m', 'False Running')
    const [claim] = (await get(ns, 'resourceclaims')).items
    expect(claim.status.allocation.devices.results).toHaveLength(2)

    await apply(ns, manifest('Model', 'm', asking(8)))
    await untilReady(ns, 'model/m', /^False Unschedulable: .*cannot allocate all claims/)
    await apply(ns, manifest('Model', 'm', asking(4)))
    await untilReady(ns, 'model/m', 'True Done')
    await until(
      async () => (await get(ns, 'resourceclaims')).items,
      (claims) => claims.length === 0,
    )
    expect((await get(ns, 'resourceclaimtemplates')).items).toHaveLength(1)
  })
})
