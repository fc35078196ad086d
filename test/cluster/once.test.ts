import { setTimeout as sleep } from 'node:timers/promises'
import { expect, inject, test } from 'vitest'
import {
  apply,
  claimOf,
  get,
  jobsCreated,
  kubectl,
  manifest,
  names,
  namespace,
  nudge,
  ok,
  patch,
  readyOf,
  type Shown,
  until,
  untilReady,
  withoutAdmission,
} from './cluster.ts'
import { kill, serverReady } from './kill.ts'

/** Expensive work runs once, whatever fails around it. Jobs are counted in the audit log. */
const image = 'example.com/train:1'
const trained = { image, params: { epochs: 1 } }
const packages = (jobs: readonly string[]) => jobs.filter((name) => name.includes('-package-'))
const seals = (jobs: readonly string[]) => jobs.filter((name) => name.includes('-seal-'))
const runs = (jobs: readonly string[]) => jobs.filter((name) => name.includes('-run-'))
const annotate = (ns: string, what: string, annotation: string) =>
  ok(['-n', ns, 'annotate', '--overwrite', what, annotation])

test('a hundred Models run once, although their Jobs are deleted and the hooks are down for a while', async () => {
  const ns = await namespace('hundred')
  const spec = { ...trained, package: 'Never', runPolicy: { ttlSecondsAfterFinished: 0 } }
  const all = Array.from({ length: 100 }, (_, number) => `m-${number}`)
  const models = all.map((name) => manifest('Model', name, spec)).join('\n---\n')
  const applying = () => kubectl(['-n', ns, 'apply', '-f', '-'], models)
  // Halfway: requests are refused while admission is down.
  const first = applying()
  await until(
    async () => runs(jobsCreated(ns)).length,
    (jobs) => jobs >= 20,
  )
  const start = await kill('server')
  const made = runs(jobsCreated(ns)).length
  await sleep(10_000)
  start()
  expect(made).toBeLessThan(100)
  await serverReady()
  await first
  expect((await applying()).code).toBe(0)
  await until(
    async () => (await get(ns, 'models')).items.filter((item: Shown) => !item.status?.ready).length,
    (unready) => unready === 0,
    300,
  )
  await until(
    () => names(ns, 'jobs'),
    (jobs) => jobs.length === 0,
  )
  const created = jobsCreated(ns)
  expect(created).toHaveLength(200)
  for (const stage of [runs, seals])
    expect(
      stage(created)
        .map((name) => name.replace(/-model-\w+-\w+$/, ''))
        .sort(),
    ).toEqual(all.toSorted())
}, 480_000)

test('a finished run is not repeated after its Job is deleted', async () => {
  const ns = await namespace('finished')
  await apply(ns, manifest('Model', 'm', trained))
  await untilReady(ns, 'model/m', 'True Done')
  const created = jobsCreated(ns)
  expect(created).toHaveLength(3)
  const unrepeated = async () => {
    await nudge(ns, 'model/m')
    await untilReady(ns, 'model/m', 'True Done')
    expect(jobsCreated(ns)).toEqual(created)
  }

  await ok(['-n', ns, 'delete', 'jobs', '--all'])
  await unrepeated()

  // More memory would change the next attempt, but there is none.
  await patch(ns, 'model/m', { resources: { memory: 64 } })
  await unrepeated()

  for (const name of ['server', inject('cluster').controller, 'kube-apiserver']) {
    const start = await kill(name)
    await sleep(1000)
    start()
    await until(() => ok(['get', '--raw', '/readyz']), Boolean, 60)
    await serverReady()
    await until(
      async () => (await kubectl(['-n', ns, 'label', '--overwrite', 'model/m', 'again=1'])).code,
      (code) => code === 0,
    )
    await unrepeated()
  }
})

// Alone, because it removes the webhook of all namespaces.
test('a temporarily invalid spec does not repeat a finished run', async () => {
  const ns = await namespace('invalid-between')
  await apply(ns, manifest('Model', 'm', trained))
  await untilReady(ns, 'model/m', 'True Done')
  const created = jobsCreated(ns)
  // Only the status still records the run.
  await ok(['-n', ns, 'delete', 'jobs', '--all'])
  await withoutAdmission(async () => {
    await patch(ns, 'model/m', { resources: { gpu: { type: 'nvidia-l5' } } })
    await untilReady(ns, 'model/m', 'False InvalidSpec')
  })
  await patch(ns, 'model/m', { resources: null })
  await untilReady(ns, 'model/m', 'True Done')
  expect(jobsCreated(ns)).toEqual(created)
})

// The tests up to the last one restart nothing, so they run concurrently.
test.concurrent('only a new value of the rerun annotation repeats a finished run', async () => {
  const ns = await namespace('rerun')
  await apply(ns, manifest('Model', 'm', trained))
  await untilReady(ns, 'model/m', 'True Done')
  const first = (await get(ns, 'model/m')).status.artifacts.id
  await annotate(ns, 'model/m', 'substratus.ai/rerun=once')
  await until(
    async () => (await get(ns, 'model/m')).status,
    ({ ready, artifacts }) => ready && artifacts.id !== first,
  )
  expect(runs(jobsCreated(ns))).toHaveLength(2)
  expect(packages(jobsCreated(ns))).toHaveLength(2)
  await annotate(ns, 'model/m', 'substratus.ai/rerun=once')
  await nudge(ns, 'model/m')
  await annotate(ns, 'model/m', 'substratus.ai/rerun-')
  await nudge(ns, 'model/m')
  await untilReady(ns, 'model/m', 'True Done')
  expect(jobsCreated(ns)).toHaveLength(6)
})

test.concurrent('more memory after OOMKilled starts a new attempt', async () => {
  const ns = await namespace('oom')
  await apply(ns, manifest('Model', 'm', trained, { labels: { simulate: 'oom' } }))
  await untilReady(ns, 'model/m', 'False OOMKilled')
  await apply(ns, manifest('Model', 'm', { ...trained, resources: { memory: 64 } }))
  await untilReady(ns, 'model/m', 'True Done')
  expect(runs(jobsCreated(ns))).toHaveLength(2)
})

test.concurrent('more memory for a run stops it first, and the next attempt has its folder', async () => {
  const ns = await namespace('more-memory')
  const held = { labels: { simulate: 'hold' } }
  const unpackaged = { ...trained, package: 'Never' }
  await apply(ns, manifest('Model', 'm', unpackaged, held))
  await untilReady(ns, 'model/m', 'False Running')
  const [former] = (await get(ns, 'jobs')).items
  await apply(ns, manifest('Model', 'm', { ...unpackaged, resources: { memory: 64 } }))
  await untilReady(ns, 'model/m', 'True Done')
  const jobs = (await get(ns, 'jobs')).items
  const [next, ...others] = jobs.filter(({ metadata }: Shown) => !metadata.name.includes('-seal-'))
  expect(others).toEqual([])
  expect(next.metadata.name).not.toBe(former.metadata.name)
  const folderOf = ({ spec }: Shown): string =>
    spec.template.spec.containers[0].volumeMounts.find(
      ({ name }: { name: string }) => name === 'artifacts',
    ).subPath
  expect(folderOf(next)).toBe(folderOf(former))
  const { artifacts } = (await get(ns, 'model/m')).status
  expect(artifacts.url).toBe(`pvc://m-model-artifacts/${folderOf(next)}`)
  expect(runs(jobsCreated(ns))).toHaveLength(2)
})

test.concurrent('a referrer uses the last result of a Model until the next one is complete', async () => {
  const ns = await namespace('consumers')
  await apply(ns, manifest('Model', 'm', trained))
  await apply(ns, manifest('ModelServer', 's', { model: { name: 'm' } }))
  await untilReady(ns, 'modelserver/s', 'True Serving')
  const before = (await get(ns, 'deployment/s-server')).spec.template
  await apply(
    ns,
    manifest('Model', 'm', { ...trained, params: { epochs: 2 } }, { labels: { simulate: 'hold' } }),
  )
  await untilReady(ns, 'model/m', 'False Running')
  await nudge(ns, 'modelserver/s')
  expect(readyOf(await get(ns, 'modelserver/s'))).toMatch(/^True Serving/)
  const between = (await get(ns, 'deployment/s-server')).spec.template
  expect(between.spec.containers[0].image).toBe(before.spec.containers[0].image)
  await ok(['-n', ns, 'label', 'model/m', 'simulate-'])
  await ok(['-n', ns, 'label', 'pods', '--all', 'simulate-'])
  await until(
    async () => (await get(ns, 'deployment/s-server')).spec.template.spec.containers[0].image,
    (now) => now !== before.spec.containers[0].image,
  )
})

test.concurrent.each([
  {
    how: 'trained again',
    change: (ns: string) => annotate(ns, 'model/base', 'substratus.ai/rerun=once'),
  },
  { how: 'changed', change: (ns: string) => patch(ns, 'model/base', { params: { epochs: 2 } }) },
])('a base that was $how marks its referrers stale, and starts nothing', async ({ change }) => {
  const ns = await namespace('stale')
  await apply(ns, manifest('Model', 'base', trained))
  await apply(ns, manifest('Model', 'tuned', { image, model: { name: 'base' } }))
  await untilReady(ns, 'model/tuned', 'True Done')
  const tunings = () => jobsCreated(ns).filter((name) => name.startsWith('tuned-'))
  const once = tunings()
  await change(ns)
  await untilReady(ns, 'model/tuned', 'True Stale: made from an older state of Model "base"')
  await nudge(ns, 'model/tuned')
  expect(tunings()).toEqual(once)

  await untilReady(ns, 'model/base', 'True Done')
  await annotate(ns, 'model/tuned', 'substratus.ai/rerun=once')
  await untilReady(ns, 'model/tuned', 'True Done')
  expect(tunings()).toHaveLength(2 * once.length)
  const base = (await get(ns, 'model/base')).status.artifacts
  const { job, upstream } = (await get(ns, 'model/tuned')).status.stages.run
  expect(upstream).toEqual({ model: base.id })
  const { volumes } = (await get(ns, `job/${job}`)).spec.template.spec
  expect(JSON.stringify(volumes)).toContain(base.image)
})

test('objects that are restored with their status rerun nothing; without it they rerun', async () => {
  const ns = await namespace('restored')
  const kinds = 'datasets,models,modelservers,notebooks'
  const isAdopted = inject('cluster').controller === 'metacontroller'
  const areReady = () =>
    until(
      async () => (await get(ns, kinds)).items.map(readyOf),
      (readies) =>
        readies.length === 3 &&
        readies.every((ready: string) => /^True (Done|Serving)/.test(ready)),
    )
  await apply(ns, manifest('Model', 'base', { image }))
  await apply(ns, manifest('Model', 'm', { ...trained, model: { name: 'base' } }))
  await apply(ns, manifest('ModelServer', 's', { model: { name: 'm' } }))
  await areReady()
  const created = jobsCreated(ns)
  expect(created).toHaveLength(3)

  // The steps of docs/operate.md, in a cluster that has lost everything.
  const saved = await get(ns, kinds)
  for (const { metadata } of saved.items)
    for (const field of [
      'uid',
      'resourceVersion',
      'generation',
      'creationTimestamp',
      'managedFields',
    ])
      delete metadata[field]
  const objects = JSON.stringify(saved)
  await ok(['-n', ns, 'delete', kinds, '--all'])
  await until(
    () => names(ns, 'jobs,persistentvolumeclaims,deployments,pods'),
    (left) => left.length === 0,
  )
  const start = await kill(inject('cluster').controller)
  try {
    await until(
      () => kubectl(['apply', '-f', '-'], objects),
      ({ code }) => code === 0,
    )
    await ok(['apply', '--server-side', '--subresource', 'status', '-f', '-'], objects)
    await apply(ns, claimOf((await get(ns, 'model/m')).metadata, isAdopted))
  } finally {
    start()
  }
  await nudge(ns, 'model/m')
  await areReady()
  expect(jobsCreated(ns)).toEqual(created)
  const { uid } = (await get(ns, 'model/m')).metadata
  // Its restored status says Ready before Metacontroller has adopted the claim.
  await until(
    () => get(ns, 'pvc/m-model-artifacts'),
    ({ metadata }) => metadata.ownerReferences?.[0]?.uid === uid,
  )

  const without = await namespace('restored-without')
  for (const { apiVersion, kind, metadata, spec } of saved.items)
    if (kind === 'Model')
      await apply(
        without,
        JSON.stringify({ apiVersion, kind, metadata: { name: metadata.name }, spec }),
      )
  await untilReady(without, 'model/m', 'True Done')
  expect(jobsCreated(without)).toHaveLength(3)
})
