import { describe, expect, test } from 'vitest'
import type { Parent } from '../../../crds/kind.ts'
import { modelserver } from '../../../hooks/modelserver.ts'
import {
  aConfig,
  aModel,
  aModelServer,
  aPod,
  applied,
  type Child,
  complete,
  type Json,
  observed,
  readyOf,
  requestFor,
  type Seen,
  statusOf,
  stored,
  sync,
  theChild,
  throughJson,
} from '../../objects.ts'

/** status.served: what the Pods of a ModelServer serve, and by which name they know it. */

const model = (name: string) =>
  complete(aModel({ source: `hf://acme/${name}` }, { name }), {
    url: `pvc://${name}-model-artifacts/run/1`,
    id: name,
  })
const models = [model('falcon'), model('eagle')]
const server = (more: object = {}) =>
  aModelServer({ model: { name: 'falcon' }, runtime: 'vllm', ...more })

/** The children of an answer, once the Deployment controller has replaced this many of its Pods. */
const childrenOf = (answer: ReturnType<typeof sync>, updated = 1, replicas = 1) =>
  applied(answer).map((child) =>
    child.kind === 'Deployment'
      ? observed(child, {
          observedGeneration: 1,
          replicas,
          updatedReplicas: updated,
          availableReplicas: 1,
          conditions: [{ type: 'Available', status: 'True' }],
        })
      : child,
  )

/** A Pod of the template in an answer. */
const podOf = (
  answer: ReturnType<typeof sync>,
  revision: string,
  more: Partial<Child['metadata']> = {},
  ready = true,
) =>
  aPod(
    theChild(answer, 'Deployment'),
    { phase: 'Running', containerStatuses: [{ name: 'server', ready }] },
    { name: `falcon-server-${revision}-x`, labels: { 'pod-template-hash': revision }, ...more },
  )

const servedIn = (answer: ReturnType<typeof sync>): Json => statusOf(answer).served

/** A ModelServer that serves "falcon" with Pods of the revision "old", and its children. */
function serving(more: object = {}) {
  const first = sync(server(more), models)
  const children = childrenOf(first)
  const pod = podOf(first, 'old')
  const answer = sync(stored(server(more), first), [...models, ...children, pod])
  return { first, children, pod, answer, parent: stored(server(more), answer) }
}

const changed = (parent: Parent, more: object): Parent => ({
  ...parent,
  spec: { ...(parent.spec as object), ...more },
})
const toEagle = { model: { name: 'eagle' } }
const gone = { deletionTimestamp: '2026-01-01T00:00:00Z' }
const old = { revision: 'old', name: 'falcon', model: 'falcon' }

describe('a server that serves records its Model and', () => {
  test.each([
    { what: 'the name that its preset gives', more: {}, name: 'falcon' },
    {
      what: 'the name in its args',
      more: { args: ['--served-model-name={name}-8b'] },
      name: 'falcon-8b',
    },
    {
      what: 'the name in a command of its own',
      more: { command: ['vllm', 'serve', '--served-model-name', 'own'] },
      name: 'own',
    },
    {
      what: 'the Model’s name, if its program has no flag for it',
      more: { runtime: 'tei' },
      name: 'falcon',
    },
  ])('$what', ({ more, name }) => {
    const { first, answer } = serving(more)
    expect(servedIn(first)).toBeUndefined()
    expect(servedIn(answer)).toEqual([{ ...old, name }])
  })

  test('does so with the first Pod, before it is ready', () => {
    const { first, children } = serving()
    const pod = podOf(first, 'old', {}, false)
    expect(servedIn(sync(stored(server(), first), [...models, ...children, pod]))).toEqual([old])
  })

  test('writes the same again', () => {
    const { parent, children, pod, answer } = serving()
    expect(servedIn(sync(parent, [...models, ...children, pod]))).toEqual(servedIn(answer))
  })
})

describe('while another Model is rolled out', () => {
  const before = serving()
  const parent = changed(before.parent, toEagle)
  const second = sync(parent, [...models, ...before.children, before.pod])
  const rolling = childrenOf(second, 1, 2)
  const young = podOf(second, 'young')

  test('the old Pods serve what they did, from the first answer on', () => {
    expect(theChild(second, 'Deployment').spec.template.spec.volumes[0]).toMatchObject({
      persistentVolumeClaim: { claimName: 'eagle-model-artifacts' },
    })
    expect(servedIn(second)).toEqual([old])
  })

  test('the name of new Pods is in their arguments', () => {
    const answer = sync(stored(parent, second), [...models, ...rolling, before.pod, young])
    expect(servedIn(answer)).toEqual([old, { revision: 'young', name: 'eagle' }])
  })

  test('and then they serve the new one alone', () => {
    const ending = podOf(before.first, 'old', gone)
    const answer = sync(stored(parent, second), [...models, ...childrenOf(second), ending, young])
    expect(servedIn(answer)).toEqual([{ revision: 'young', name: 'eagle', model: 'eagle' }])
  })

  test('and back again: what was recorded stays true', () => {
    const third = sync(stored(parent, second), [...models, ...rolling, before.pod, young])
    const back = sync(changed(stored(parent, third), { model: { name: 'falcon' } }), [
      ...models,
      ...rolling,
      before.pod,
      young,
    ])
    expect(servedIn(back)).toEqual([old, { revision: 'young', name: 'eagle' }])
  })
})

test('a server whose new Model has no result yet keeps what its Pods serve', () => {
  const { parent, children, pod } = serving()
  const waiting = aModel({ source: 'hf://acme/eagle' }, { name: 'eagle' })
  const seen: readonly Seen[] = [model('falcon'), waiting, ...children, pod]
  const first = sync(changed(parent, toEagle), seen)
  expect(readyOf(first)).toMatch(/^False Waiting: waiting for Model "eagle"/)
  expect(servedIn(first)).toEqual([old])
  const again = sync(stored(changed(parent, toEagle), first), seen)
  expect(servedIn(again)).toEqual([old])
})

test('a pending update changes nothing of it', () => {
  const { parent, children, pod } = serving()
  const { presets } = aConfig().servers
  const vllm = { ...presets.vllm, image: 'example.com/vllm:2', args: ['--served-model-name=other'] }
  const config = aConfig({ servers: { default: 'vllm', presets: { vllm } } as never })
  const answer = sync(parent, [...models, ...children, pod], config)
  expect(readyOf(answer)).toMatch(/^True UpdatePending/)
  expect(servedIn(answer)).toEqual([old])
})

test('while it sleeps, and until its next Pod, it keeps what it served', () => {
  const { parent, children, pod } = serving({ idleTimeout: '1h' })
  const ending = { ...pod, metadata: { ...pod.metadata, ...gone } }
  expect(servedIn(sync(parent, [...models, ...children, ending]))).toEqual([old])
  expect(servedIn(sync(changed(parent, { suspend: true }), [...models, ...children]))).toEqual([
    old,
  ])
})

describe('the status does not flap', () => {
  const { parent, children, pod, first } = serving()
  const ask = (more: object, ...pods: readonly Child[]) => {
    const request = requestFor(parent, ...models, ...children, ...pods)
    return throughJson(modelserver.sync({ ...request, ...more }, aConfig()))
  }
  const two = [old, { revision: 'young', name: 'falcon' }]

  test('while a replica of the server does not know all Pods', () => {
    expect(servedIn(ask({ podsMayBeMissing: true }))).toEqual([old])
    const both = stored(parent, {
      ...ask({}, pod),
      status: { ...statusOf(ask({}, pod)), served: two },
    } as never)
    const missing = requestFor(both, ...models, ...childrenOf(first, 1, 2), pod)
    const answer = modelserver.sync({ ...throughJson(missing), podsMayBeMissing: true }, aConfig())
    expect(servedIn(throughJson(answer))).toEqual(two)
  })

  test('nor in a server without a cluster, which knows none', () => {
    const { related, ...request } = requestFor(parent, ...models, ...children)
    const { 'Pod.v1': _, ...others } = related
    expect(
      servedIn(throughJson(modelserver.sync({ ...request, related: others }, aConfig()))),
    ).toEqual([old])
  })

  test('whatever the order of its Pods', () => {
    const pods = ['a', 'b', 'c'].map((revision) => podOf(first, revision))
    expect(servedIn(ask({}, ...pods.toReversed()))).toEqual(servedIn(ask({}, ...pods)))
  })
})

describe('a status that somebody wrote is', () => {
  const { children, pod, answer } = serving()
  const withServed = (served: unknown): Parent =>
    stored(server(), { ...answer, status: { ...statusOf(answer), served } } as never)
  const asked = (parent: Parent, ...pods: readonly Child[]) =>
    servedIn(sync(parent, [...models, ...children, ...pods]))

  test.each([
    { what: 'of another form', served: 'falcon' },
    { what: 'without what is required', served: [{ model: 'eagle' }] },
    { what: 'beyond every limit', served: [{ revision: 'x'.repeat(64), name: 'y'.repeat(300) }] },
    { what: 'wrong about its Pods', served: [{ ...old, name: 'eagle', model: 'eagle' }] },
    { what: 'about Pods that are gone', served: [{ ...old, revision: 'other' }] },
    { what: 'an older one without the field', served: undefined },
  ])('corrected, if it is $what', ({ served }) => {
    expect(asked(withServed(served), pod)).toEqual([old])
  })

  test('valid again, whatever labels and arguments Pods have', () => {
    const odd = (revision: string, name: string): Child => ({
      ...podOf(answer, 'odd', { labels: { 'pod-template-hash': revision } }),
      spec: { containers: [{ name: 'server', args: ['--alias', name] }] },
    })
    expect(asked(withServed(undefined), odd('a_b', 'fine'))).toBeUndefined()
    expect(asked(withServed(undefined), odd('ok', 'x'.repeat(257)))).toBeUndefined()
    expect(asked(withServed(undefined), odd('ok', 'a\u0000b'))).toBeUndefined()
    const many = Array.from({ length: 12 }, (_, at) => podOf(answer, `r${at}`))
    expect(asked(withServed(undefined), ...many)).toHaveLength(8)
  })
})
