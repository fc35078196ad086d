import { setTimeout as sleep } from 'node:timers/promises'
import { expect, inject, test } from 'vitest'
import {
  apply,
  claimOf,
  failures,
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
  writes,
} from './cluster.ts'
import { kill, serverReady } from './processes.ts'

/** Expensive work is done once, whatever fails around it: Jobs are counted in the audit log. */
const image = 'example.com/train:1'
const trained = { image, params: { epochs: 1 } }
const packages = (jobs: readonly string[]) => jobs.filter((name) => name.includes('-package-'))
const runs = (jobs: readonly string[]) => jobs.filter((name) => name.includes('-run-'))
const annotate = (ns: string, what: string, annotation: string) =>
  ok(['-n', ns, 'annotate', '--overwrite', what, annotation])

test('a hundred Models whose Jobs vanish at once, and hooks that are away for a while', async () => {
  const ns = await namespace('hundred')
  const spec = { ...trained, package: 'Never', runPolicy: { ttlSecondsAfterFinished: 0 } }
  const all = Array.from({ length: 100 }, (_, number) => `m-${number}`)
  const models = all.map((name) => manifest('Model', name, spec)).join('\n---\n')
  const applying = () => kubectl(['-n', ns, 'apply', '-f', '-'], models)
  // In the middle of it: what comes while admission is away is refused.
  const first = applying()
  await until(
    async () => jobsCreated(ns).length,
    (jobs) => jobs >= 20,
  )
  const start = await kill('server')
  const made = jobsCreated(ns).length
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
  expect(created).toHaveLength(100)
  expect(new Set(created.map((name) => name.replace(/-model-run-\w+$/, '')))).toEqual(new Set(all))
}, 480_000)

test('a finished run is not repeated', async () => {
  const ns = await namespace('finished')
  await apply(ns, manifest('Model', 'm', trained))
  await untilReady(ns, 'model/m', 'True Done')
  const created = jobsCreated(ns)
  expect(created).toHaveLength(2)
  const unrepeated = async () => {
    await nudge(ns, 'model/m')
    await untilReady(ns, 'model/m', 'True Done')
    expect(jobsCreated(ns)).toEqual(created)
  }

  await ok(['-n', ns, 'delete', 'jobs', '--all'])
  await unrepeated()

  // More memory makes the next attempt another one; there is none.
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

/** Does what admission would refuse. */
async function withoutAdmission(act: () => Promise<unknown>): Promise<void> {
  const hooks = await ok(['get', 'validatingwebhookconfiguration', 'substratus', '-o', 'json'])
  await ok(['delete', 'validatingwebhookconfiguration', 'substratus'])
  try {
    await act()
  } finally {
    const { metadata, ...rest } = JSON.parse(hooks)
    await ok(['create', '-f', '-'], JSON.stringify({ ...rest, metadata: { name: metadata.name } }))
  }
}

test('a spec that is invalid for a while does not repeat it', async () => {
  const ns = await namespace('invalid-between')
  await apply(ns, manifest('Model', 'm', trained))
  await untilReady(ns, 'model/m', 'True Done')
  const created = jobsCreated(ns)
  // The record alone remembers it.
  await ok(['-n', ns, 'delete', 'jobs', '--all'])
  await withoutAdmission(async () => {
    await patch(ns, 'model/m', { resources: { gpu: { type: 'nvidia-l5' } } })
    await untilReady(ns, 'model/m', 'False InvalidSpec')
  })
  await patch(ns, 'model/m', { resources: null })
  await untilReady(ns, 'model/m', 'True Done')
  expect(jobsCreated(ns)).toEqual(created)
})

test('a new value of the rerun annotation repeats it; the same, and none, do not', async () => {
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
  expect(jobsCreated(ns)).toHaveLength(4)
})

test('more memory after being killed for memory makes a new attempt', async () => {
  const ns = await namespace('oom')
  await apply(ns, manifest('Model', 'm', trained, { labels: { simulate: 'oom' } }))
  await untilReady(ns, 'model/m', 'False OOMKilled')
  await apply(ns, manifest('Model', 'm', { ...trained, resources: { memory: 64 } }))
  await untilReady(ns, 'model/m', 'True Done')
  expect(runs(jobsCreated(ns))).toHaveLength(2)
})

test('who uses a Model stays on its last result until the next is complete', async () => {
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

test.each([
  {
    how: 'trained again',
    change: (ns: string) => annotate(ns, 'model/base', 'substratus.ai/rerun=once'),
  },
  { how: 'changed', change: (ns: string) => patch(ns, 'model/base', { params: { epochs: 2 } }) },
])('a base that was $how marks its dependants stale, and starts nothing', async ({ change }) => {
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

test('objects that are deleted and applied again at once have every child', async () => {
  const ns = await namespace('again')
  const all = Array.from({ length: 20 }, (_, number) => manifest('Notebook', `n-${number}`, {}))
  await apply(ns, ...all)
  await untilReady(ns, 'notebook/n-19', 'True')
  await ok(['-n', ns, 'delete', 'notebooks', '--all', '--wait=false'])
  await apply(ns, ...all)
  await until(
    async () => (await get(ns, 'notebooks')).items,
    (items) => items.length === 20 && items.every((item: Shown) => item.status?.ready),
    120,
  )
  // The garbage collector is still at the old ones' children.
  await sleep(10_000)
  const owners = (await get(ns, 'notebooks')).items.map(({ metadata }: Shown) => metadata.uid)
  const kinds = 'statefulsets,services,networkpolicies,persistentvolumeclaims'
  const children = (await get(ns, kinds)).items.filter(
    ({ metadata }: Shown) =>
      !metadata.deletionTimestamp && owners.includes(metadata.ownerReferences?.[0]?.uid),
  )
  expect(children).toHaveLength(80)
  await until(
    async () => (await get(ns, 'notebooks')).items,
    (items) => items.every((item: Shown) => item.status?.ready),
  )
})

test('a foreign object under the name of a child is told by name, and left alone', async () => {
  const ns = await namespace('foreign')
  await ok(['-n', ns, 'create', 'service', 'clusterip', 's-server', '--tcp=80'])
  const { uid } = (await get(ns, 'service/s-server')).metadata
  await apply(ns, manifest('Model', 'm', { image }))
  await apply(ns, manifest('ModelServer', 's', { model: { name: 'm' } }))
  await untilReady(
    ns,
    'modelserver/s',
    'False ChildMissing: Service "s-server" is wanted and does not exist: does another object own the name?',
  )
  expect((await get(ns, 'service/s-server')).metadata.uid).toBe(uid)
  await ok(['-n', ns, 'delete', 'service', 's-server'])
  await untilReady(ns, 'modelserver/s', 'True Serving')
})

test('objects that are restored with their status run nothing again; without it they do', async () => {
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
  expect(created).toHaveLength(2)

  // The commands of docs/backup.md, in a cluster that has lost all of it.
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
  expect((await get(ns, 'pvc/m-model-artifacts')).metadata.ownerReferences[0].uid).toBe(uid)

  const without = await namespace('restored-without')
  await apply(without, manifest('Model', 'm', trained))
  await untilReady(without, 'model/m', 'True Done')
  expect(jobsCreated(without)).toHaveLength(2)
})

test('a claim that is deleted with a result in it is told, and not replaced by an empty one', async () => {
  const ns = await namespace('gone')
  await apply(ns, manifest('Model', 'm', { ...trained, package: 'Never' }))
  await untilReady(ns, 'model/m', 'True Done')
  await ok(['-n', ns, 'delete', 'pods', '--all'])
  await ok(['-n', ns, 'delete', 'pvc', 'm-model-artifacts'])
  await untilReady(
    ns,
    'model/m',
    'False ChildMissing: PersistentVolumeClaim "m-model-artifacts" is gone, and the result with it',
  )
  expect(await names(ns, 'pvc')).toEqual([])
  await annotate(ns, 'model/m', 'substratus.ai/rerun=once')
  await untilReady(ns, 'model/m', 'True Done')
  expect(runs(jobsCreated(ns))).toHaveLength(2)
})

test('a growing disk expands the claim; a shrinking one is refused, and told when it came past', async () => {
  const ns = await namespace('disk')
  const size = async () => (await get(ns, 'pvc/n-notebook-home')).spec.resources.requests.storage
  await apply(ns, manifest('Notebook', 'n', { resources: { disk: 10 } }))
  await untilReady(ns, 'notebook/n', 'True')
  await patch(ns, 'notebook/n', { resources: { disk: 30 } })
  await until(size, (now) => now === '30Gi')
  const refused = await kubectl([
    '-n',
    ns,
    'patch',
    'notebook/n',
    '--type=merge',
    '-p',
    '{"spec":{"resources":{"disk":20}}}',
  ])
  expect(refused.stderr).toContain('may not shrink from 30Gi to 20Gi')
  await withoutAdmission(() => patch(ns, 'notebook/n', { resources: { disk: 20 } }))
  await untilReady(ns, 'notebook/n', /^True .*; disk stays 30Gi: a claim cannot shrink to 20Gi$/)
  expect(await size()).toBe('30Gi')
  // Nothing is tried over and over.
  const [done, refusals] = [writes(ns), failures(ns)]
  await nudge(ns, 'notebook/n')
  await sleep(10_000)
  expect(failures(ns)).toEqual(refusals)
  expect(
    writes(ns)
      .slice(done.length)
      .filter((line) => !line.includes(' patch notebooks/')),
  ).toEqual([])
})
