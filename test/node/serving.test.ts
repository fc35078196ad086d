import { expect, test } from 'vitest'
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
import { trainer } from './programs.ts'
import { base, leave, untilSays } from './realnode.ts'

/** A server that changes while it receives requests continuously. */

const image = `${base}/python:3`

/** A training without data, which writes its parameter. */
const trains = (slope: number) => ({
  image,
  command: [
    'python3',
    '-c',
    `open("/content/artifacts/weights.json", "w").write('{"slope": ${slope}, "intercept": 0}')`,
  ],
})

test('a changed Model is rolled out and replicas are scaled without a failed request', async () => {
  const ns = await namespace('serving')
  await apply(ns, manifest('Model', 'it', trains(1)))
  await apply(
    ns,
    manifest('ModelServer', 'it', {
      model: { name: 'it' },
      image,
      command: ['python3', '-c', trainer['serve.py']],
    }),
  )
  await untilSays(ns, 'modelserver/it', 'True Serving')
  const { spec } = await get(ns, 'service/it-server')
  const ask = async () => {
    // A new connection for each request, as many clients use.
    const answer = await fetch(`http://${spec.clusterIP}:8080/?x=1`, {
      headers: { connection: 'close' },
      signal: AbortSignal.timeout(5000),
    })
    return ((await answer.json()) as { y: number }).y
  }
  // kube-proxy learns about a ready Pod a moment later.
  expect(await until(ask, (y) => y > 0, 20)).toBe(1)

  const failures: string[] = []
  const seen = new Set<number>()
  let asked = 0
  let stop = false
  const asking = (async () => {
    while (!stop) {
      asked++
      await ask().then(
        (y) => seen.add(y),
        (error) => failures.push(String(error)),
      )
      await new Promise((done) => setTimeout(done, 20))
    }
  })()
  try {
    await ok(['-n', ns, 'scale', 'modelserver', 'it', '--replicas=2'])
    await untilSays(ns, 'modelserver/it', 'True Serving: 2 of 2 replicas available')
    await patch(ns, 'model/it', { command: trains(2).command })
    await until(ask, (y) => y === 2, 120)
    await untilSays(ns, 'modelserver/it', 'True Serving: 2 of 2 replicas available')
    await ok(['-n', ns, 'scale', 'modelserver', 'it', '--replicas=1'])
    await untilSays(ns, 'modelserver/it', 'True Serving: 1 of 1 replicas available')
    await until(
      async () =>
        (await get(ns, 'pods')).items.filter(
          ({ metadata }: Shown) => metadata.labels['substratus.ai/stage'] === 'serve',
        ).length,
      (count) => count === 1,
      60,
    )
  } finally {
    stop = true
    await asking
  }
  console.log(`${asked} requests during two scalings and a rollout, ${failures.length} failed`)
  expect(failures).toEqual([])
  expect([...seen].sort()).toEqual([1, 2])
  await leave(ns)
})
