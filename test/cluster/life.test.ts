import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import {
  apply,
  get,
  manifest,
  names,
  namespace,
  ok,
  patch,
  readyOf,
  type Shown,
  until,
  untilReady,
  withoutAdmission,
  writes,
} from './cluster.ts'

const image = 'example.com/train:1'
const held = { labels: { simulate: 'hold' } }

// Side by side, because they mostly wait: each has a namespace of its own.

test.concurrent('a changed input creates a new Job and deletes the old one', async () => {
  const ns = await namespace('changed')
  await apply(ns, manifest('Model', 'm', { image, params: { epochs: 1 } }, held))
  await untilReady(ns, 'model/m', 'False Running')
  const [before] = await names(ns, 'jobs')
  await apply(ns, manifest('Model', 'm', { image, params: { epochs: 2 } }, held))
  const after = await until(
    () => names(ns, 'jobs'),
    (jobs) => jobs.length === 1 && jobs[0] !== before,
  )
  expect(after[0]).toMatch(/^Job\/m-model-run-[0-9a-f]{8}$/)
})

test.concurrent('deleting an object deletes its children', async () => {
  const ns = await namespace('deleted')
  await apply(ns, manifest('Dataset', 'd', { source: 'https://example.com/data' }))
  await apply(ns, manifest('Model', 'm', { image }))
  await apply(ns, manifest('ModelServer', 's', { model: { name: 'm' } }))
  await apply(ns, manifest('Notebook', 'n', { model: { name: 'm' }, dataset: { name: 'd' } }))
  for (const what of ['dataset/d', 'model/m', 'modelserver/s', 'notebook/n'])
    await untilReady(ns, what, 'True')
  expect((await names(ns, everything)).length).toBeGreaterThan(8)
  await ok(['-n', ns, 'delete', 'ai', '--all'])
  await until(
    () => names(ns, everything),
    (left) => left.length === 0,
  )
})

const everything =
  'jobs,deployments,replicasets,statefulsets,services,networkpolicies,persistentvolumeclaims,pods'

test.concurrent('suspend and resume apply to a running Job', async () => {
  const ns = await namespace('suspended-job')
  await apply(ns, manifest('Model', 'm', { image, params: { epochs: 1 } }, held))
  await untilReady(ns, 'model/m', 'False Running')
  const [job] = (await get(ns, 'jobs')).items
  await patch(ns, 'model/m', { suspend: true })
  await untilReady(ns, 'model/m', 'True Suspended')
  await until(
    () => names(ns, 'pods'),
    (pods) => pods.length === 0,
  )
  await patch(ns, 'model/m', { suspend: false })
  await untilReady(ns, 'model/m', 'False Running')
  const [same] = (await get(ns, 'jobs')).items
  expect(same.metadata.uid).toBe(job.metadata.uid)
})

test.concurrent('suspend, resume and kubectl scale apply to a server', async () => {
  const ns = await namespace('suspended-server')
  await apply(ns, manifest('Model', 'm', { image }))
  await apply(ns, manifest('ModelServer', 's', { model: { name: 'm' } }))
  await untilReady(ns, 'modelserver/s', 'True Serving')
  await patch(ns, 'modelserver/s', { suspend: true })
  await untilReady(ns, 'modelserver/s', 'True Suspended')
  await until(
    () => names(ns, 'pods'),
    (pods) => pods.length === 0,
  )
  await patch(ns, 'modelserver/s', { suspend: false })
  await untilReady(ns, 'modelserver/s', 'True Serving: 1 of 1')
  await ok(['-n', ns, 'scale', 'modelserver', 's', '--replicas=3'])
  await untilReady(ns, 'modelserver/s', 'True Serving: 3 of 3')
  const server = await get(ns, 'modelserver/s')
  expect(server.status.replicas).toBe(3)
  const pods = await ok(['-n', ns, 'get', 'pods', '-l', server.status.selector, '-o', 'name'])
  expect(pods.trim().split('\n')).toHaveLength(3)
})

test.concurrent('suspend and resume apply to a notebook, and its home survives', async () => {
  const ns = await namespace('suspended-notebook')
  await apply(ns, manifest('Notebook', 'n', {}))
  await untilReady(ns, 'notebook/n', 'True Serving')
  const { metadata } = await get(ns, 'pvc/n-notebook-home')
  await patch(ns, 'notebook/n', { suspend: true })
  await untilReady(ns, 'notebook/n', 'True Suspended')
  await until(
    () => names(ns, 'pods'),
    (pods) => pods.length === 0,
  )
  expect((await get(ns, 'pvc/n-notebook-home')).metadata.uid).toBe(metadata.uid)
  await patch(ns, 'notebook/n', { suspend: false })
  await untilReady(ns, 'notebook/n', 'True Serving')
})

test.concurrent('a changed notebook waits for its Pod to be deleted', async () => {
  const ns = await namespace('pending-notebook')
  await apply(ns, manifest('Notebook', 'n', {}))
  await untilReady(ns, 'notebook/n', 'True Serving')
  await patch(ns, 'notebook/n', { env: { COLOUR: 'blue' } })
  await untilReady(ns, 'notebook/n', 'True UpdatePending')
  await ok(['-n', ns, 'delete', 'pod', 'n-notebook-0'])
  await untilReady(ns, 'notebook/n', 'True Serving')
})

test.concurrent('names of 50 characters work for every child', async () => {
  const ns = await namespace('long')
  const name = 'n'.repeat(50)
  await apply(ns, manifest('Model', name, { build: { git: { url: 'https://example.com/r' } } }))
  await apply(
    ns,
    manifest('ModelServer', name, {
      model: { name },
      build: { git: { url: 'https://example.com/r' } },
    }),
  )
  await apply(ns, manifest('Notebook', name, { model: { name } }))
  for (const kind of ['model', 'modelserver', 'notebook'])
    await untilReady(ns, `${kind}/${name}`, 'True')
})

// Alone, because it removes the webhook of all namespaces.
test('an object that breaks a rule retains its children, and Ready names the rule', async () => {
  const ns = await namespace('invalid')
  await apply(ns, manifest('Notebook', 'n', {}))
  await untilReady(ns, 'notebook/n', 'True Serving')
  const before = await names(ns, 'statefulsets,services,networkpolicies,persistentvolumeclaims')
  await withoutAdmission(async () => {
    await patch(ns, 'notebook/n', { resources: { gpu: { type: 'nvidia-l5' } } })
    await untilReady(
      ns,
      'notebook/n',
      /^False InvalidSpec: spec\.resources\.gpu\.type: Unsupported value: "nvidia-l5"/,
    )
  })
  const after = await names(ns, 'statefulsets,services,networkpolicies,persistentvolumeclaims')
  expect(after).toEqual(before)
  await patch(ns, 'notebook/n', { resources: null })
  await untilReady(ns, 'notebook/n', 'True')
})

// Alone, because it keeps everything busy.
test('objects that are deleted and recreated at once get all their children', async () => {
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
  // The garbage collector still deletes the children of the old objects.
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

test.concurrent('a foreign object with the name of a child is reported by name, and left alone', async () => {
  const ns = await namespace('foreign')
  await ok(['-n', ns, 'create', 'service', 'clusterip', 's-server', '--tcp=80'])
  const { uid } = (await get(ns, 'service/s-server')).metadata
  await apply(ns, manifest('Model', 'm', { image }))
  await apply(ns, manifest('ModelServer', 's', { model: { name: 'm' } }))
  // It might have been created, and not be seen yet, for a minute.
  await until(
    async () => readyOf(await get(ns, 'modelserver/s')),
    (ready) =>
      ready ===
      'False ChildMissing: Service "s-server" is wanted and does not exist: does another object own the name?',
    120,
  )
  expect((await get(ns, 'service/s-server')).metadata.uid).toBe(uid)
  await ok(['-n', ns, 'delete', 'service', 's-server'])
  await untilReady(ns, 'modelserver/s', 'True Serving')
})

/** The server's Events, which the audit log leaves out. */
const told = async (ns: string): Promise<readonly string[]> =>
  (await get(ns, 'events')).items
    .filter(({ source }: Shown) => source.component === 'substratus')
    .map(({ metadata }: Shown) => metadata.name)

test.concurrent('nothing is written for a minute when nothing changes', async () => {
  const ns = await namespace('idle')
  await apply(ns, manifest('Dataset', 'd', { source: 'https://example.com/data' }))
  await apply(ns, manifest('Model', 'm', { image, dataset: { name: 'd' }, params: { a: 1 } }))
  await apply(ns, manifest('ModelServer', 's', { model: { name: 'm' } }))
  await apply(ns, manifest('Notebook', 'n', { model: { name: 'm' }, idleTimeout: '2h' }))
  for (const what of ['dataset/d', 'model/m', 'modelserver/s', 'notebook/n'])
    await untilReady(ns, what, 'True')
  await sleep(10_000)
  const [before, events] = [writes(ns), await told(ns)]
  await sleep(60_000)
  expect(writes(ns).slice(before.length)).toEqual([])
  expect(await told(ns)).toEqual(events)
})
