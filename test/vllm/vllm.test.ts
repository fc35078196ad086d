import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { findNodeBinaries } from '../../platform/binaries/find.ts'
import { nodeName } from '../../platform/node/addresses.ts'
import { type Base, provideBase } from '../../platform/node/images.ts'
import { debian } from '../../platform/node/layers.ts'
import { sumsIn } from '../../tools/prometheus.ts'
import { serverActivity } from '../../tools/serveractivity.ts'
import { home } from '../cluster/chart.ts'
import {
  apply,
  get,
  manifest,
  namespace,
  ok,
  patch,
  type Shown,
  until,
} from '../cluster/cluster.ts'
import { answerOf, streamOf } from '../node/chat.ts'
import { gatewayPods } from '../node/gatewaypods.ts'
import { openaiClient } from '../node/openaiclient.ts'
import { mirrored, nameInRegistry } from '../node/publicimages.ts'
import { base, leave, untilSays } from '../node/realnode.ts'
import { aConfig } from '../objects.ts'
import { modelWithVllm } from './packages.ts'

/** vLLM itself, built for CPUs, as the preset starts it, and a fine-tuning with torch and peft. */

const lora = readFileSync(join(import.meta.dirname, 'lora.py'), 'utf8')

const preset = aConfig().servers.presets.vllm
const metrics = preset?.metrics
const named = [metrics?.running, metrics?.waiting, ...(metrics?.activity ?? [])].filter(
  (name) => name !== undefined,
)

const packages = '/content/model/site-packages'

const launcher = `#!/bin/sh
export PYTHONPATH=${packages} VLLM_CPU_KVCACHE_SPACE=1 OMP_NUM_THREADS=1
exec python3 -m vllm.entrypoints.cli.main "$@"
`

const image: Base = {
  name: nameInRegistry(preset?.image),
  layers: [
    debian,
    {
      name: 'vllm-launcher-1',
      make: async (to) => {
        mkdirSync(join(to, 'usr/local/bin'), { recursive: true })
        writeFileSync(join(to, 'usr/local/bin/vllm'), launcher, { mode: 0o755 })
      },
    },
  ],
  flags: ['--entrypoint', '/usr/local/bin/vllm'],
}

/** A claim of a folder of this machine, which has both the model and vLLM. */
const claim = (ns: string, path: string) => {
  const spec = {
    accessModes: ['ReadWriteMany'],
    storageClassName: 'local',
    volumeName: `${ns}-vllm`,
  }
  const terms = [
    { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [nodeName] }] },
  ]
  return [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: spec.volumeName },
      spec: {
        capacity: { storage: '20Gi' },
        accessModes: spec.accessModes,
        storageClassName: spec.storageClassName,
        persistentVolumeReclaimPolicy: 'Retain',
        local: { path },
        nodeAffinity: { required: { nodeSelectorTerms: terms } },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'vllm' },
      spec: { ...spec, resources: { requests: { storage: '20Gi' } } },
    },
  ].map((object) => JSON.stringify(object))
}

let ns: string
let server: string

beforeAll(async () => {
  const progress = (line: string) => console.log(line)
  const path = await modelWithVllm(progress)
  const binaries = await findNodeBinaries({ progress })
  await provideBase(image, { folder: join(inject('cluster').dir, 'node'), binaries, progress })
  mirrored(['docker.io'])
  ns = await namespace('vllm')
  await apply(ns, ...claim(ns, path))
  await apply(ns, manifest('Model', 'tiny', { source: 'pvc://vllm/' }))
  await untilSays(ns, 'model/tiny', 'True Done: served from storage: pvc://vllm/')
})
afterAll(async () => {
  if (ns) await leave(ns)
})

const servingPods = async (): Promise<readonly Shown[]> =>
  (await get(ns, 'pods')).items.filter(
    ({ metadata }: Shown) => metadata.labels?.['substratus.ai/stage'] === 'serve',
  )

/** The image has no compiler, which vLLM would use otherwise. */
const flags = ['--enforce-eager', '--max-model-len=8192']

test('vLLM comes up on the arguments of the preset, and answers', async () => {
  const before = Date.now()
  await apply(
    ns,
    manifest('ModelServer', 'tiny', {
      model: { name: 'tiny' },
      runtime: 'vllm',
      args: flags,
      // The node has no GPU, but says so. Without a request, /dev/shm has 64 MiB, which is not enough.
      resources: { gpu: { count: 1 } },
    }),
  )
  await untilSays(ns, 'modelserver/tiny', 'True Serving', 600)
  console.log(`Ready after ${Math.round((Date.now() - before) / 1000)} s`)
  const [pod] = await servingPods()
  console.log(`it runs: vllm serve ${pod.spec.containers[0].args.join(' ')}`)
  server = `http://${(await get(ns, 'service/tiny-server')).spec.clusterIP}:8080`
  // Before the first request: the idle watch cannot tell without them.
  const text = await (await fetch(`${server}/metrics`)).text()
  expect([...sumsIn(text, named).keys()].toSorted()).toEqual(named.toSorted())
  const { model, usage } = await answerOf(server, { model: 'tiny', question: 'Hello', tokens: 16 })
  expect({ model, tokens: usage.completion_tokens }).toEqual({ model: 'tiny', tokens: 16 })
})

test('its metrics tell the idle watch when it is in use', async () => {
  const last = serverActivity(
    {
      health: [`${server}${preset?.health}`],
      metrics: [`${server}${metrics?.path}`],
      running: [metrics?.running ?? ''],
      waiting: [metrics?.waiting ?? ''],
      activity: [...(metrics?.activity ?? [])],
    },
    () => [new URL(server).hostname],
  )
  await last()
  expect(await last()).toBe(0)
  const stream = streamOf(server, { model: 'tiny', question: 'Hello', tokens: 2000 })
  await until(last, (seen) => seen !== 0, 60)
  await stream
  // Its tokens are counted, at the latest after its end; the next poll finds nothing new.
  await until(last, (seen) => seen === 0, 60)
  await answerOf(server, { model: 'tiny', question: 'Hello', tokens: 1 })
  expect(await last()).toBeGreaterThan(0)
  expect(await last()).toBe(0)
})

test('a stream of vLLM that is under way ends well while its Pod is replaced', async () => {
  const { perSecond } = await streamOf(server, { model: 'tiny', question: 'Hello', tokens: 64 })
  const tokens = Math.min(8000, Math.ceil(perSecond * 20))
  console.log(`${perSecond.toFixed(0)} tokens per second; the stream has ${tokens}`)
  const [before] = await servingPods()
  await patch(ns, 'modelserver/tiny', { args: [...flags, '--max-num-seqs=4'] })
  await until(servingPods, (pods) =>
    pods.some(({ metadata }) => metadata.uid === before.metadata.uid && metadata.deletionTimestamp),
  )
  // SIGTERM follows five seconds later, and until then the Pod takes requests.
  const began = performance.now()
  const old = `http://${before.status.podIP}:8080`
  const streamed = await streamOf(old, { model: 'tiny', question: 'Hello', tokens })
  const seconds = (performance.now() - began) / 1000
  console.log(`it ended after ${seconds.toFixed(1)} s`)
  expect(streamed).toMatchObject({ complete: true })
  expect(seconds).toBeGreaterThan(6)
  await untilSays(ns, 'modelserver/tiny', 'True Serving', 600)
  await ok(['-n', ns, 'delete', 'modelserver/tiny'])
  await until(servingPods, (left) => left.length === 0, 90)
})

test('LoRA by torch, transformers and peft lowers the loss, and its adapter is the result', async () => {
  await apply(
    ns,
    manifest('Model', 'tuned', {
      image: `${base}/python:3`,
      command: ['python3', '-c', lora],
      env: { PYTHONPATH: packages, HF_HUB_OFFLINE: '1' },
      model: { name: 'tiny' },
      resources: { memory: 4 },
    }),
  )
  await untilSays(ns, 'model/tuned', 'True Done', 600)
  const { stages } = (await get(ns, 'model/tuned')).status
  const log = await ok(['-n', ns, 'logs', `job/${stages.run.job}`, '-c', 'run'])
  const [line, first, last] = /^loss (\S+) -> (\S+)$/m.exec(log) ?? []
  console.log(line)
  expect(Number(last)).toBeLessThan(Number(first) * 0.7)
  expect((await get(ns, 'model/tuned')).status.artifacts.adapter).toEqual({
    format: 'peft',
    rank: 16,
    path: 'adapter',
    base: 'pvc://vllm/',
  })
})

const question = 'What is a Pod?'
/** What vLLM itself answers, by the names that it knows. */
const said: Record<string, Set<string>> = { tiny: new Set(), tuned: new Set() }

test('vLLM serves the adapter beside its base, each with its own answers', async () => {
  await apply(
    ns,
    manifest('ModelServer', 'both', {
      model: { name: 'tiny' },
      runtime: 'vllm',
      adapters: [{ name: 'tuned' }],
      // On CPUs, vLLM computes adapters in this type alone.
      args: [...flags, '--dtype=float32'],
      resources: { gpu: { count: 1 } },
    }),
  )
  await untilSays(ns, 'modelserver/both', 'True Serving', 600)
  const url = `http://${(await get(ns, 'service/both-server')).spec.clusterIP}:8080`
  for (const model of ['tiny', 'tuned', 'tiny', 'tuned']) {
    const { choices } = await answerOf(url, { model, question, tokens: 16 })
    said[model]?.add(choices[0]?.message.content ?? '')
  }
  console.log(said)
  expect([said.tiny?.size, said.tuned?.size]).toEqual([1, 1])
  expect([...(said.tiny ?? [])]).not.toEqual([...(said.tuned ?? [])])
})

test('through the gateway, OpenAI’s client gets the same of both from one address', async () => {
  const of = ['-n', ns, 'create']
  await ok([...of, 'serviceaccount', 'application'])
  const right = ['--verb=create', '--resource=modelservers.substratus.ai/proxy']
  await ok([...of, 'role', 'models', ...right])
  const subject = `--serviceaccount=${ns}:application`
  await ok([...of, 'rolebinding', 'application-models', '--role=models', subject])
  const gateway = await gatewayPods()
  try {
    const base = `http://substratus-gateway.${home}.svc/${ns}/v1`
    const client = await openaiClient(ns, 'application', base)
    // The server itself, its adapter, and the server by its Model.
    const models = ['both', 'tuned', 'tiny', 'tuned', 'both', 'tuned']
    const answers = await client.ask<readonly Shown[]>('alternately', question, '16', ...models)
    console.log(answers)
    const expected = models.map((asked) => {
      const by = asked === 'tuned' ? 'tuned' : 'tiny'
      const [content] = said[by] ?? []
      return { asked, by, content }
    })
    expect(answers).toEqual(expected)
  } finally {
    await gateway.remove()
  }
})
