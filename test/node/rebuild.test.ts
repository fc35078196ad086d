import { afterEach, expect, test } from 'vitest'
import { apply, get, manifest, namespace, ok, type Shown, until } from '../cluster/cluster.ts'
import { configured } from './configured.ts'
import { base, commit, imageOf, untilSays } from './realnode.ts'

/** An object that is created again is built again, which is fast with a cache in the registry. */

/** A step that takes as long as installing packages, and a last one that changes. */
const dockerfile = (last: string): Readonly<Record<string, string>> => ({
  Dockerfile: `FROM ${base}/busybox:1\nRUN sleep 20\nRUN mkdir -p /content/model && echo ${last} >/content/model/word\n`,
})

const builtIn = async (ns: string, what: string) => {
  const { stages } = (await get(ns, what)).status
  const [pod] = (
    JSON.parse(
      await ok([
        ...['-n', ns, 'get', 'pods', '-o', 'json'],
        ...['-l', `batch.kubernetes.io/job-name=${stages.build.job}`],
      ]),
    ) as Shown
  ).items
  const { startedAt, finishedAt } = pod.status.containerStatuses[0].state.terminated
  return {
    ...stages.build,
    seconds: (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000,
    log: await ok(['-n', ns, 'logs', pod.metadata.name, '-c', 'build']),
  }
}

/** The user and capabilities of the builder, read inside its container while a step runs. */
async function builderOf(ns: string) {
  const [pod] = (await get(ns, 'pods')).items
  const look = 'id -u; sed -n "s/^CapEff:\\t//p" /proc/1/status; pgrep -c buildkitd'
  const seen = await ok([
    ...['-n', ns, 'exec', pod.metadata.name, '-c', 'build', '--'],
    ...['sh', '-c', look],
  ])
  const [user, capabilities, daemons] = seen.trim().split('\n')
  return { user, capabilities, daemons: Number(daemons) }
}

let undo: () => Promise<void>
afterEach(() => undo())

test('with registry.cache, rebuilding the same commit or only its last layer takes less than half the time', async () => {
  undo = await configured((config) => ({
    ...config,
    registry: { ...config.registry, cache: true },
  }))
  const ns = await namespace('again')
  const code = commit(`${ns}/code`, dockerfile('one'))
  const it = manifest('Model', 'it', { build: { git: { url: code.url } } })
  await apply(ns, it)
  expect(
    await until(
      () => builderOf(ns),
      ({ daemons }) => daemons > 0,
      120,
    ),
  ).toEqual({
    user: '1000',
    capabilities: '0000000000000000',
    daemons: expect.any(Number),
  })
  // The builder reports each step of the Dockerfile. The status shows the second one, which takes a while, or
  // the last one if the status was written at the second one's beginning.
  const progress = await until(
    async () => (await get(ns, 'model/it')).status.progress,
    (one) => one?.step > 1,
    60,
  )
  expect(progress).toMatchObject({ stage: 'build', of: 3 })
  expect([
    [2, 'RUN sleep 20'],
    [3, 'RUN mkdir -p /content/model && echo one >/content/model/word'],
  ]).toContainEqual([progress.step, progress.message])
  await untilSays(ns, 'model/it', 'True Done: the image is the model')
  const first = await builtIn(ns, 'model/it')

  await ok(['-n', ns, 'delete', 'model', 'it', '--cascade=foreground', '--wait'])
  await apply(ns, it)
  await untilSays(ns, 'model/it', 'True Done: the image is the model')
  const second = await builtIn(ns, 'model/it')
  expect(second.job).toBe(first.job)
  // BuildKit built it again from the layers that the first build stored in the registry.
  expect(second.log).toMatch(/CACHED/)
  expect(second.seconds).toBeLessThanOrEqual(first.seconds / 2)

  const changed = commit(`${ns}/code`, dockerfile('two'))
  await ok(['-n', ns, 'annotate', 'model', 'it', 'substratus.ai/rerun=once'])
  await untilSays(ns, 'model/it', 'False')
  await untilSays(ns, 'model/it', 'True Done: the image is the model')
  const third = await builtIn(ns, 'model/it')
  expect(third.commit).toBe(changed.commit)
  expect(third.image).not.toBe(first.image)
  console.log(
    `a build took ${first.seconds} s, the same commit ${second.seconds} s, a changed last layer ${third.seconds} s`,
  )
  expect(third.seconds).toBeLessThanOrEqual(first.seconds / 2)

  const { config } = (await imageOf(third.image)).config
  expect(config.Labels).toMatchObject({
    'org.opencontainers.image.source': code.url,
    'org.opencontainers.image.revision': changed.commit,
    'ai.substratus.created-by': 'substratus build',
  })
})
