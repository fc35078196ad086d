import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { done, home, team } from './chart.ts'
import { claimOf, get, kubectl, manifest, ok, type Shown, until } from './cluster.ts'
import { installation } from './installation.ts'
import { everything } from './oneofeach.ts'

/** The chart is uninstalled and installed again; objects and their children stay. */

const bed = installation({ installed: {}, inUse: true })

test('helm uninstall leaves objects and children in place, and removes the webhooks and controllers', async () => {
  const before = await everything(bed)
  if (bed.driving.embedded) await bed.driving.end()
  done(await bed.uninstall())
  for (const what of ['deployments', 'services', 'cronjobs', 'serviceaccounts'])
    expect(
      (await get(home, what, bed.target)).items
        .map(({ metadata }: Shown) => metadata.name)
        .filter((name: string) => name.startsWith('substratus')),
    ).toEqual([])
  for (const what of [
    'compositecontrollers',
    'validatingwebhookconfigurations',
    'mutatingwebhookconfigurations',
  ])
    expect((await get(home, what, bed.target)).items).toEqual([])
  const definitions = (await ok(['get', 'crd', '-o', 'name'], undefined, bed.target)).split('\n')
  expect(definitions.filter((name) => name.endsWith('substratus.ai'))).toHaveLength(4)
  expect((await get(team, 'models', bed.target)).items).toHaveLength(3)
  await sleep(2000)
  expect(await everything(bed)).toEqual(before)
})

test('a trained Model is restored from a backup with its status meanwhile', async () => {
  const { metadata, spec, status, ...rest } = await get(team, 'model/m', bed.target)
  expect(status.stages.run).toBeDefined()
  await ok(['-n', team, 'delete', 'model', 'm'], undefined, bed.target)
  await until(
    () => get(team, 'jobs,persistentvolumeclaims,pods', bed.target),
    ({ items }) => !items.some(({ metadata }: Shown) => metadata.name.startsWith('m-model-')),
  )
  const backup = JSON.stringify({ ...rest, metadata: { name: metadata.name }, spec, status })
  done(await kubectl(['-n', team, 'create', '-f', '-'], backup, bed.target))
  const replace = ['-n', team, 'replace', '--subresource=status', '-f', '-']
  done(await kubectl(replace, backup, bed.target))
  const restored = await get(team, 'model/m', bed.target)
  done(await bed.apply(claimOf(restored.metadata, !bed.driving.embedded)))
})

test('a new installation under the same name adopts the objects and reruns nothing', async () => {
  const before = await everything(bed)
  done(await bed.release('install', '--set', bed.outside))
  // The account is new, and so is its token.
  await bed.restartServer()
  if (bed.driving.embedded) bed.driving.again()
  done(await bed.apply(manifest('Model', 'again', { image: 'example.com/m' })))
  await bed.untilReady('model/again', '^True')
  // The restored Model is ready too, without a Job.
  await bed.untilReady('model/m', '^True')
  await sleep(3000)
  // The restored claim is adopted by its Model: it is changed, but not replaced.
  const unwritten = (line: string) =>
    line.startsWith('PersistentVolumeClaim/m-') ? line.replace(/\d+$/, '') : line
  expect((await everything(bed)).map(unwritten)).toEqual(before.map(unwritten))
})
