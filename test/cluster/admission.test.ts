import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { afterEach, describe, expect, inject, test } from 'vitest'
import { parse, stringify } from 'yaml'
import type { Json } from '../objects.ts'
import { expectDocumented } from '../reviews.ts'
import {
  apply,
  get,
  manifest,
  namespace,
  ok,
  patch,
  type Shown,
  until,
  untilReady,
} from './cluster.ts'
import { otherWebhook } from './otherwebhook.ts'

/** Admission at a real API server, with other webhooks beside ours. */

const image = 'example.com/train:1'
const spec = { image, resources: { memory: 4 } }
const gpu = { type: 'nvidia-l4' }
const stops: (() => Promise<void>)[] = []

/** A webhook that is removed after the test, and that the API server has begun to ask. */
async function registered(options: Parameters<typeof otherWebhook>[0]) {
  const webhook = await otherWebhook(options)
  stops.push(webhook.stop)
  const dryRun = ['-n', options.namespace, 'create', '--dry-run=server', '-f', '-']
  await until(
    async () => {
      await ok(dryRun, manifest('Model', 'first', spec))
      return webhook.reviews.length
    },
    (asked) => asked > 0,
  )
  return webhook
}

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

/** What our server answers to a review that the API server has sent to another webhook. */
function answerTo(verb: string, review: Json): Promise<Json> {
  const { ca, serverUrl } = inject('cluster')
  const options = { method: 'POST', headers: { 'content-type': 'application/json' } }
  return new Promise((resolve, reject) => {
    const sent = request(
      `${serverUrl}/admission/${verb}?timeout=5s`,
      { ...options, ca: readFileSync(ca) },
      (response) => json(response).then(resolve, reject),
    )
    sent.on('error', reject)
    sent.end(JSON.stringify(review))
  })
}

/** kubectl as another user, who has groups and extra attributes. */
function impersonating(): ReturnType<typeof inject<'cluster'>> {
  const cluster = inject('cluster')
  const config = parse(readFileSync(cluster.kubeconfig, 'utf8'))
  Object.assign(config.users[0].user, {
    as: 'jane',
    'as-uid': '42',
    'as-groups': ['system:masters'],
    'as-user-extra': { 'example.com/reason': ['a test'] },
  })
  const kubeconfig = join(cluster.dir, 'jane.kubeconfig')
  writeFileSync(kubeconfig, stringify(config), { mode: 0o600 })
  return { ...cluster, kubeconfig }
}

/** Operation, resource, name and what else tells reviews apart. */
const inShort = ({ request }: Json): string =>
  [
    request.operation,
    [request.resource.resource, request.subResource].filter(Boolean).join('/'),
    request.name || '(no name)',
    ...(request.object ? [] : ['without an object']),
    ...(request.oldObject ? [] : ['without an old object']),
    ...(request.dryRun ? ['as a dry run'] : []),
  ].join(' ')

test('every review that the API server sends gets a response of the documented shape', async () => {
  const ns = await namespace('reviews')
  const rules = [
    { apiGroups: ['substratus.ai'], apiVersions: ['v1'], operations: ['*'], resources: ['*/*'] },
  ]
  const webhook = { rules, matchPolicy: 'Equivalent' }
  const common = { name: 'all', namespace: ns, webhook }
  const mutated = (await registered({ ...common, type: 'Mutating' })).reviews
  const validated = (await registered({ ...common, type: 'Validating' })).reviews
  const generated = manifest('Model', '', { image }).replace('"name":""', '"generateName":"run-"')
  await ok(['-n', ns, 'create', '-f', '-'], generated, impersonating())
  await apply(ns, manifest('Model', 'm', { image }))
  await apply(ns, manifest('ModelServer', 's', { model: { name: 'm' } }))
  await patch(ns, 'model/m', { params: { epochs: 2 } })
  await ok(['-n', ns, 'scale', 'modelserver/s', '--replicas=2'])
  await until(
    async () => validated.map(inShort),
    (all) => all.some((line) => line.includes('models/status')),
  )
  const jane = validated.find(({ request }) => request.userInfo.username === 'jane')?.request
  expect(jane.userInfo.extra).toEqual({ 'example.com/reason': ['a test'] })
  expect(jane.name).toMatch(/^run-\w{5}$/)
  const seen = new Set<string>()
  const answered = async () => {
    for (const [verb, reviews] of Object.entries({ mutate: mutated, validate: validated }))
      for (const review of reviews.splice(0)) {
        seen.add(`${verb}: ${inShort(review)}`)
        const answer = await answerTo(verb, review)
        expectDocumented(review, answer)
        expect(answer.response.allowed).toBe(true)
      }
  }
  // While what they refer to exists.
  await answered()
  await ok(['-n', ns, 'delete', 'modelservers,models', '--all'])
  await answered()
  expect([...seen]).toEqual(
    expect.arrayContaining([
      'mutate: CREATE models (no name) without an old object',
      'validate: CREATE models first without an old object as a dry run',
      'validate: CREATE modelservers s without an old object',
      'validate: UPDATE models m',
      'validate: UPDATE models/status m',
      'validate: UPDATE modelservers/scale s',
      'validate: DELETE models m without an object',
    ]),
  )
})

describe('beside another webhook that mutates', () => {
  const op = (op: string, path: string, value: unknown) => ({ op, path, value })
  const label = ({ metadata }: Json) =>
    metadata.labels?.team ? [] : [op('add', '/metadata/labels', { team: 'a' })]

  test.each<{ what: string; patch: (object: Json) => readonly object[]; count?: number }>([
    { what: 'adds a label', patch: label },
    {
      what: 'adds a GPU without a count',
      patch: ({ spec }) => (spec.resources.gpu ? [] : [op('add', '/spec/resources/gpu', gpu)]),
      count: 1,
    },
    {
      what: 'changes the count',
      patch: ({ spec }) =>
        spec.resources.gpu?.count === 2
          ? []
          : [op('add', '/spec/resources/gpu', { ...gpu, count: 2 })],
      count: 2,
    },
  ])('and $what, before ours or after, the object is complete and stable', async (row) => {
    const ns = await namespace('beside')
    const webhook = { reinvocationPolicy: 'IfNeeded' }
    // Before and after "substratus".
    for (const name of ['another', 'zealous']) {
      const object = `m-${name}`
      const other = await registered({
        type: 'Mutating',
        name,
        namespace: ns,
        webhook,
        patch: row.patch,
      })
      const given = manifest('Model', object, spec)
      await apply(ns, given)
      const first: Shown = await get(ns, `model/${object}`)
      expect(first.spec.resources.gpu?.count).toBe(row.count)
      expect(first.metadata.labels?.team).toBe(row.count ? undefined : 'a')
      expect(await apply(ns, given)).toContain('unchanged')
      const serverSide = ['-n', ns, 'apply', '--server-side', '--force-conflicts', '-f', '-']
      await ok(serverSide, given)
      await ok(serverSide, given)
      const { metadata, spec: last }: Shown = await get(ns, `model/${object}`)
      expect([metadata.generation, last]).toEqual([first.metadata.generation, first.spec])
      const { response } = await answerTo('mutate', other.reviews.at(-1))
      expect(response.patch).toBeUndefined()
      await stops.pop()?.()
    }
  })
})

test('server-side apply a second time changes neither the version nor the managed fields', async () => {
  const ns = await namespace('applied-twice')
  const resources = { memory: 8, gpu }
  const all = [
    manifest('Dataset', 'd', { image, resources, suspend: true }),
    manifest('Model', 'm', { image, resources, dataset: { name: 'd' }, suspend: true }),
    manifest('ModelServer', 's', { model: { name: 'm' }, resources, suspend: true }),
    manifest('Notebook', 'n', { model: { name: 'm' }, resources, suspend: true }),
  ]
  const twice = ['-n', ns, 'apply', '--server-side', '-f', '-']
  await ok(twice, all.join('\n---\n'))
  const kinds = 'datasets,models,modelservers,notebooks'
  const shown = async (): Promise<readonly Shown[]> =>
    JSON.parse(await ok(['-n', ns, 'get', kinds, '--show-managed-fields', '-o', 'json'])).items
  for (const what of ['dataset/d', 'model/m', 'modelserver/s', 'notebook/n'])
    await untilReady(ns, what, 'True Suspended')
  const before = await shown()
  for (const { spec } of before) expect(spec.resources.gpu).toEqual({ ...gpu, count: 1 })
  await ok(twice, all.join('\n---\n'))
  expect(await shown()).toEqual(before)
})
