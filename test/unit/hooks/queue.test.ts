import { describe, expect, test } from 'vitest'
import type { Parent } from '../../../crds/kind.ts'
import {
  aJob,
  aModel,
  aModelServer,
  aNotebook,
  aPod,
  applied,
  type Child,
  childrenOf,
  complete,
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

const labelOfQueue = 'kueue.x-k8s.io/queue-name'
const labels = { [labelOfQueue]: 'gpus' }
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

describe('a Job that Kueue holds', () => {
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

describe('a Pod that Kueue holds', () => {
  const base = complete(aModel({ source: 'hf://org/falcon' }, { name: 'base' }), {
    url: 'pvc://base-model-artifacts/run/1',
    id: 'one',
  })
  const gated = {
    phase: 'Pending',
    conditions: [
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'SchedulingGated',
        message: 'Scheduling is blocked due to non-empty scheduling gates',
      },
    ],
  }
  const kinds = [
    {
      parent: aModelServer({ model: { name: 'base' }, strategy: 'RollingUpdate' }, { labels }),
      workload: 'Deployment',
    },
    { parent: aNotebook({ image: 'example.com/jupyter:1' }, { labels }), workload: 'StatefulSet' },
  ]
  const seenOf = ({ parent, workload }: (typeof kinds)[number]) => {
    const answer = sync(parent, [base])
    const seen = [...applied(answer), base]
    const set = theChild(answer, workload)
    const held = (uid: string, gate = 'kueue.x-k8s.io/admission'): Child => {
      const pod = aPod(set, gated, { name: `${set.metadata.name}-${uid}`, uid })
      const { nodeName, ...spec } = pod.spec
      return { ...pod, spec: { ...spec, schedulingGates: [{ name: gate }] } }
    }
    return { parent, seen, set, held }
  }
  const about = (uid: string, more: object = {}) =>
    admission(full, { name: `pod-${uid}`, labels: { 'kueue.x-k8s.io/job-uid': uid }, ...more })

  describe.each(kinds)('of a $workload', (kind) => {
    const { parent, seen, set, held } = seenOf(kind)
    const pod = held('a')
    const waits = `False Queued: Pod "${pod.metadata.name}" waits in queue "gpus"`

    test.each<{ when: string; more: readonly Seen[]; ready: string }>([
      { when: 'no Workload is seen', more: [pod], ready: waits },
      {
        when: 'Kueue gives a reason',
        more: [pod, about('a')],
        ready: `${waits}: insufficient unused quota for nvidia.com/gpu`,
      },
      { when: 'the reason is about another Pod', more: [pod, about('b')], ready: waits },
      {
        when: 'the reason is from another namespace',
        more: [pod, about('a', { namespace: 'other' })],
        ready: waits,
      },
    ])('is queued when $when', ({ more, ready }) => {
      expect(readyOf(sync(parent, [...seen, ...more]))).toBe(ready)
    })

    test('is only pending if somebody else holds it', () => {
      const other = held('a', 'example.com/gate')
      expect(readyOf(sync(parent, [...seen, other]))).toBe(
        `False Pending: Pod "${other.metadata.name}" waits for a node: Scheduling is blocked due to non-empty scheduling gates`,
      )
    })

    test('is only pending if it names no queue', () => {
      const { [labelOfQueue]: _, ...others } = pod.metadata.labels ?? {}
      const free = { ...pod, metadata: { ...pod.metadata, labels: others } }
      expect(readyOf(sync(parent, [...seen, free]))).toMatch(/^False Pending: .* waits for a node/)
    })

    test('is queued no more once Kueue has admitted it', () => {
      const admitted = aPod(set, { phase: 'Pending' }, { uid: 'a' })
      expect(readyOf(sync(parent, [...seen, admitted, about('a')]))).toMatch(/^False Pending/)
    })
  })

  const [servers] = kinds
  const { parent, seen, set, held } = seenOf(servers as (typeof kinds)[number])

  test('is named beside the Pod that it is to replace', () => {
    const status = { replicas: 2, updatedReplicas: 1, availableReplicas: 1, observedGeneration: 1 }
    const available = [{ type: 'Available', status: 'True' }]
    const answers = seen.map((one) =>
      one.kind === 'Deployment' ? { ...one, status: { ...status, conditions: available } } : one,
    )
    expect(readyOf(sync(parent, [...answers, held('a')]))).toBe(
      'True Serving: rolling out: 1 of 2 Pods are new; Pod "falcon-server-a" waits in queue "gpus"',
    )
  })

  test('says less than the fault of another Pod', () => {
    const broken = aPod(set, {
      phase: 'Pending',
      containerStatuses: [
        {
          name: 'server',
          image: 'i',
          state: { waiting: { reason: 'CreateContainerConfigError', message: 'no Secret' } },
        },
      ],
    })
    expect(readyOf(sync(parent, [...seen, held('a'), broken]))).toBe(
      'False ContainerConfigError: container "server": no Secret',
    )
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
