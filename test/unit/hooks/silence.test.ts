import { describe, expect, test } from 'vitest'
import type { Parent } from '../../../crds/kind.ts'
import { hooks } from '../../../hooks/hooks.ts'
import type { SyncResponse } from '../../../hooks/observe/protocol.ts'
import {
  aConfig,
  aModel,
  aModelServer,
  aNotebook,
  aPod,
  applied,
  type Child,
  complete,
  completed,
  failed,
  observed,
  readyOf,
  requestFor,
  running,
  type Seen,
  statusOf,
  stored,
  sync,
  theChild,
  throughJson,
} from '../../objects.ts'

/** While the watch of Pods is silent, Ready does not claim what it cannot know. */

const since = '2026-01-01T00:00:00Z'
const unknown = `the state of Pods has been unknown since ${since}: kubectl get pods shows it`

/** The response of a server whose watch of Pods is silent. */
function silent(parent: Parent, seen: readonly Seen[], from = since): SyncResponse {
  const hook = hooks.find(({ kind }) => kind.kind === parent.kind)
  const request = {
    ...requestFor(parent, ...seen),
    podsMayBeMissing: true,
    podsSilentSince: from,
  }
  return throughJson(hook?.sync(throughJson(request), aConfig())) as SyncResponse
}

const model = aModel({ image: 'example.com/train:1', params: { epochs: 1 } }, { name: 'it' })
const first = sync(model)
const others = applied(first).filter(({ kind }) => kind !== 'Job')
const job = observed(theChild(first, 'Job'), running)
const pod = (status: unknown) => aPod(job, status, { uid: 'p1' })
const trains = pod({ phase: 'Running' })

describe('a run', () => {
  const before = sync(stored(model, first), [...others, job, trains])
  const parent = stored(model, before)

  test('stays as it was last known, and nothing is written', () => {
    expect(readyOf(before)).toBe(`False Running: Pod "${trains.metadata.name}" is running`)
    for (const remembered of [[], [trains], [pod({ phase: 'Pending' })]])
      expect(statusOf(silent(parent, [...others, job, ...remembered]))).toEqual(statusOf(before))
  })

  test('about which nothing was known is unknown', () => {
    const answer = silent(stored(model, first), [...others, job])
    expect(readyOf(answer)).toBe(`False PodsUnknown: ${unknown}`)
    expect(answer.resyncAfterSeconds).toBe(10)
    const again = silent(stored(model, answer), [...others, job], '2026-01-01T00:05:00Z')
    expect(statusOf(again)).toEqual(statusOf(answer))
  })

  test('is described again once the watch works', () => {
    const answer = silent(stored(model, first), [...others, job])
    const heard = sync(stored(model, answer), [...others, job, trains])
    expect(readyOf(heard)).toBe(readyOf(before))
  })

  test('that has ended is reported, because its Job says so', () => {
    expect(readyOf(silent(parent, [...others, observed(job, failed())]))).toBe(
      `False Failed: Job "${job.metadata.name}": Job has failed`,
    )
    const done = silent(parent, [...others, observed(job, completed)])
    expect(readyOf(done)).toMatch(/^False Sealing: starting Job "it-model-seal-/)
  })
})

describe('a server', () => {
  const base = complete(aModel({}, { name: 'base' }), {
    image: 'example.com/base:1',
    inImage: true,
    program: true,
  })
  const parent = aModelServer({ model: { name: 'base' }, replicas: 2 }, { name: 'it' })
  const made = sync(parent, [base])
  const rest = applied(made).filter(({ kind }) => kind !== 'Deployment')
  const deployment = (available: number) =>
    observed(theChild(made, 'Deployment'), {
      replicas: 2,
      availableReplicas: available,
      updatedReplicas: 2,
      conditions: [{ type: 'Available', status: available ? 'True' : 'False' }],
    })
  const seen = (available: number, ...pods: readonly Child[]) => [
    base,
    ...rest,
    deployment(available),
    ...pods,
  ]
  const crashes = aPod(deployment(0), {
    phase: 'Running',
    containerStatuses: [
      { name: 'server', restartCount: 2, state: { terminated: { exitCode: 1, message: 'no' } } },
    ],
  })

  test('that answers is reported from its Deployment', () => {
    const answer = silent(stored(parent, made), seen(2))
    expect(readyOf(answer)).toBe('True Serving: 2 of 2 replicas available')
  })

  test('of which some replicas answer stays as it was last known', () => {
    const before = sync(stored(parent, made), seen(1, crashes))
    expect(readyOf(before)).toMatch(/^True Serving: 1 of 2 replicas available; /)
    const answer = silent(stored(parent, before), seen(1))
    expect(statusOf(answer)).toEqual(statusOf(before))
  })

  test('that does not answer stays as it was last known', () => {
    const before = sync(stored(parent, made), seen(0, crashes))
    expect(readyOf(before)).toMatch(/^False CrashLooping: /)
    const answer = silent(stored(parent, before), seen(0))
    expect(statusOf(answer)).toEqual(statusOf(before))
  })

  test('that no longer answers is not Ready, and why is unknown', () => {
    const before = sync(stored(parent, made), seen(2))
    expect(readyOf(silent(stored(parent, before), seen(0)))).toBe(`False PodsUnknown: ${unknown}`)
  })
})

test('a notebook that does not answer is unknown', () => {
  const notebook = aNotebook({}, { name: 'it' })
  const made = sync(notebook)
  const rest = applied(made).filter(({ kind }) => kind !== 'StatefulSet')
  const set = (readyReplicas: number) =>
    observed(theChild(made, 'StatefulSet'), { replicas: 1, readyReplicas })
  const parent = stored(notebook, made)
  expect(readyOf(silent(parent, [...rest, set(0)]))).toBe(`False PodsUnknown: ${unknown}`)
  expect(readyOf(silent(parent, [...rest, set(1)]))).toMatch(/^True Serving/)
})
