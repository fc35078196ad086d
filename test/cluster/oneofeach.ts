import { setTimeout as sleep } from 'node:timers/promises'
import { type Bed, done, team } from './chart.ts'
import { get, manifest, type Shown } from './cluster.ts'

/** Objects on a cluster whose chart changes, and whether their children changed. */

const image = 'example.com/train:1'

/** One object of each kind, ready, and a Model whose Job runs as long as its Pod is simulated so. */
export async function applyOneOfEach({ apply, untilReady }: Bed): Promise<void> {
  done(
    await apply(
      manifest('Dataset', 'd', { source: 'https://example.com/data' }),
      manifest('Model', 'm', { image, dataset: { name: 'd' }, params: { epochs: 1 } }),
      manifest('Model', 'image', { image }),
      manifest('ModelServer', 's', { model: { name: 'image' } }),
      manifest('Notebook', 'n', {
        model: { name: 'image' },
        dataset: { name: 'd' },
        idleTimeout: '1h',
      }),
      manifest(
        'Model',
        'held',
        { image, params: { epochs: 9 }, package: 'Never' },
        { labels: { simulate: 'hold' } },
      ),
    ),
  )
  for (const what of ['dataset/d', 'model/m', 'modelserver/s', 'notebook/n'])
    await untilReady(what, '^True')
  await untilReady('model/held', '^False Running')
}

/**
 * Every child and Pod in the namespace: a new one has another uid, a changed one another resourceVersion.
 * Read again until nothing changes any more.
 */
export async function everything({ target }: Bed): Promise<readonly string[]> {
  const kinds =
    'jobs,deployments,statefulsets,services,networkpolicies,persistentvolumeclaims,resourceclaimtemplates,pods'
  const look = async () =>
    (await get(team, kinds, target)).items
      .map(
        ({ kind, metadata: { name, uid, generation = '', resourceVersion } }: Shown) =>
          `${kind}/${name} ${uid} ${generation} ${resourceVersion}`,
      )
      .sort()
  let before = await look()
  for (;;) {
    await sleep(2000)
    const now = await look()
    if (now.join() === before.join()) return now
    before = now
  }
}
