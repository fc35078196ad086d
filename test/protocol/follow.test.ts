import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Followed, follow } from '../../cluster/follow.ts'
import { kinds } from '../../crds/kinds.ts'
import { type ListApi, listApi } from './listapi.ts'

/** What watch and up show, against an API server that falls silent. */

const models = kinds.filter(({ plural }) => plural === 'models')
const model = {
  apiVersion: 'substratus.ai/v1',
  kind: 'Model',
  metadata: { namespace: 'default', name: 'falcon', resourceVersion: '1' },
  spec: {},
}

let api: ListApi
beforeEach(async () => {
  api = await listApi(({ pathname }) =>
    pathname.endsWith('/models')
      ? { kind: 'ModelList', items: [model] }
      : { kind: 'DatasetList', items: [] },
  )
})
afterEach(() => api.close())

async function seen(isEnough: (followed: Followed) => boolean): Promise<Followed> {
  const kubeConfig = api.kubeConfig
  for await (const one of follow({ kubeConfig, kinds: models, patienceSeconds: 1 }))
    if (isEnough(one)) return one
  throw new Error('never')
}

test('objects are shown at once, and again with a note when the API server falls silent', async () => {
  const first = await seen(() => true)
  expect(first.trouble).toBeUndefined()
  expect(first.objects.map(({ metadata }) => metadata.name)).toEqual(['falcon'])
  const silent = await seen(({ trouble }) => trouble !== undefined)
  expect(silent.trouble).toBe('the API server does not answer; trying again')
  expect(silent.objects).toHaveLength(1)
})

test('a kind that is refused later is no silence, while another kind changes', async () => {
  let lists = 0
  api.code = ({ pathname, searchParams }) =>
    pathname.endsWith('/models') && (searchParams.has('watch') || lists++) ? 403 : 200
  const dataset = { ...model, kind: 'Dataset' }
  const changing = setInterval(() => api.send('MODIFIED', dataset), 100)
  try {
    const both = kinds.filter(({ plural }) => ['models', 'datasets'].includes(plural))
    const troubles = new Set<string | undefined>()
    const following = { kubeConfig: api.kubeConfig, kinds: both, patienceSeconds: 1.5 }
    const ends = performance.now() + 6000
    for await (const { trouble } of follow(following)) {
      troubles.add(trouble)
      if (performance.now() > ends) break
    }
    expect([...troubles]).toEqual([
      undefined,
      expect.stringMatching(/^cannot read .*trying again$/),
    ])
  } finally {
    clearInterval(changing)
  }
})

test('a first list that comes too early is tried again', async () => {
  let lists = 0
  api.code = () => (lists++ ? 200 : 429)
  expect((await seen(() => true)).objects).toHaveLength(1)
})

test('a first list that always comes too early ends it', async () => {
  api.code = 429
  await expect(seen(() => true)).rejects.toMatchObject({ code: 429 })
})

test('a first list that is refused ends it', async () => {
  api.code = 403
  await expect(seen(() => true)).rejects.toMatchObject({ code: 403 })
})

test('so does its signal', async () => {
  const signal = AbortSignal.timeout(300)
  const following = follow({ kubeConfig: api.kubeConfig, kinds: models, signal })
  await expect(
    (async () => {
      for await (const _ of following);
    })(),
  ).rejects.toThrow()
})
