import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import {
  apply,
  failures,
  get,
  jobsCreated,
  kubectl,
  manifest,
  names,
  namespace,
  nudge,
  ok,
  patch,
  until,
  untilReady,
  withoutAdmission,
  writes,
} from './cluster.ts'

/** Claims and their contents: claims can grow, and are never silently replaced by empty ones. */

const trained = { image: 'example.com/train:1', params: { epochs: 1 } }

test('a deleted claim is reported with its lost result, and not replaced by an empty one', async () => {
  const ns = await namespace('gone')
  await apply(ns, manifest('Model', 'm', { ...trained, package: 'Never' }))
  await untilReady(ns, 'model/m', 'True Done')
  await ok(['-n', ns, 'delete', 'pods', '--all'])
  await ok(['-n', ns, 'delete', 'pvc', 'm-model-artifacts'])
  await untilReady(
    ns,
    'model/m',
    'False ChildMissing: PersistentVolumeClaim "m-model-artifacts" is gone, and the result with it',
  )
  expect(await names(ns, 'pvc')).toEqual([])
  await ok(['-n', ns, 'annotate', 'model/m', 'substratus.ai/rerun=once'])
  await untilReady(ns, 'model/m', 'True Done')
  expect(jobsCreated(ns)).toHaveLength(4)
})

test('a larger disk expands the claim; a smaller one is refused, or reported if it bypassed admission', async () => {
  const ns = await namespace('disk')
  const size = async () => (await get(ns, 'pvc/n-notebook-home')).spec.resources.requests.storage
  await apply(ns, manifest('Notebook', 'n', { resources: { disk: 10 } }))
  await untilReady(ns, 'notebook/n', 'True')
  await patch(ns, 'notebook/n', { resources: { disk: 30 } })
  await until(size, (now) => now === '30Gi')
  const refused = await kubectl([
    '-n',
    ns,
    'patch',
    'notebook/n',
    '--type=merge',
    '-p',
    '{"spec":{"resources":{"disk":20}}}',
  ])
  expect(refused.stderr).toContain('may not shrink from 30Gi to 20Gi')
  await withoutAdmission(() => patch(ns, 'notebook/n', { resources: { disk: 20 } }))
  await untilReady(ns, 'notebook/n', /^True .*; disk stays 30Gi: a claim cannot shrink to 20Gi$/)
  expect(await size()).toBe('30Gi')
  // The refused patch is not repeated.
  const [done, refusals] = [writes(ns), failures(ns)]
  await nudge(ns, 'notebook/n')
  await sleep(10_000)
  expect(failures(ns)).toEqual(refusals)
  expect(
    writes(ns)
      .slice(done.length)
      .filter((line) => !line.includes(' patch notebooks/')),
  ).toEqual([])
})
