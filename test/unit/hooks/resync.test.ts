import { describe, expect, test } from 'vitest'
import type { Parent } from '../../../crds/kind.ts'
import { hooks } from '../../../hooks/hooks.ts'
import {
  aConfig,
  aDataset,
  aJob,
  aModel,
  aModelServer,
  aPod,
  applied,
  complete,
  completed,
  ended,
  failed,
  observed,
  report,
  requestFor,
  running,
  type Seen,
  statusOf,
  stored,
  sync,
  theChild,
} from '../../objects.ts'

/** When the hooks ask to be called again. */

const start = Date.parse('2026-11-23T08:00:00Z')
const after = (seconds: number) => `${new Date(start + seconds * 1000).toISOString().slice(0, 19)}Z`

function syncAfter(seconds: number, parent: Parent, seen: readonly Seen[] = []) {
  const hook = hooks.find(({ kind }) => kind.kind === parent.kind)
  const answer = hook?.sync({ ...requestFor(parent, ...seen), now: after(seconds) }, aConfig())
  if (!answer) throw new Error(`no hook for ${parent.kind}`)
  return answer
}

test('an object that waits longer is synced less often', () => {
  const squad = aDataset({ source: 'https://example.com/squad' })
  const first = syncAfter(0, squad)
  const claims = applied(first).filter(({ kind }) => kind !== 'Job')
  const seen = [...claims, aJob(first, running)]
  const waits = [1, 10, 15, 30, 600, 86_400].map(
    (seconds) => syncAfter(seconds, stored(squad, first), seen).resyncAfterSeconds,
  )
  expect(waits).toEqual([5, 5, 7, 15, 15, 15])
})

test.each([
  { phase: 'Pending', waits: [5, 15, 30, 60, 60] },
  { phase: 'Bound', waits: [5, 15, 15, 15, 15] },
])('while the scheduler waits for claims, a claim that is $phase decides', ({ phase, waits }) => {
  const squad = aDataset({ source: 'https://example.com/squad' })
  const first = syncAfter(0, squad)
  const claims = applied(first)
    .filter(({ kind }) => kind !== 'Job')
    .map((claim) => ({ ...claim, status: { phase } }))
  const job = aJob(first, running)
  const unbound = aPod(job, {
    phase: 'Pending',
    conditions: [
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'Unschedulable',
        message: '0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.',
      },
    ],
  })
  const seen = [...claims, job, unbound]
  const asked = stored(squad, first)
  expect([1, 30, 60, 600, 86_400].map((s) => syncAfter(s, asked, seen).resyncAfterSeconds)).toEqual(
    waits,
  )
})

test('a failure is looked at once more, whatever its reason, and then no longer', () => {
  const model = aModel({ image: 'example.com/train:1', params: { epochs: 1 } })
  const first = sync(model)
  const claims = applied(first).filter(({ kind }) => kind !== 'Job')
  const job = observed(theChild(first, 'Job'), failed())
  const killed = aPod(job, {
    phase: 'Failed',
    containerStatuses: [
      { name: 'run', state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } },
    ],
  })
  const over = syncAfter(0, stored(model, first), [...claims, job, killed])
  expect(statusOf(over).conditions[0]).toMatchObject({ reason: 'OOMKilled' })
  expect(over.resyncAfterSeconds).toBe(10)
  const seen = [...claims, job, killed]
  expect(syncAfter(600, stored(model, over), seen).resyncAfterSeconds).toBeUndefined()
})

test('what waits for a reference is looked at again, in case Metacontroller missed the change', () => {
  const server = aModelServer({ model: { name: 'base' } })
  const waiting = sync(server, [aModel({ image: 'i', params: { a: 1 } }, { name: 'base' })])
  expect(statusOf(waiting).conditions[0]).toMatchObject({ reason: 'Waiting' })
  expect(waiting.resyncAfterSeconds).toBe(300)
})

test('a new result leads to another sync until the request contains it', () => {
  const squad = aDataset({ source: 'https://example.com/squad' })
  const first = sync(squad)
  const job = observed(theChild(first, 'Job'), completed)
  const claims = applied(first).filter(({ kind }) => kind !== 'Job')
  const seen = [...claims, job, aPod(job, ended(0, report({ bytes: 1 })))]
  const found = sync(stored(squad, first), seen)
  expect(statusOf(found).ready).toBe(true)
  expect(found.resyncAfterSeconds).toBe(2)
  expect(sync(stored(squad, first), seen).resyncAfterSeconds).toBe(2)
  expect(sync(stored(squad, found), seen).resyncAfterSeconds).toBeUndefined()
})

describe('a server', () => {
  const base = complete(aModel({}, { name: 'base' }), {
    image: 'example.com/base:1',
    inImage: true,
  })
  const server = aModelServer({ model: { name: 'base' }, replicas: 2, image: 'example.com/s:1' })
  const first = sync(server, [base])
  const seenWith = (available: number) =>
    applied(first).map((child) =>
      child.kind === 'Deployment'
        ? observed(theChild(first, 'Deployment'), {
            observedGeneration: 1,
            replicas: 2,
            updatedReplicas: 2,
            availableReplicas: available,
            conditions: [{ type: 'Available', status: 'True' }],
          })
        : child,
    )
  const answerWith = (available: number) =>
    sync(stored(server, first), [base, ...seenWith(available)])

  test.each([
    { available: 2, message: '2 of 2 replicas available', wait: 600 },
    { available: 1, message: '1 of 2 replicas available', wait: 60 },
  ])('with $message is synced every $wait s', ({ available, message, wait }) => {
    const answer = answerWith(available)
    expect(statusOf(answer).conditions[0]).toMatchObject({ status: 'True', message })
    expect(answer.resyncAfterSeconds).toBe(wait)
  })
})
