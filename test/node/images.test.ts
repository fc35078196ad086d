import { afterEach, describe, expect, test } from 'vitest'
import { apply, get, manifest, namespace, until } from '../cluster/cluster.ts'
import { configured } from './configured.ts'
import { trainer } from './programs.ts'
import { base, commit, conditionOf, leave, untilSays } from './realnode.ts'

/** How images get into Pods, with and without image volumes. */

let undo: () => Promise<void>
afterEach(() => undo())

const weights = '{"slope": 5, "intercept": 0}'
const isModel = {
  Dockerfile: `FROM ${base}/busybox:1\nCOPY weights.json /content/model/weights.json\n`,
  'weights.json': weights,
}
const server = {
  image: `${base}/python:3`,
  command: ['python3', '-c', trainer['serve.py']],
}

const answerOf = async (ns: string): Promise<number> => {
  const { spec } = await get(ns, 'service/it-server')
  const answer = await fetch(`http://${spec.clusterIP}:8080/?x=1`)
  return ((await answer.json()) as { y: number }).y
}

describe.each([
  { imageVolumes: 'Auto', volume: 'image', before: [] },
  { imageVolumes: 'Disabled', volume: 'emptyDir', before: ['copy-model'] },
] as const)('with imageVolumes: $imageVolumes', ({ imageVolumes, volume, before }) => {
  test(`a Model that is an image is mounted in another’s Pod by ${volume}`, async () => {
    undo = await configured((config) => ({ ...config, imageVolumes }))
    const ns = await namespace('images')
    const code = commit(`${ns}/model`, isModel)
    await apply(ns, manifest('Model', 'it', { build: { git: { url: code.url } } }))
    await apply(ns, manifest('ModelServer', 'it', { model: { name: 'it' }, ...server }))
    await untilSays(ns, 'modelserver/it', 'True Serving')
    const { spec } = (await get(ns, 'deployment/it-server')).spec.template
    expect(
      Object.keys(spec.volumes.find(({ name }: { name: string }) => name === 'model')),
    ).toContain(volume)
    expect((spec.initContainers ?? []).map(({ name }: { name: string }) => name)).toEqual(before)
    expect(
      await until(
        () => answerOf(ns),
        (y) => y === 5,
      ),
    ).toBe(5)
    await leave(ns)
  })
})

test('a Model larger than packaging.maxSize is served from storage, and reports that', async () => {
  undo = await configured((config) => ({ ...config, packaging: { maxSize: '1Ki' } }))
  const ns = await namespace('images')
  const write = `head -c 2048 /dev/zero >/content/artifacts/padding; echo '${weights}' >/content/artifacts/weights.json`
  await apply(
    ns,
    manifest('Model', 'it', {
      image: `${base}/busybox:1`,
      command: ['/bin/sh', '-c', write],
    }),
  )
  await apply(ns, manifest('ModelServer', 'it', { model: { name: 'it' }, ...server }))
  await untilSays(ns, 'model/it', 'True Done: served from storage: pvc://it-model-artifacts/run/')
  expect(await conditionOf(ns, 'model/it', 'Packaged')).toBe(
    'False TooLarge: 2Ki is more than packaging.maxSize 1Ki: served from storage',
  )
  await untilSays(ns, 'modelserver/it', 'True Serving')
  expect(
    await until(
      () => answerOf(ns),
      (y) => y === 5,
    ),
  ).toBe(5)
  await leave(ns)
})
