import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import {
  apply,
  get,
  jobsCreated,
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
} from '../cluster/cluster.ts'
import { withConfig } from '../cluster/withconfig.ts'
import { priorityLabel, queueLabel, queues, reservedGpus } from './queues.ts'

/** Models in queues of a real Kueue, which decides when their Jobs run. */

interface Wanted {
  readonly gpus?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly more?: object
}

/** A training in the queue `gpus`. */
const training = (name: string, { gpus = 1, labels = {}, more = {} }: Wanted = {}): string =>
  manifest(
    'Model',
    name,
    {
      image: 'example.com/train:1',
      params: { name },
      resources: { gpu: { type: 'nvidia-l4', count: gpus } },
      package: 'Never',
      ...more,
    },
    { labels: { [queueLabel]: 'gpus', ...labels } },
  )

const held = { simulate: 'hold' }

/** Lets a training end that was held, and what follows it. */
async function end(ns: string, name: string): Promise<void> {
  await ok(['-n', ns, 'label', `model/${name}`, 'simulate-'])
  await release(ns, name)
}

const release = (ns: string, name: string): Promise<string> =>
  ok(['-n', ns, 'label', 'pods', '-l', `substratus.ai/name=${name}`, 'simulate-'])

const runs = (ns: string, name: string): readonly string[] =>
  jobsCreated(ns).filter((job) => job.startsWith(`${name}-model-run-`))

const jobOf = async (ns: string, name: string, stage = 'run'): Promise<Shown> =>
  (await get(ns, 'jobs')).items.find(({ metadata }: Shown) =>
    metadata.name.startsWith(`${name}-model-${stage}-`),
  )

/** Waits for Kueue's words. Until Kueue is installed, the server looks for it once a minute. */
const untilQueued = (ns: string, name: string, says: RegExp) =>
  until(
    async () => readyOf(await get(ns, `model/${name}`)),
    (ready) => says.test(ready),
    90,
  )

const free = (ns: string) =>
  until(
    () => reservedGpus(ns),
    (gpus) => gpus === 0,
  )

test('a Model is admitted, runs where its flavor says, and becomes Ready', async () => {
  const ns = await namespace('admitted')
  await queues(ns, 1)
  await apply(ns, training('m', { labels: held }))
  await untilReady(ns, 'model/m', 'False Running')
  expect(await reservedGpus(ns)).toBe(1)
  const { spec, metadata } = await jobOf(ns, 'm')
  expect(metadata.labels[queueLabel]).toBe('gpus')
  expect(spec.template.spec.nodeSelector).toEqual({ 'nvidia.com/gpu.product': 'NVIDIA-L4' })
  // Kueue has changed the Job, and nothing changes it back.
  await nudge(ns, 'model/m')
  expect((await jobOf(ns, 'm')).metadata.generation).toBe(metadata.generation)
  await end(ns, 'm')
  await untilReady(ns, 'model/m', 'True Done')
  await free(ns)
  expect(runs(ns, 'm')).toHaveLength(1)
})

test('a second Model waits, in the words of Kueue, until the first has ended', async () => {
  const ns = await namespace('queued')
  await queues(ns, 1)
  await apply(ns, training('first', { labels: held }))
  await untilReady(ns, 'model/first', 'False Running')
  await apply(ns, training('second'))
  await untilQueued(
    ns,
    'second',
    /^False Queued: Job "second-model-run-\w+" waits in queue "gpus": couldn't assign flavors to pod set main: insufficient unused quota for nvidia\.com\/gpu in flavor l4, 1 more needed$/,
  )
  await end(ns, 'first')
  await untilReady(ns, 'model/second', 'True Done')
  await untilReady(ns, 'model/first', 'True Done')
  for (const name of ['first', 'second']) expect(runs(ns, name)).toHaveLength(1)
})

test('a queue that does not exist is named', async () => {
  const ns = await namespace('absent')
  await apply(ns, training('m'))
  await untilQueued(
    ns,
    'm',
    /^False Queued: .* waits in queue "gpus": LocalQueue gpus doesn't exist$/,
  )
})

test('a Model that is preempted comes back, and its run is counted neither as a failure nor twice', async () => {
  const ns = await namespace('preempted')
  await queues(ns, 1, { preemption: { withinClusterQueue: 'LowerPriority' } })
  await apply(ns, training('low', { labels: { ...held, [priorityLabel]: 'low' } }))
  await untilReady(ns, 'model/low', 'False Running')
  const [before] = (await get(ns, 'pods')).items
  await apply(ns, training('high', { labels: { ...held, [priorityLabel]: 'high' } }))
  await untilReady(ns, 'model/high', 'False Running')
  await untilQueued(ns, 'low', /^False Queued: .* waits in queue "gpus": \S/)
  await end(ns, 'high')
  await untilReady(ns, 'model/high', 'True Done')
  await untilReady(ns, 'model/low', 'False Running')
  const job = await jobOf(ns, 'low')
  expect(job.status.failed ?? 0).toBe(0)
  const pods = (await get(ns, 'pods')).items.filter(({ metadata }: Shown) =>
    metadata.name.startsWith('low-'),
  )
  expect(pods).toHaveLength(1)
  expect(pods[0].metadata.uid).not.toBe(before.metadata.uid)
  await end(ns, 'low')
  await untilReady(ns, 'model/low', 'True Done')
  expect(runs(ns, 'low')).toHaveLength(1)
})

test('a Model that is suspended while it runs returns its quota, and resumes in the same folder', async () => {
  const ns = await namespace('suspended')
  await queues(ns, 1)
  await apply(ns, training('m', { labels: held }))
  await untilReady(ns, 'model/m', 'False Running')
  const before = await jobOf(ns, 'm')
  const claims = await names(ns, 'pvc')
  await patch(ns, 'model/m', { suspend: true })
  await untilReady(ns, 'model/m', 'True Suspended')
  expect(await names(ns, 'jobs,pods')).toEqual([])
  expect(await names(ns, 'pvc')).toEqual(claims)
  await free(ns)

  await apply(ns, training('other'))
  await untilReady(ns, 'model/other', 'True Done')
  expect(readyOf(await get(ns, 'model/m'))).toMatch(/^True Suspended/)
  expect(runs(ns, 'm')).toHaveLength(1)

  await patch(ns, 'model/m', { suspend: false })
  await untilReady(ns, 'model/m', 'False Running')
  const after = await jobOf(ns, 'm')
  expect(after.metadata.name).toBe(before.metadata.name)
  expect(after.metadata.uid).not.toBe(before.metadata.uid)
  const mounts = (job: Shown) => job.spec.template.spec.containers[0].volumeMounts
  expect(mounts(after)).toEqual(mounts(before))
  await end(ns, 'm')
  await untilReady(ns, 'model/m', 'True Done')
  expect(runs(ns, 'm')).toHaveLength(2)
})

test('a Model that is suspended while it waits leaves the queue', async () => {
  const ns = await namespace('left')
  await queues(ns, 1)
  await apply(ns, training('first', { labels: held }))
  await untilReady(ns, 'model/first', 'False Running')
  await apply(ns, training('m', { labels: held }))
  await untilReady(ns, 'model/m', 'False Queued')
  await patch(ns, 'model/m', { suspend: true })
  await untilReady(ns, 'model/m', 'True Suspended')
  await end(ns, 'first')
  await untilReady(ns, 'model/first', 'True Done')
  await free(ns)
  await sleep(2000)
  expect(await reservedGpus(ns)).toBe(0)
  expect(await jobOf(ns, 'm')).toBeUndefined()
  await patch(ns, 'model/m', { suspend: false })
  await untilReady(ns, 'model/m', 'False Running')
})

/** A queue that is full for ever: `holder` runs on, and `next` is at the head and needs more than is free. */
async function fullQueue(ns: string): Promise<void> {
  await queues(ns, 2, { queueingStrategy: 'StrictFIFO' })
  await apply(ns, training('holder', { labels: held }))
  await apply(ns, training('m', { labels: held, more: { package: 'Always' } }))
  for (const name of ['holder', 'm']) await untilReady(ns, `model/${name}`, 'False Running')
  await apply(ns, training('next', { gpus: 2 }))
  await untilReady(ns, 'model/next', 'False Queued')
  await end(ns, 'm')
}

test('behind a full queue, sealing and packaging run in the queue for tools', async () => {
  const ns = await namespace('tools')
  await fullQueue(ns)
  await untilReady(ns, 'model/m', 'True Done')
  expect(readyOf(await get(ns, 'model/next'))).toMatch(/^False Queued/)
  for (const stage of ['seal', 'package'])
    expect((await jobOf(ns, 'm', stage)).metadata.labels[queueLabel]).toBe('tools')
})

test('without a queue for tools they wait in the queue of the object', async () => {
  await withConfig({ queues: {} }, async () => {
    const ns = await namespace('one-queue')
    await fullQueue(ns)
    await untilReady(ns, 'model/m', /^False Queued: Job "m-model-seal-\w+" waits in queue "gpus"/)
    await end(ns, 'holder')
    for (const name of ['next', 'm', 'holder']) await untilReady(ns, `model/${name}`, 'True Done')
  })
})

test('a ModelServer in a queue serves once Kueue admits its Pod, and returns its quota when it is suspended', async () => {
  const ns = await namespace('server')
  await queues(ns, 1)
  await apply(ns, training('holder', { labels: held }))
  await untilReady(ns, 'model/holder', 'False Running')
  const spec = { image: 'example.com/serve:1', resources: { gpu: { type: 'nvidia-l4' } } }
  await apply(ns, manifest('Model', 'image', { image: 'example.com/model:1' }))
  const server = { ...spec, model: { name: 'image' } }
  await apply(ns, manifest('ModelServer', 's', server, { labels: { [queueLabel]: 'gpus' } }))
  await untilReady(
    ns,
    'modelserver/s',
    /^False Queued: Pod "s-server-\S+" waits in queue "gpus": couldn't assign flavors/,
  )
  await end(ns, 'holder')
  await untilReady(ns, 'modelserver/s', 'True Serving')
  await patch(ns, 'modelserver/s', { suspend: true })
  await untilReady(ns, 'modelserver/s', 'True Suspended')
  await free(ns)
})

test('a training that is ready keeps its quota, and one whose Pod cannot start loses it to the next', async () => {
  const ns = await namespace('pods-ready')
  await queues(ns, 2)
  await apply(ns, training('runs', { labels: held }))
  await apply(ns, training('stuck', { labels: { simulate: 'pull' } }))
  await untilReady(ns, 'model/runs', 'False Running')
  await untilReady(ns, 'model/stuck', 'False ImagePullFailed')
  await apply(ns, training('next'))
  await untilReady(ns, 'model/next', 'True Done')
  expect(readyOf(await get(ns, 'model/runs'))).toMatch(/^False Running/)
  // Every Pod of its Jobs has the label.
  await until(
    async () => {
      await release(ns, 'stuck')
      return readyOf(await get(ns, 'model/stuck'))
    },
    (ready) => ready.startsWith('True Done'),
  )
  for (const name of ['runs', 'stuck', 'next']) expect(runs(ns, name)).toHaveLength(1)
})
