import { expect, test } from 'vitest'
import { accountOf, allowed, requestsOf } from './accounts.ts'
import { documentsIn, done, driveBeside, home, runAs, team } from './chart.ts'
import { get, kubectl, manifest, ok, until } from './cluster.ts'
import { installation } from './installation.ts'
import { applyOneOfEach } from './oneofeach.ts'

/** The rights of the server, Metacontroller, helm test and users: each has only those that it needs. */

const bed = installation({ installed: {} })

test('the rights in helm/metacontroller-values.yaml suffice for Metacontroller to reconcile all kinds', async () => {
  await driveBeside(bed)
  await applyOneOfEach(bed)
  expect(
    requestsOf(bed.target, 'metacontroller:metacontroller').filter((line) =>
      line.includes('FORBIDDEN'),
    ),
  ).toEqual([])
})

test('helm test calls the hooks and admission, and leaves nothing behind', async () => {
  const text = done(await bed.release('template'))
  const hooks = documentsIn(text).filter(
    ({ metadata }) => metadata.annotations?.['helm.sh/hook'] === 'test',
  )
  const pod = hooks.find(({ kind }) => kind === 'Pod')
  await bed.plane.kubectl.apply(hooks.filter(({ kind }) => kind !== 'Pod'))
  const account = await accountOf(bed.target, bed.plane, home, pod.spec.serviceAccountName)
  const { code, stdout } = await runAs(pod.spec.containers[0].args, account)
  expect(stdout.trim().split('\n')).toEqual([
    expect.stringMatching(/^ok {6}admission refused: .*"try-none" does not exist/),
    ...['Dataset', 'Model', 'ModelServer', 'Notebook'].map((kind) =>
      expect.stringMatching(new RegExp(`^ok {6}${kind}: the hooks said: \\w+: `)),
    ),
  ])
  expect(code).toBe(0)
  await until(
    async () => (await get(home, 'ai', bed.target)).items,
    (items) => items.length === 0,
  )
  for (const { kind, metadata } of hooks)
    await ok(
      ['-n', home, 'delete', '--ignore-not-found', kind, metadata.name],
      undefined,
      bed.target,
    )
})

test('the server has exactly the rights that it uses', async () => {
  // It looks up the Model and the Dataset of references, the other servers of a Model in a claim, and for a
  // deletion the users of a Model.
  const source = manifest('Model', 'imported', { source: 'hf://a/b', suspend: true })
  const server = manifest('ModelServer', 'second', { model: { name: 'imported' } })
  for (const [object, ...flags] of [[source], [server, '--dry-run=server']] as const)
    await ok(['-n', team, 'apply', ...flags, '-f', '-'], object, bed.target)
  await ok(['-n', team, 'delete', 'model', 'image', '--dry-run=server'], undefined, bed.target)
  const wanted = [
    ...['create events', 'get datasets', 'get models'],
    ...['list events', 'list models', 'list modelservers', 'list nodes', 'list notebooks'],
    ...['list pods', 'list workloads', 'watch events', 'watch nodes', 'watch pods'],
  ]
  await until(
    async () => requestsOf(bed.target, `${home}:substratus`).toSorted(),
    (lines) => wanted.every((line) => lines.includes(line)),
  )
  expect(requestsOf(bed.target, `${home}:substratus`).toSorted()).toEqual(wanted)
  // Every authenticated user may ask about itself and its rights.
  const everybody = await allowed(bed.target, `${team}:default`, team)
  expect(await allowed(bed.target, `${home}:substratus`, team)).toEqual(
    // Kueue, whose Workloads it looks for, is not installed here.
    [...everybody, ...wanted.filter((line) => line !== 'list workloads')].sort(),
  )
})

test('view and edit on a namespace include the four kinds', async () => {
  const may = async (role: string, verb: string, resource: string, subresource = '') => {
    const as = ['--as', role, '-n', team, `--subresource=${subresource}`]
    return (
      (await kubectl(['auth', 'can-i', verb, resource, ...as], undefined, bed.target)).code === 0
    )
  }
  for (const role of ['view', 'edit', 'admin'])
    await ok(
      ['-n', team, 'create', 'rolebinding', role, '--clusterrole', role, '--user', role],
      undefined,
      bed.target,
    )
  const kinds = ['datasets', 'models', 'modelservers', 'notebooks'].map(
    (it) => `${it}.substratus.ai`,
  )
  // A controller aggregates the roles a moment later.
  await until(() => may('edit', 'create', 'models.substratus.ai'), Boolean)
  for (const kind of kinds) {
    expect([await may('view', 'list', kind), await may('view', 'create', kind)]).toEqual([
      true,
      false,
    ])
    for (const role of ['edit', 'admin'])
      for (const verb of ['get', 'create', 'patch', 'delete', 'deletecollection'])
        expect([role, verb, kind, await may(role, verb, kind)]).toEqual([role, verb, kind, true])
  }
  expect(await may('edit', 'patch', 'modelservers.substratus.ai', 'scale')).toBe(true)
  expect(await may('edit', 'patch', 'models.substratus.ai', 'status')).toBe(false)
})
