import { describe, expect, test } from 'vitest'
import type { Parent } from '../../../crds/kind.ts'
import {
  aJob,
  aModel,
  aPod,
  applied,
  type Child,
  childrenOf,
  completed,
  ended,
  failed,
  namesOf,
  observed,
  readyOf,
  report,
  running,
  type Seen,
  statusOf,
  stored,
  sync,
  theChild,
} from '../../objects.ts'

/** A Model in a queue of Kueue, which suspends its Jobs and starts them. */

const labels = { 'kueue.x-k8s.io/queue-name': 'gpus' }
const spec = { image: 'example.com/train:1', params: { epochs: 1 } }
const model = (more: object = {}) => aModel({ ...spec, ...more }, { labels })
const first = sync(model())
const claims = applied(first).filter(({ kind }) => kind !== 'Job')
const { name } = theChild(first, 'Job').metadata

const jobWith = (status: object, suspend = false): Child => {
  const job = aJob(first, status)
  return { ...job, spec: { ...job.spec, suspend } }
}
const live = { active: 1, startTime: '2026-01-01T00:00:00Z' }
const held = jobWith({ conditions: [{ type: 'Suspended', status: 'True' }] }, true)

describe('a Job that Kueue holds', () => {
  const admission = (status: object, more: object = {}): Child => ({
    apiVersion: 'kueue.x-k8s.io/v1beta2',
    kind: 'Workload',
    metadata: {
      name: `job-${name}`,
      namespace: 'default',
      labels: { 'kueue.x-k8s.io/job-uid': `uid-of-${name}` },
      ...more,
    },
    status,
  })
  const quota = (status: string, message: string) => ({
    conditions: [{ type: 'QuotaReserved', status, reason: 'Pending', message }],
  })
  const full = quota('False', 'insufficient unused quota for\n nvidia.com/gpu')
  const waits = `False Queued: Job "${name}" waits in queue "gpus"`
  const preempted = {
    conditions: [
      ...quota('True', 'Quota reserved').conditions,
      { type: 'Evicted', status: 'True', message: 'Preempted to accommodate a workload' },
    ],
  }
  const checked = {
    ...quota('True', 'Quota reserved'),
    admissionChecks: [
      { name: 'budget', state: 'Ready', message: 'fine' },
      { name: 'nodes', state: 'Pending', message: 'provisioning' },
    ],
  }

  test.each<{ when: string; seen: readonly Seen[]; ready: string }>([
    { when: 'no Workload is seen', seen: [], ready: waits },
    {
      when: 'Kueue gives a reason',
      seen: [admission(full)],
      ready: `${waits}: insufficient unused quota for nvidia.com/gpu`,
    },
    {
      when: 'the reason is about another Job',
      seen: [admission(full, { labels: { 'kueue.x-k8s.io/job-uid': 'other' } })],
      ready: waits,
    },
    {
      when: 'the reason is from another namespace',
      seen: [admission(full, { namespace: 'other' })],
      ready: waits,
    },
    { when: 'Kueue has not evaluated it', seen: [admission({ conditions: [] })], ready: waits },
    {
      when: 'Kueue has preempted it',
      seen: [admission(preempted)],
      ready: `${waits}: Preempted to accommodate a workload`,
    },
    {
      when: 'its quota is reserved and a check is pending',
      seen: [admission(checked)],
      ready: `${waits}: admission check "nodes" is Pending: provisioning`,
    },
  ])('is queued when $when', ({ seen, ready }) => {
    const answer = sync(stored(model(), first), [...claims, held, ...seen])
    expect(readyOf(answer)).toBe(ready)
    expect(theChild(answer, 'Job').spec).not.toHaveProperty('suspend')
  })

  test('is queued while its Pod ends, too', () => {
    const stopping = jobWith({ terminating: 1 }, true)
    const pod = aPod(stopping, { phase: 'Running' })
    expect(readyOf(sync(stored(model(), first), [...claims, stopping, pod]))).toBe(waits)
  })

  test('is not queued once it may run', () => {
    const answer = sync(stored(model(), first), [...claims, jobWith({}), admission(full)])
    expect(readyOf(answer)).toMatch(/^False Pending: no Pod yet/)
  })
})

describe('suspending a Model in a queue deletes its Job, which Kueue would start again', () => {
  const pod = aPod(jobWith(live), { phase: 'Running' })
  const asked = (more: object = {}): Parent => stored(model({ suspend: true, ...more }), first)
  const suspended = (...seen: readonly Seen[]) => sync(asked(), [...claims, ...seen])
  const removing = `False Suspending: removing Job "${name}", which Kueue would start again`

  test.each<{ when: string; seen: readonly Seen[]; ready: string | RegExp; jobs: number }>([
    { when: 'it runs', seen: [jobWith(live), pod], ready: removing, jobs: 0 },
    { when: 'it waits in the queue', seen: [held], ready: removing, jobs: 0 },
    { when: 'it has no Pod yet', seen: [jobWith({})], ready: removing, jobs: 0 },
    { when: 'its Pod is not seen yet', seen: [jobWith(live)], ready: removing, jobs: 1 },
    {
      when: 'its Pod has just succeeded',
      seen: [jobWith(live), aPod(held, ended(0))],
      ready: removing,
      jobs: 1,
    },
    {
      when: 'only its Pod is left',
      seen: [pod],
      ready: `False Suspending: waiting for Pod "${pod.metadata.name}" to end`,
      jobs: 0,
    },
    { when: 'all is gone', seen: [], ready: 'True Suspended: spec.suspend is true', jobs: 0 },
    {
      when: 'only a Pod that has ended is left',
      seen: [aPod(held, ended(1))],
      ready: 'True Suspended: spec.suspend is true',
      jobs: 0,
    },
    { when: 'it has failed', seen: [jobWith(failed())], ready: /^False Failed/, jobs: 1 },
  ])('when $when', ({ seen, ready, jobs }) => {
    const answer = suspended(...seen)
    expect(readyOf(answer)).toEqual(
      typeof ready === 'string' ? ready : expect.stringMatching(ready),
    )
    expect(childrenOf(answer, 'Job').map(({ spec }) => spec.suspend)).toEqual(
      Array(jobs).fill(undefined),
    )
    for (const { metadata } of claims)
      expect(namesOf(answer)).toContain(`PersistentVolumeClaim ${metadata.name}`)
  })

  test('but not if it has succeeded: the result is used', () => {
    const answer = suspended(jobWith(completed), aPod(held, ended(0, report())))
    expect(statusOf(answer).stages?.written?.job).toBe(name)
  })

  test.each([
    { by: 'the number of Pods', status: { ...live, succeeded: 1 } },
    {
      by: 'a Pod that is not counted yet',
      status: { ...live, uncountedTerminatedPods: { succeeded: ['a-uid'] } },
    },
    {
      by: 'a condition',
      status: { ...live, conditions: [{ type: 'SuccessCriteriaMet', status: 'True' }] },
    },
  ])('but not if the Job itself tells of a success by $by', ({ status }) => {
    expect(childrenOf(suspended(jobWith(status), pod), 'Job')).toHaveLength(1)
  })

  test.each([
    { seen: pod, jobs: 0 },
    { seen: aPod(held, ended(0)), jobs: 1 },
  ])(
    'also if the spec has become invalid, unless it has succeeded: $jobs Job',
    ({ seen, jobs }) => {
      const invalid = asked({ resources: { gpu: { type: 'gone' } } })
      const answer = sync(invalid, [...claims, jobWith(live), seen])
      expect(readyOf(answer)).toMatch(/^False InvalidSpec/)
      expect(childrenOf(answer, 'Job')).toHaveLength(jobs)
    },
  )

  test('and a Job that an earlier version suspended is not started meanwhile', () => {
    const { spec, ...rest } = theChild(first, 'Job')
    const earlier = observed({ ...rest, spec: { ...spec, suspend: true } }, running)
    expect(theChild(suspended(earlier), 'Job').spec.suspend).toBe(true)
  })

  test('and resuming creates it again, once its Pod has ended', () => {
    const parent = stored(model(), suspended())
    expect(childrenOf(sync(parent, [...claims, pod]), 'Job')).toEqual([])
    expect(theChild(sync(parent, claims), 'Job')).toEqual(theChild(first, 'Job'))
  })
})

test('a Job in no queue is suspended as before', () => {
  const plain = sync(aModel(spec))
  const answer = sync(stored(aModel({ ...spec, suspend: true }), plain), [
    ...applied(plain).filter(({ kind }) => kind !== 'Job'),
    aJob(plain),
  ])
  expect(theChild(answer, 'Job').spec.suspend).toBe(true)
})
