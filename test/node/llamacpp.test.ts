import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { apply, get, namespace, ok, patch, type Shown, until } from '../cluster/cluster.ts'
import { answerOf, type Streamed, streamOf } from './chat.ts'
import { smallInternet } from './internet.ts'
import { leave, untilSays } from './realnode.ts'

/** A real language model on llama.cpp, by the first example as it stands. */

let internet: Awaited<ReturnType<typeof smallInternet>>
let ns: string
let server: string

beforeAll(async () => {
  internet = await smallInternet()
  ns = await namespace('llamacpp')
})
afterAll(async () => {
  await internet?.end()
})

const model = 'smollm'

test('a language model is loaded from the hub, and chats by the preset llamacpp', async () => {
  await apply(ns, readFileSync('examples/01-import-and-serve.yaml', 'utf8'))
  await untilSays(ns, `modelserver/${model}`, 'True Serving')
  expect(internet.asked.filter((line) => /^GET .*\.gguf/.test(line))).toHaveLength(1)

  const { clusterIP } = (await get(ns, `service/${model}-server`)).spec
  server = `http://${clusterIP}:8080`
  const question = { model, question: 'What is a Pod in Kubernetes?', tokens: 24 }
  // kube-proxy learns about a ready Pod a moment later.
  const { choices, usage, ...answer } = await until(
    () => answerOf(server, question),
    () => true,
    20,
  )
  console.log(`it says: ${choices[0]?.message.content}`)
  expect(answer.model).toBe(model)
  expect(usage.completion_tokens).toBe(24)
  expect(choices[0]?.message.content).toMatch(/\w+ \w+ \w+/)
  expect(await (await fetch(`${server}/metrics`)).text()).toContain(
    'llamacpp:tokens_predicted_total',
  )
})

/** The same image, model and resources in a Pod that has nothing of ours. */
async function byHand(): Promise<string> {
  const { url } = (await get(ns, `model/${model}`)).status.artifacts
  const [, claimName, subPath] = /^pvc:\/\/([^/]+)\/(.*)$/.exec(url) ?? []
  const { spec } = (await get(ns, `deployment/${model}-server`)).spec.template
  const { image, resources } = spec.containers[0]
  const run =
    'exec /app/llama-server --model /it/*.gguf --alias smollm --host 0.0.0.0 --port 8080 --metrics'
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'by-hand' },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          ...{ name: 'server', image, resources },
          command: ['sh', '-c', run],
          readinessProbe: { httpGet: { path: '/health', port: 8080 }, periodSeconds: 1 },
          volumeMounts: [{ name: 'it', mountPath: '/it', subPath, readOnly: true }],
        },
      ],
      volumes: [{ name: 'it', persistentVolumeClaim: { claimName } }],
    },
  }
  await apply(ns, JSON.stringify(pod))
  await ok(['-n', ns, 'wait', 'pod/by-hand', '--for=condition=Ready', '--timeout=60s'])
  return `http://${(await get(ns, 'pod/by-hand')).status.podIP}:8080`
}

test('it answers as fast as the same server run by hand', async () => {
  const alone = await byHand()
  const seen = { ours: [] as Streamed[], alone: [] as Streamed[] }
  // One after the other, because two servers at once would share the cores. Each question is a new one:
  // the server remembers the last one’s beginning.
  for (let round = 0; round < 5; round++)
    for (const [where, url] of [['ours', server] as const, ['alone', alone] as const])
      seen[where].push(
        await streamOf(url, { model, question: `${round} plus ${round} is what?`, tokens: 48 }),
      )
  await ok(['-n', ns, 'delete', 'pod/by-hand', '--wait=false'])
  // The best of each: other programs of the machine can only slow an answer down.
  const of = (key: 'firstMs' | 'perSecond', best: (...all: number[]) => number) => ({
    ours: best(...seen.ours.map((one) => one[key])),
    alone: best(...seen.alone.map((one) => one[key])),
  })
  const [first, rate] = [of('firstMs', Math.min), of('perSecond', Math.max)]
  const ratios = { first: first.ours / first.alone, rate: rate.ours / rate.alone }
  console.log(
    [
      `first token ${first.ours.toFixed(0)} ms, by hand ${first.alone.toFixed(0)} ms: ${ratios.first.toFixed(2)}`,
      `tokens per second ${rate.ours.toFixed(1)}, by hand ${rate.alone.toFixed(1)}: ${ratios.rate.toFixed(2)}`,
    ].join('\n'),
  )
  // Both are 1, but for noise.
  expect(ratios.rate).toBeGreaterThan(0.7)
  expect(ratios.first).toBeLessThan(1.5)
})

const servingPods = async (): Promise<readonly Shown[]> =>
  (await get(ns, 'pods')).items.filter(
    ({ metadata }: Shown) => metadata.labels?.['substratus.ai/stage'] === 'serve',
  )

test('a stream that is under way ends well while its Pod is replaced', async () => {
  const { perSecond } = await streamOf(server, { model, question: 'Hello', tokens: 32 })
  const [before] = await servingPods()
  // For about 15 seconds: longer than a new Pod takes to start, and even on a busy machine less than the
  // minute that the old one has to end.
  const tokens = Math.min(1500, Math.ceil(perSecond * 15))
  let terminating = 0
  let ended = false
  const stream = streamOf(server, { model, question: 'Tell a long story.', tokens })
  const watching = (async () => {
    while (!ended) {
      const pods = await servingPods()
      const old = pods.find(({ metadata }) => metadata.uid === before.metadata.uid)
      if (old?.metadata.deletionTimestamp) terminating++
      await new Promise((done) => setTimeout(done, 500))
    }
  })()
  await patch(ns, `modelserver/${model}`, { args: ['--ctx-size', '1792'] })
  const streamed = await stream
  ended = true
  await watching
  console.log(`${streamed.tokens} tokens; the Pod was terminating for about ${terminating / 2} s`)
  expect(terminating).toBeGreaterThan(5)
  expect(streamed).toMatchObject({ complete: true, tokens })
  await untilSays(ns, `modelserver/${model}`, 'True Serving')
  await leave(ns)
})
