import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import {
  apply,
  get,
  manifest,
  namespace,
  nudge,
  ok,
  type Shown,
  until,
  untilReady,
  watch,
} from './cluster.ts'
import { simulate } from './troubles.ts'

/** Events about Pods, which no kubelet writes here, are quoted by Ready and go when they are over. */

const eventFor = (
  pod: Shown,
  {
    message,
    uid = pod.metadata.uid,
    ns = pod.metadata.namespace,
  }: { message: string; uid?: string; ns?: string },
): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { generateName: 'mount.', namespace: ns },
    involvedObject: { kind: 'Pod', name: pod.metadata.name, namespace: ns, uid },
    type: 'Warning',
    reason: 'FailedMount',
    message,
    firstTimestamp: new Date().toISOString().replace(/\.\d+/, ''),
    lastTimestamp: new Date().toISOString().replace(/\.\d+/, ''),
    source: { component: 'kubelet' },
  })

const loads = { source: 'https://example.com/squad.json' }

const isOurs = ({ source }: Shown): boolean => source.component === 'substratus'

const write = (event: string) => ok(['create', '-f', '-'], event)

/** A Dataset whose Pod has a node and does not start. */
async function startingPod(ns: string): Promise<Shown> {
  await apply(ns, manifest('Dataset', 'it', loads, simulate('mount')))
  await untilReady(ns, 'dataset/it', /^False Pending: Pod "\S+" is starting/)
  return (await get(ns, 'pods')).items[0]
}

// Alone, because it is timed; the others wait side by side.
test('a missing Secret is reported within 15 s, and no longer once the Pod runs', async () => {
  const ns = await namespace('events')
  const pod = await startingPod(ns)
  const seen = watch(ns, 'dataset/it')
  const start = Date.now()
  await write(
    eventFor(pod, {
      message: 'MountVolume.SetUp failed for volume "hub" : secret "hub" not found',
    }),
  )
  await untilReady(
    ns,
    'dataset/it',
    `False VolumeUnavailable: Pod "${pod.metadata.name}": MountVolume.SetUp failed for volume "hub": secret "hub" not found`,
  )
  expect(Date.now() - start).toBeLessThan(15_000)
  await sleep(11_000)
  const states = seen.lines.length
  await ok(['-n', ns, 'label', 'pods', '--all', 'simulate-'])
  await untilReady(ns, 'dataset/it', 'True Done')
  seen.stop()
  expect(
    seen.lines.slice(0, states).filter((line) => line.includes('VolumeUnavailable')),
  ).toHaveLength(1)
  expect(seen.lines.slice(states).filter((line) => line.includes('VolumeUnavailable'))).toEqual([])
})

test.concurrent('kubectl describe tells how an object came to its state', async () => {
  const ns = await namespace('events')
  const pod = await startingPod(ns)
  await write(eventFor(pod, { message: 'MountVolume.SetUp failed for volume "hub" : not yet' }))
  await untilReady(ns, 'dataset/it', 'False VolumeUnavailable')
  await ok(['-n', ns, 'label', 'pods', '--all', 'simulate-'])
  await untilReady(ns, 'dataset/it', 'True Done')
  const story = await until(
    () => ok(['-n', ns, 'describe', 'dataset', 'it']),
    (text) => / Done .* substratus /.test(text),
  )
  expect(story).toMatch(/Normal +Done +\S+ +substratus +/)
  expect(story).toMatch(
    /Warning +VolumeUnavailable +\S+ +substratus +Pod "it-dataset-load-\S+": MountVolume/,
  )
  const told = async () => (await get(ns, 'events')).items.filter(isOurs).length
  const before = await told()
  await nudge(ns, 'dataset/it')
  expect(await told()).toBe(before)
})

test.concurrent('an Event with another uid, or of another namespace, changes nothing', async () => {
  const [ns, other] = [await namespace('events'), await namespace('events-other')]
  const pod = await startingPod(ns)
  const message = 'MountVolume.SetUp failed for volume "hub" : forged'
  await write(eventFor(pod, { message, uid: 'a-wrong-uid' }))
  await write(eventFor(pod, { message, ns: other }))
  const seen = watch(ns, 'dataset/it')
  await sleep(12_000)
  seen.stop()
  expect(seen.lines.join('\n')).not.toContain('forged')
  expect(seen.lines.at(-1)).toMatch(/^False Pending: /)
})
