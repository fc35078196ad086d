import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import {
  apply,
  get,
  manifest,
  namespace,
  nudge,
  ok,
  patch,
  type Shown,
  until,
  untilReady,
  watch,
  writes,
} from './cluster.ts'
import { withConfig } from './withconfig.ts'

/** A server of another configuration, while ModelServers answer. */

const presetOf = (image: string) => ({
  servers: { default: 'vllm', presets: { vllm: { image, args: ['--port={port}'] } } },
})
const pending =
  'True UpdatePending: 1 of 1 replicas available; update pending: image vllm v0.18 → v0.33: kubectl annotate --overwrite modelserver s substratus.ai/rollout="$(date)" rolls it out'

const podOf = async (ns: string): Promise<Shown> => (await get(ns, 'pods')).items[0]
const imageIn = ({ spec }: Shown): string => spec.containers[0].image
const onGpu = { resources: { gpu: { type: 'nvidia-l4' } } }

test('another preset replaces no Pod until the annotation asks for it', async () => {
  const ns = await namespace('rollout')
  await withConfig(presetOf('example.com/vllm:v0.18'), async () => {
    await apply(
      ns,
      manifest('Model', 'm', { image: 'example.com/m:1' }),
      manifest('ModelServer', 's', { model: { name: 'm' }, runtime: 'vllm', ...onGpu }),
      manifest('ModelServer', 'asleep', { model: { name: 'm' }, runtime: 'vllm', suspend: true }),
    )
    await untilReady(ns, 'modelserver/s', 'True Serving: 1 of 1')
    await untilReady(ns, 'modelserver/asleep', 'True Suspended')
  })
  const before = await podOf(ns)
  expect(imageIn(before)).toBe('example.com/vllm:v0.18')

  await withConfig(presetOf('example.com/vllm:v0.33'), async () => {
    const seen = watch(ns, 'modelserver/s')
    await nudge(ns, 'modelserver/s')
    await untilReady(ns, 'modelserver/s', pending)
    expect((await podOf(ns)).metadata.uid).toBe(before.metadata.uid)
    expect((await get(ns, 'modelserver/s')).status.image).toBe('example.com/vllm:v0.18')

    await nudge(ns, 'modelserver/asleep')
    const { spec } = await until(
      () => get(ns, 'deployment/asleep-server'),
      (deployment) => imageIn(deployment.spec.template) === 'example.com/vllm:v0.33',
    )
    expect(spec.replicas).toBe(0)

    await ok(['-n', ns, 'label', 'modelserver/s', 'helm.sh/chart=mine-2'])
    await until(
      () => get(ns, 'deployment/s-server'),
      ({ metadata }) => metadata.labels['helm.sh/chart'] === 'mine-2',
    )
    await sleep(3000)
    expect((await podOf(ns)).metadata.uid).toBe(before.metadata.uid)
    const quiet = writes(ns)
    await sleep(5000)
    expect(writes(ns)).toEqual(quiet)
    // Neither the configuration nor the label made Ready anything but True.
    seen.stop()
    expect(seen.lines.filter((line) => !line.startsWith('True '))).toEqual([])

    await ok(['-n', ns, 'annotate', 'modelserver/s', 'substratus.ai/rollout=now'])
    const after = await until(
      () => podOf(ns),
      (pod) => pod && pod.metadata.uid !== before.metadata.uid,
    )
    expect(imageIn(after)).toBe('example.com/vllm:v0.33')
    expect(after.metadata.labels['helm.sh/chart']).toBe('mine-2')
    await untilReady(ns, 'modelserver/s', 'True Serving: 1 of 1')
    await sleep(2000)
    expect((await podOf(ns)).metadata.uid).toBe(after.metadata.uid)
  })
})

test('a Deployment without our annotations is adopted, and its Pod stays', async () => {
  const ns = await namespace('adopted')
  await apply(
    ns,
    manifest('Model', 'm', { image: 'example.com/m:1' }),
    manifest('ModelServer', 's', { model: { name: 'm' }, ...onGpu }),
  )
  await untilReady(ns, 'modelserver/s', 'True Serving: 1 of 1')
  const before = await podOf(ns)
  await ok([
    ...['-n', ns, 'annotate', 'deployment/s-server'],
    ...['substratus.ai/inputs-', 'substratus.ai/template-generation-'],
  ])
  await until(
    () => get(ns, 'deployment/s-server'),
    ({ metadata }) => metadata.annotations['substratus.ai/inputs'],
  )
  await sleep(3000)
  expect((await podOf(ns)).metadata.uid).toBe(before.metadata.uid)
  await patch(ns, 'modelserver/s', { env: { COLOUR: 'blue' } })
  await until(
    () => podOf(ns),
    (pod) => pod && pod.metadata.uid !== before.metadata.uid,
  )
  await untilReady(ns, 'modelserver/s', 'True Serving: 1 of 1')
})
