import {
  CustomObjectsApi,
  type KubeConfig,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node'
import { beforeAll, describe, expect, test } from 'vitest'
import { kubeConfigOf } from '../../cluster/kubeconfig.ts'
import { refusalOf } from '../../cluster/refusal.ts'
import { group, version } from '../../crds/kind.ts'
import { clusterReviews } from '../../gateway/clusterreviews.ts'
import { clusterWorld } from '../../gateway/clusterworld.ts'
import type { Server } from '../../gateway/core/servers.ts'
import { keyCheck } from '../../gateway/keys.ts'
import { accountOf, allowed, requestsOf } from './accounts.ts'
import { done, home, team } from './chart.ts'
import { get, manifest, ok, until } from './cluster.ts'
import { installation } from './installation.ts'

/** What the gateway's account may do on a real API server, and how keys are checked there. */

const bed = installation({ installed: { args: ['--set', 'gateway.enabled=true'] } })
const log = { info: () => {}, warn: () => {} }

let account: KubeConfig
beforeAll(async () => {
  const mine = { annotations: { mine: 'a' }, labels: { mine: 'a' } }
  done(
    await bed.apply(
      manifest('Model', 'image', { image: 'example.com/model:1' }),
      manifest('ModelServer', 's', { model: { name: 'image' }, aliases: ['chat'] }, mine),
    ),
  )
  account = kubeConfigOf(await accountOf(bed.target, bed.plane, home, 'substratus-gateway'))
})

/** Patches the ModelServer as the gateway; returns the words of a refusal. */
async function patched(body: object): Promise<string> {
  try {
    await account
      .makeApiClient(CustomObjectsApi)
      .patchNamespacedCustomObject(
        { group, version, namespace: team, plural: 'modelservers', name: 's', body },
        setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
      )
    return 'done'
  } catch (error) {
    return refusalOf(error).message
  }
}

describe('of a ModelServer, the gateway’s account', () => {
  const opened = (value: string | null) => ({
    metadata: { annotations: { 'substratus.ai/opened': value } },
  })

  test('may set the annotation that wakes it, and set it again', async () => {
    expect(await patched(opened('2026-01-01T00:00:00Z'))).toBe('done')
    expect(await patched(opened('2026-01-02T00:00:00Z'))).toBe('done')
    const { metadata } = await get(team, 'modelserver/s', bed.target)
    expect(metadata.annotations).toMatchObject({
      mine: 'a',
      'substratus.ai/opened': '2026-01-02T00:00:00Z',
    })
  })

  test.each([
    { what: 'set it to another value', body: opened('$(date)') },
    { what: 'add an annotation', body: { metadata: { annotations: { other: 'b' } } } },
    { what: 'change an annotation', body: { metadata: { annotations: { mine: 'b' } } } },
    { what: 'remove an annotation', body: { metadata: { annotations: { mine: null } } } },
    { what: 'change a label', body: { metadata: { labels: { mine: 'b' } } } },
    { what: 'add a finalizer', body: { metadata: { finalizers: ['example.com/stay'] } } },
    { what: 'change the spec', body: { spec: { image: 'example.com/other:1' } } },
    { what: 'scale it', body: { spec: { replicas: 5 } } },
  ])('may not $what', async ({ body }) => {
    expect(await patched(body)).toMatch(
      /ValidatingAdmissionPolicy 'substratus-gateway'.*gateway may/,
    )
  })

  test('is the only one that this limits', async () => {
    await ok(['-n', team, 'annotate', 'modelserver', 's', 'other=b'], undefined, bed.target)
  })
})

test('a key is a token of the audience whose user may create modelservers/proxy', async () => {
  const tokenFor = async (...flags: readonly string[]) =>
    (await ok(['-n', team, 'create', 'token', 'default', ...flags], undefined, bed.target)).trim()
  const check = (token: string, acceptClusterTokens = false) =>
    keyCheck(clusterReviews(account, { acceptClusterTokens }))(`Bearer ${token}`, team, '').catch(
      (error: Error) => error.message,
    )
  const own = await tokenFor('--audience=substratus.ai/gateway')
  const clusters = await tokenFor()
  expect(await check('wrong')).toMatch(/^the API key is missing or not valid/)
  expect(await check(clusters)).toMatch(/^the API key is missing or not valid/)
  expect(await check(own)).toMatch(/may not create modelservers\/proxy in namespace "team"/)
  const binding = ['rolebinding', 'chats', '--clusterrole=edit', `--serviceaccount=${team}:default`]
  await ok(['-n', team, 'create', ...binding], undefined, bed.target)
  // A controller aggregates the roles a moment later.
  await until(
    () => check(own),
    (user) => user === `system:serviceaccount:${team}:default`,
  )
  expect(await check(clusters, true)).toBe(`system:serviceaccount:${team}:default`)
})

test('the gateway has exactly the rights that it uses', async () => {
  const watching = new AbortController()
  const world = clusterWorld(account, log, watching.signal)
  await until(
    async () => [...(world.namesIn(team)?.keys() ?? [])],
    (names) => names.join() === 'chat,image,s',
  )
  await world.wake({ namespace: team, name: 's' } as Server)
  const wanted = [
    ...['create subjectaccessreviews', 'create tokenreviews'],
    ...['list endpointslices', 'list modelservers', 'patch modelservers'],
    ...['watch endpointslices', 'watch modelservers'],
  ]
  const used = () =>
    requestsOf(bed.target, `${home}:substratus-gateway`)
      .map((line) => line.replace(/ FORBIDDEN$/, ''))
      .toSorted()
  await until(
    async () => used(),
    (lines) => wanted.every((line) => lines.includes(line)),
  )
  watching.abort()
  // The API server records a refusal of admission as forbidden, too.
  expect([...new Set(used())]).toEqual(wanted)
  const everybody = await allowed(bed.target, `${team}:nobody`, team)
  expect(await allowed(bed.target, `${home}:substratus-gateway`, team)).toEqual(
    [...everybody, ...wanted].sort(),
  )
})
