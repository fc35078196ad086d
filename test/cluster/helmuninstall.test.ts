import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type Bed,
  chart,
  type Driving,
  done,
  driveBeside,
  home,
  install,
  type Running,
  release,
  startBed,
  startBehindService,
  type Target,
  team,
} from './chart.ts'
import { claimOf, get, kubectl, manifest, ok, type Shown, until } from './cluster.ts'
import { applyOneOfEach, everything } from './oneofeach.ts'

/** The chart is taken away and comes again: objects, and what they own, stay. */

let bed: Bed
let target: Target
let server: Running
let driving: Driving

beforeAll(async () => {
  bed = await startBed()
  target = bed.target
  server = await install(bed)
  driving = await driveBeside(bed)
  await applyOneOfEach(bed)
})
afterAll(async () => {
  await server?.stop()
  await bed?.plane.stop()
})

test('objects and their children stay, and what would refuse changes to them goes', async () => {
  const before = await everything(bed)
  if (driving.embedded) await driving.end()
  done(await bed.helm('uninstall', release, '-n', home, '--wait', '--timeout', '60s'))
  for (const what of ['deployments', 'services', 'cronjobs', 'serviceaccounts'])
    expect(
      (await get(home, what, target)).items
        .map(({ metadata }: Shown) => metadata.name)
        .filter((name: string) => name.startsWith('substratus')),
    ).toEqual([])
  for (const what of [
    'compositecontrollers',
    'validatingwebhookconfigurations',
    'mutatingwebhookconfigurations',
  ])
    expect((await get(home, what, target)).items).toEqual([])
  const definitions = (await ok(['get', 'crd', '-o', 'name'], undefined, target)).split('\n')
  expect(definitions.filter((name) => name.endsWith('substratus.ai'))).toHaveLength(4)
  expect((await get(team, 'models', target)).items).toHaveLength(3)
  await sleep(2000)
  expect(await everything(bed)).toEqual(before)
})

test('meanwhile a trained Model is restored from a backup, its status included', async () => {
  const { metadata, spec, status, ...rest } = await get(team, 'model/m', target)
  expect(status.stages.run).toBeDefined()
  await ok(['-n', team, 'delete', 'model', 'm'], undefined, target)
  await until(
    () => get(team, 'jobs,persistentvolumeclaims,pods', target),
    ({ items }) => !items.some(({ metadata }: Shown) => metadata.name.startsWith('m-model-')),
  )
  const backup = JSON.stringify({ ...rest, metadata: { name: metadata.name }, spec, status })
  done(await kubectl(['-n', team, 'create', '-f', '-'], backup, target))
  const replace = ['-n', team, 'replace', '--subresource=status', '-f', '-']
  done(await kubectl(replace, backup, target))
  const restored = await get(team, 'model/m', target)
  done(await bed.apply(claimOf(restored.metadata, !driving.embedded)))
})

test('installed again by the same name, it goes on with them', async () => {
  const before = await everything(bed)
  done(await bed.helm('install', release, chart, '-n', home, '--set', bed.outside))
  // The account is a new one: so is its token.
  await server.stop()
  server = await startBehindService(bed)
  if (driving.embedded) driving.again()
  done(await bed.apply(manifest('Model', 'again', { image: 'example.com/m' })))
  await bed.untilReady('model/again', '^True')
  // The restored one too, and without a Job.
  await bed.untilReady('model/m', '^True')
  await sleep(3000)
  // The restored claim is given to its Model: written, and the same one.
  const unwritten = (line: string) =>
    line.startsWith('PersistentVolumeClaim/m-') ? line.replace(/\d+$/, '') : line
  expect((await everything(bed)).map(unwritten)).toEqual(before.map(unwritten))
})
