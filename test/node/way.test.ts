import { expect, test } from 'vitest'
import { apply, get, manifest, namespace, ok, until } from '../cluster/cluster.ts'
import { commit, imageOf, serverFor, throughPortForward, untilSays } from './node.ts'
import { baseWeights, dataset, trainer } from './programs.ts'

/** What a container of a Job has printed. */
const logOf = (ns: string, job: string, container: string): Promise<string> =>
  ok(['-n', ns, 'logs', `job/${job}`, '-c', container])

/** From Git to an answer over HTTP: every step is a container that really ran. */
test('Git → image → data → training → packaged image → HTTP answer', async () => {
  const ns = await namespace('way')
  const data = commit(`${ns}/data`, dataset)
  const code = commit(`${ns}/trainer`, trainer)
  const files = await serverFor((_, response) => response.end(baseWeights))
  try {
    await apply(
      ns,
      manifest('Dataset', 'numbers', { build: { git: { url: data.url } }, params: { rows: 20 } }),
      manifest('Model', 'line', { source: `${files.url}/weights.json` }),
    )
    await apply(
      ns,
      manifest('Model', 'fitted', {
        build: { git: { url: code.url } },
        model: { name: 'line' },
        dataset: { name: 'numbers' },
        params: { epochs: 400, rate: 0.3 },
      }),
    )
    await apply(ns, manifest('ModelServer', 'fitted', { model: { name: 'fitted' } }))

    await untilSays(ns, 'dataset/numbers', 'True Done: loaded into pvc://')
    await untilSays(ns, 'model/line', 'True Done: served from storage: pvc://')
    await untilSays(ns, 'model/fitted', 'True Done: packaged as ')
    await untilSays(ns, 'modelserver/fitted', 'True Serving')

    const { status } = await get(ns, 'model/fitted')
    expect(status.stages.build.commit).toBe(code.commit)
    const packaged = await imageOf(status.artifacts.image)
    expect(status.artifacts.image).toBe(status.stages.package.image)
    expect(status.artifacts.image).toMatch(new RegExp(`@${packaged.digest}$`))
    expect(packaged.config.config.Labels).toMatchObject({
      'org.opencontainers.image.source': code.url,
      'org.opencontainers.image.revision': code.commit,
      'ai.substratus.created-by': 'substratus package',
    })

    // Its loss fell, as far as the parameters let it.
    const [, first = '', last = ''] =
      /^loss (\S+) -> (\S+)$/m.exec(await logOf(ns, status.stages.run.job, 'run')) ?? []
    expect(Number(first)).toBeGreaterThan(1)
    expect(Number(last)).toBeLessThan(0.01)
    // Packaging keeps nothing on the node's disk.
    const [, written = ''] =
      /^bytes written to disk while packaging: (\d+)$/m.exec(
        await logOf(ns, status.stages.package.job, 'package'),
      ) ?? []
    console.log(`packaging wrote ${written} bytes to disk`)
    expect(Number(written || Number.NaN)).toBeLessThan(100_000)

    const service = await get(ns, 'service/fitted-server')
    // kube-proxy hears of a ready Pod when everybody does.
    const ask = async () => {
      const answer = await fetch(`http://${service.spec.clusterIP}:8080/?x=2`)
      return ((await answer.json()) as { y: number }).y
    }
    expect(await until(ask, (y) => y > 0, 20)).toBeCloseTo(8, 1)
    expect(await throughPortForward(ns, 'service/fitted-server', '/?x=2')).toContain('"y": 7.9')
  } finally {
    files.stop()
  }
})
