import { expect, test } from 'vitest'
import { apply, get, manifest, namespace, type Shown, until } from '../cluster/cluster.ts'
import { base, commit, serverFor, untilSays } from './node.ts'
import { baseWeights, dataset, trainer } from './programs.ts'

/**
 * What is spent between containers: scheduling, starting, reporting, deciding. A Job of Kubernetes'
 * own, with two containers that do nothing, is the measure: what is above that is ours. Kubernetes
 * tells whole seconds, so that one stage may seem a second longer or shorter than it was.
 */

interface Stage {
  readonly stage: string
  readonly seconds: number
  readonly work: number
}

const at = (text: string): number => Date.parse(text) / 1000

/** From the end of the stage before to the end of this one, and what its containers worked of it. */
function stagesOf(pods: readonly Shown[], created: number): readonly Stage[] {
  let since = created
  return pods.map(({ metadata, status }) => {
    const ends = [...(status.initContainerStatuses ?? []), ...status.containerStatuses].map(
      ({ state }) => state.terminated,
    )
    const last = Math.max(...ends.map(({ finishedAt }) => at(finishedAt)))
    const work = ends.reduce((sum, end) => sum + at(end.finishedAt) - at(end.startedAt), 0)
    const seconds = last - since
    since = last
    return { stage: metadata.labels['substratus.ai/stage'], seconds, work }
  })
}

const line = (cells: readonly (string | number)[]): string =>
  cells.map((cell) => String(cell).padStart(12)).join('')

/** The seconds of a Job that does nothing, on this machine, as busy as it is now. */
async function plainJob(ns: string, name: string): Promise<number> {
  const container = { image: `${base}/busybox:1`, command: ['true'] }
  await apply(
    ns,
    JSON.stringify({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name },
      spec: {
        template: {
          spec: {
            restartPolicy: 'Never',
            initContainers: [{ name: 'first', ...container }],
            containers: [{ name: 'second', ...container }],
          },
        },
      },
    }),
  )
  const job = await until(
    () => get(ns, `job/${name}`),
    ({ status }) => Boolean(status.completionTime),
    60,
  )
  return at(job.status.completionTime) - at(job.metadata.creationTimestamp)
}

test('between the stages hardly any time passes', async () => {
  const ns = await namespace('timing')
  const data = commit(`${ns}/data`, dataset)
  const code = commit(`${ns}/trainer`, trainer)
  const files = await serverFor((_, response) => response.end(baseWeights))
  try {
    await apply(
      ns,
      manifest('Dataset', 'numbers', { build: { git: { url: data.url } } }),
      manifest('Model', 'line', { source: `${files.url}/weights.json` }),
    )
    await untilSays(ns, 'dataset/numbers', 'True Done')
    await untilSays(ns, 'model/line', 'True Done')
    // The first one pulls its image.
    await plainJob(ns, 'warm')
    const plains = [
      await plainJob(ns, 'one'),
      await plainJob(ns, 'two'),
      await plainJob(ns, 'three'),
    ]
    const plain = plains.reduce((sum, seconds) => sum + seconds, 0) / plains.length
    await apply(
      ns,
      manifest('Model', 'fitted', {
        build: { git: { url: code.url } },
        model: { name: 'line' },
        dataset: { name: 'numbers' },
        params: { epochs: 50, rate: 0.3 },
      }),
      manifest('ModelServer', 'fitted', { model: { name: 'fitted' } }),
    )
    await untilSays(ns, 'modelserver/fitted', 'True Serving')
    const answered = Date.now() / 1000
    const model = await get(ns, 'model/fitted')
    const { spec } = await get(ns, 'service/fitted-server')
    const ask = async () => (await fetch(`http://${spec.clusterIP}:8080/`)).status
    expect(await until(ask, (status) => status === 200, 20)).toBe(200)

    const pods: readonly Shown[] = (await get(ns, 'pods')).items
    const ofModel = ['build', 'run', 'package'].flatMap((stage) =>
      pods.filter(
        ({ metadata: { labels } }) =>
          labels['substratus.ai/name'] === 'fitted' && labels['substratus.ai/stage'] === stage,
      ),
    )
    const stages = [...stagesOf(ofModel, at(model.metadata.creationTimestamp))]
    const server = pods.find(({ metadata }) => metadata.labels['substratus.ai/stage'] === 'serve')
    const ready = server?.status.conditions.find(({ type }: Shown) => type === 'Ready')
    const lastEnd =
      at(model.metadata.creationTimestamp) + stages.reduce((sum, { seconds }) => sum + seconds, 0)
    const started = at(server?.status.containerStatuses[0].state.running.startedAt)
    stages.push({
      stage: 'serve',
      seconds: at(ready?.lastTransitionTime) - lastEnd,
      work: at(ready?.lastTransitionTime) - started,
    })
    console.log(
      [
        line(['stage', 'seconds', 'work', 'between']),
        ...stages.map(({ stage, seconds, work }) => line([stage, seconds, work, seconds - work])),
        `a Job of two containers that do nothing takes ${plain.toFixed(1)} s here`,
        `Ready was seen ${(answered - at(ready?.lastTransitionTime)).toFixed(1)} s later`,
      ].join('\n'),
    )
    const between = stages.reduce((sum, { seconds, work }) => sum + seconds - work, 0)
    expect(between / stages.length - plain).toBeLessThan(2)
  } finally {
    files.stop()
  }
})
