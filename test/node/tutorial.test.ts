import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { gitUrl } from '../../platform/node/addresses.ts'
import { root } from '../../terminal/root.ts'
import { apply, get, namespace, ok, type Shown, until } from '../cluster/cluster.ts'
import { dataset, origin, tour, trainer } from './programs.ts'
import { commit, imageOf, leave, throughPortForward, untilSays } from './realnode.ts'
import { at, plainJob, stagesOf, tableOf } from './timing.ts'

/** The log of a container of a Job. */
const logOf = (ns: string, job: string, container: string): Promise<string> =>
  ok(['-n', ns, 'logs', `job/${job}`, '-c', container])

/** `kubectl substratus logs -f`, once it has ended by itself. */
const followed = (ns: string, what: string) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const args = ['logs', what, '-f', '-n', ns, '--kubeconfig', inject('cluster').kubeconfig]
    const program = join(root, 'cli', 'main.ts')
    execFile(process.execPath, [program, ...args], (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    )
  })

const under = (folder: string, files: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [`${folder}/${name}`, text]))

/** From Git to a response over HTTP, with real containers in every step. */
let ns: string
let answered: number

test('Git → image → data → training → packaged image → HTTP response', async () => {
  ns = await namespace('tutorial')
  const code = commit(`${ns}/substratus`, {
    ...under('docs/tour/numbers', dataset),
    ...under('docs/tour/origin', origin),
    ...under('docs/tour/line', trainer),
  })
  // The manifests of docs/tutorial-from-git-to-an-answer.md, with another address.
  const manifests = readFileSync(join(tour, 'tour.yaml'), 'utf8')
    .replaceAll(`${gitUrl}/substratus.git`, code.url)
    .split('\n---\n')
  await apply(ns, ...manifests.slice(0, 2))
  await untilSays(ns, 'dataset/numbers', 'True Done: loaded into pvc://')
  await untilSays(ns, 'model/origin', 'True Done: the image is the model')
  await apply(ns, ...manifests.slice(2))
  const log = followed(ns, 'model/line')
  await untilSays(ns, 'model/line', 'True Done: packaged as ')
  await untilSays(ns, 'modelserver/line', 'True Serving')
  answered = Date.now() / 1000

  const { status } = await get(ns, 'model/line')
  expect(status.stages.build.commit).toBe(code.commit)
  const packaged = await imageOf(status.artifacts.image)
  expect(status.artifacts.image).toBe(status.stages.package.image)
  expect(status.artifacts.image).toMatch(new RegExp(`@${packaged.digest}$`))
  expect(packaged.config.config.Labels).toMatchObject({
    'org.opencontainers.image.source': code.url,
    'org.opencontainers.image.revision': code.commit,
    'ai.substratus.created-by': 'substratus package',
  })

  // Following the log shows one stage after the other, and the end.
  const { code: ended, stdout, stderr } = await log
  expect({ ended, stderr }).toMatchObject({ ended: 0 })
  const told = [...stderr.matchAll(/^stage (\w+): Pod "line-model-/gm)].map(([, stage]) => stage)
  expect([...new Set(told)]).toEqual(['build', 'run', 'seal', 'package'])
  expect(stdout).toMatch(/^loss \S+ -> \S+$/m)
  expect(stderr.trimEnd().split('\n').at(-1)).toMatch(/^Model "line" is Ready: Done: packaged as /)

  // The loss decreased as expected.
  const [, first = '', last = ''] =
    /^loss (\S+) -> (\S+)$/m.exec(await logOf(ns, status.stages.run.job, 'run')) ?? []
  expect(Number(first)).toBeGreaterThan(1)
  expect(Number(last)).toBeLessThan(0.01)
  // Packaging writes nothing to the node's disk.
  const [, written = ''] =
    /^bytes written to disk while packaging: (\d+)$/m.exec(
      await logOf(ns, status.stages.package.job, 'package'),
    ) ?? []
  console.log(`packaging wrote ${written} bytes to disk`)
  expect(Number(written || Number.NaN)).toBeLessThan(100_000)

  const service = await get(ns, 'service/line-server')
  // kube-proxy learns about a ready Pod a moment later.
  const ask = async () => {
    const answer = await fetch(`http://${service.spec.clusterIP}:8080/?x=2`)
    return ((await answer.json()) as { y: number }).y
  }
  expect(await until(ask, (y) => y > 0, 20)).toBeCloseTo(8, 1)
  expect(await throughPortForward(ns, 'service/line-server', '/?x=2')).toContain('"y": 7.9')
})

/** Uses the timestamps of the Pods of the test above. */
test('hardly any time passes between the stages', async () => {
  const plains = [await plainJob(ns, 'one'), await plainJob(ns, 'two'), await plainJob(ns, 'three')]
  const plain = plains.reduce((sum, seconds) => sum + seconds, 0) / plains.length
  const model = await get(ns, 'model/line')
  const pods: readonly Shown[] = (await get(ns, 'pods')).items
  const ofModel = ['build', 'run', 'seal', 'package'].flatMap((stage) =>
    pods.filter(
      ({ metadata: { labels } }) =>
        labels['substratus.ai/name'] === 'line' && labels['substratus.ai/stage'] === stage,
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
      tableOf(stages),
      `a Job of two containers that do nothing takes ${plain.toFixed(1)} s here`,
      `Ready was seen ${(answered - at(ready?.lastTransitionTime)).toFixed(1)} s later`,
    ].join('\n'),
  )
  const between = stages.reduce((sum, { seconds, work }) => sum + seconds - work, 0)
  expect(between / stages.length - plain).toBeLessThan(2)
  await leave(ns)
})
