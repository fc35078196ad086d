import fc from 'fast-check'
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
  earlierJob,
  ended,
  failed,
  namesOf,
  readyOf,
  report,
  running,
  type Seen,
  statusOf,
  stored,
  sync,
} from '../../objects.ts'

/** All attempts at the same inputs share a folder, and only one of them writes to it. */

const spec = { image: 'example.com/train:1', params: { epochs: 1 } }
const withMemory = (memory: number, more: object = {}) =>
  aModel({ ...spec, ...more, resources: { memory } })

/** The folder that a Job or a Pod writes to. */
const folderIn = ({ spec }: Child): string => {
  const { initContainers = [], containers } = spec.template?.spec ?? spec
  const run = [...initContainers, ...containers].find(
    ({ name }: { name: string }) => name === 'run',
  )
  return run.volumeMounts.find(({ name }: { name: string }) => name === 'artifacts').subPath
}
const newJobIn = (answer: ReturnType<typeof sync>, ...known: readonly Child[]) =>
  childrenOf(answer, 'Job').find(
    ({ metadata }) => !known.some((job) => job.metadata.name === metadata.name),
  )

/** The Pod of a Job, with its template. */
const podOf = (job: Child, phase: string, more: object = {}): Child => ({
  ...aPod(job, { phase }, more),
  spec: job.spec.template.spec,
})
const leaving = { deletionTimestamp: '2026-01-01T00:01:00Z' }

describe('an attempt with more memory', () => {
  const first = sync(withMemory(8))
  const former = aJob(first, running)
  const parent = stored(withMemory(16), first)
  const claims = applied(first).filter(({ kind }) => kind !== 'Job')

  test('writes to the folder of the one that was killed', () => {
    const killed = { ...former, status: failed() }
    const answer = sync(parent, [...claims, killed, podOf(former, 'Failed')])
    const job = newJobIn(answer, former)
    expect(job && folderIn(job)).toBe(folderIn(former))
    expect(namesOf(answer)).not.toContain(`Job ${former.metadata.name}`)
  })

  test('waits until the one that runs is stopped, and its Pods have ended', () => {
    const jobsIn = (...seen: readonly Seen[]) => {
      const answer = sync(parent, [...claims, ...seen])
      const jobs = childrenOf(answer, 'Job').map(({ metadata, spec }) =>
        metadata.name === former.metadata.name ? `former ${spec.suspend}` : 'next',
      )
      return [readyOf(answer), ...jobs]
    }
    const waits = (what: string) =>
      `False Pending: waiting for ${what} of an earlier attempt to end: it writes to the same folder`
    const { name } = former.metadata
    const pod = podOf(former, 'Running')
    const stopped = (terminating: number) => ({
      ...former,
      spec: { ...former.spec, suspend: true },
      status: { terminating, conditions: [{ type: 'Suspended', status: 'True' }] },
    })
    expect(jobsIn(former, pod)).toEqual([waits(`Pod "${pod.metadata.name}"`), 'former true'])
    expect(jobsIn(former)).toEqual([waits(`Job "${name}"`), 'former true'])
    expect(jobsIn(stopped(1))).toEqual([waits(`Job "${name}"`), 'former true'])
    expect(jobsIn(stopped(0), podOf(former, 'Running', leaving))).toEqual([
      waits(`Pod "${pod.metadata.name}"`),
    ])
    expect(jobsIn(podOf(former, 'Running', leaving))).toEqual([waits(`Pod "${pod.metadata.name}"`)])
    expect(jobsIn(stopped(0))).toEqual([
      expect.stringContaining('False Pending: starting Job'),
      'next',
    ])
  })

  test('has the former deleted, not suspended, if a queue would resume it', () => {
    const labels = { ...former.metadata.labels, 'kueue.x-k8s.io/queue-name': 'team' }
    const queued = {
      ...former,
      metadata: { ...former.metadata, labels },
      status: { ...running, active: 1 },
    }
    const jobs = (...seen: readonly Seen[]) =>
      childrenOf(sync(parent, [...claims, ...seen]), 'Job').map(({ spec }) => spec.suspend)
    // A Pod that the Job controller has just created may be observed only later.
    const other = { ...former, metadata: { ...former.metadata, name: 'other' } }
    expect(jobs(queued, podOf(other, 'Succeeded'))).toEqual([undefined])
    expect(jobs(queued, podOf(former, 'Running'))).toEqual([])
    expect(jobs(podOf(former, 'Running', leaving))).toEqual([])
    expect(jobs()).toHaveLength(1)
  })

  test('uses the result of the former if that completes in the meantime', () => {
    const done = { ...former, status: completed }
    const answer = sync(parent, [...claims, done, aPod(former, ended(0, report()))])
    expect(statusOf(answer).stages?.written?.job).toBe(former.metadata.name)
    expect(statusOf(answer).stages?.written?.attempt).toBe(folderIn(former).replace('run/', ''))
  })

  test('and other inputs waits for nothing: it has a folder of its own', () => {
    const other = withMemory(16, { params: { epochs: 2 } })
    const answer = sync(stored(other, first), [...claims, former, podOf(former, 'Running')])
    const job = newJobIn(answer, former)
    expect(job && folderIn(job)).not.toBe(folderIn(former))
    expect(namesOf(answer)).not.toContain(`Job ${former.metadata.name}`)
  })

  test('and a new rerun has an empty folder', () => {
    const annotations = { 'substratus.ai/rerun': 'again' }
    const again = aModel({ ...spec, resources: { memory: 16 } }, { annotations })
    const job = newJobIn(sync(stored(again, first), [...claims, { ...former, status: failed() }]))
    expect(job && folderIn(job)).not.toBe(folderIn(former))
  })
})

test('a Job that somebody deleted is created again once its Pod has ended', () => {
  const first = sync(withMemory(8))
  const job = aJob(first)
  const parent = stored(withMemory(8), first)
  const claims = applied(first).filter(({ kind }) => kind !== 'Job')
  expect(childrenOf(sync(parent, [...claims, podOf(job, 'Running', leaving)]), 'Job')).toEqual([])
  expect(childrenOf(sync(parent, [...claims, podOf(job, 'Failed')]), 'Job')).toHaveLength(1)
})

describe('a Job of 0.1.0, which named the folder after the attempt', () => {
  const first = sync(withMemory(8))
  const job = aJob(first)
  const attempt = job.metadata.annotations?.['substratus.ai/attempt'] ?? ''
  const folder = folderIn(job).replace('run/', '')
  const older: Child = JSON.parse(
    JSON.stringify(earlierJob(job)).replaceAll(`run/${folder}`, `run/${attempt}`),
  )
  const claims = applied(first).filter(({ kind }) => kind !== 'Job')
  const parent = stored(withMemory(8), first)

  test('has a folder of its own', () => {
    expect(folderIn(older)).not.toBe(folderIn(job))
  })

  test('goes on in it, and its result is found there', () => {
    const during = sync(parent, [...claims, { ...older, status: running }])
    expect(childrenOf(during, 'Job').map(folderIn)).toEqual([`run/${attempt}`])
    const done = sync(parent, [
      ...claims,
      { ...older, status: completed },
      aPod(older, ended(0, report())),
    ])
    expect(statusOf(done).stages?.run?.attempt).toBe(attempt)
  })

  test('and is not made anew in another one while it waits, after an eviction', () => {
    const pod = podOf(older, 'Pending')
    const evicted = { ...older, status: { active: 1 } }
    const seen = [...claims, evicted, { ...pod, spec: { ...pod.spec, nodeName: undefined } }]
    expect(childrenOf(sync(parent, seen), 'Job').map(folderIn)).toEqual([`run/${attempt}`])
    const pinned = withMemory(8, { pod: { nodeSelector: { pool: 'a' } } })
    expect(childrenOf(sync(stored(pinned, first), seen), 'Job')).toEqual([])
  })

  test('whatever its annotations say', () => {
    const { annotations } = older.metadata
    const forged = {
      ...older,
      metadata: {
        ...older.metadata,
        annotations: { ...annotations, 'substratus.ai/attempt': '0' },
      },
      status: completed,
    }
    const done = sync(parent, [...claims, forged, aPod(older, ended(0, report()))])
    expect(statusOf(done).stages?.run?.attempt).toBe(attempt)
  })

  test('is no reason to wait for an attempt with more memory', () => {
    const next = stored(withMemory(16), first)
    const answer = sync(next, [...claims, { ...older, status: running }, podOf(older, 'Running')])
    expect(childrenOf(answer, 'Job').map(folderIn)).toEqual([folderIn(job)])
  })

  test('and its recorded result stays where it is, and is not made again', () => {
    const record = {
      job: older.metadata.name,
      inputs: older.metadata.annotations?.['substratus.ai/inputs'] ?? '',
      attempt,
    }
    const url = `pvc://falcon-model-artifacts/run/${attempt}`
    const unpackaged = withMemory(64, { package: 'Never' })
    const recorded: Parent = {
      ...unpackaged,
      status: { stages: { run: record }, artifacts: { url, inImage: false, id: attempt } },
    }
    const answer = sync(recorded, claims)
    expect(childrenOf(answer, 'Job')).toEqual([])
    expect(readyOf(answer)).toBe(`True Done: served from storage: ${url}`)
    expect(statusOf(answer).artifacts).toMatchObject({ url, id: attempt })
  })
})

/** What may happen to a cluster in which somebody changes the memory again and again. */
type Step =
  | 'sync'
  | 'the memory is changed'
  | 'the Job controller works'
  | 'a Pod fails'
  | 'a Pod ends that is terminating'
  | 'somebody deletes the Jobs'

const steps: readonly Step[] = [
  'sync',
  'sync',
  'the memory is changed',
  'the Job controller works',
  'a Pod fails',
  'a Pod ends that is terminating',
  'somebody deletes the Jobs',
]

interface Cluster {
  parent: Parent
  memory: number
  children: readonly Child[]
  pods: readonly Child[]
}

const isLive = ({ status }: Child): boolean => status?.phase === 'Running'
const ownerIn = (children: readonly Child[], pod: Child): Child | undefined =>
  children.find(
    ({ kind, metadata }) =>
      kind === 'Job' && metadata.name === pod.metadata.labels?.['batch.kubernetes.io/job-name'],
  )
const terminating = (pod: Child): Child => ({ ...pod, metadata: { ...pod.metadata, ...leaving } })
const isTerminating = ({ metadata }: Child): boolean => 'deletionTimestamp' in metadata

/** The garbage collector deletes Pods without a Job, and they terminate in their own time. */
const collected = (cluster: Cluster): void => {
  cluster.pods = cluster.pods.map((pod) =>
    ownerIn(cluster.children, pod) || !isLive(pod) ? pod : terminating(pod),
  )
}

const doing: Record<Step, (cluster: Cluster) => void> = {
  sync: (cluster) => {
    const answer = sync(cluster.parent, [...cluster.children, ...cluster.pods])
    const before = cluster.children
    cluster.children = applied(answer).map((child) => ({
      ...child,
      ...(before.find(({ metadata }) => metadata.name === child.metadata.name)?.status !==
        undefined && {
        status: before.find(({ metadata }) => metadata.name === child.metadata.name)?.status,
      }),
    }))
    cluster.parent = stored(cluster.parent, answer)
    collected(cluster)
  },
  'the memory is changed': (cluster) => {
    cluster.memory += 1
    cluster.parent = { ...cluster.parent, spec: withMemory(cluster.memory).spec } as Parent
  },
  'the Job controller works': (cluster) => {
    for (const job of cluster.children.filter(({ kind }) => kind === 'Job')) {
      const own = cluster.pods.filter((pod) => ownerIn([job], pod))
      const live = own.filter(isLive)
      const isSuspended = job.spec.suspend === true
      if (isSuspended)
        cluster.pods = cluster.pods.map((pod) => (live.includes(pod) ? terminating(pod) : pod))
      const hasFailed = own.length > 0 && live.length === 0 && !isSuspended
      if (!own.length && !isSuspended) cluster.pods = [...cluster.pods, podOf(job, 'Running')]
      const status = hasFailed
        ? failed()
        : isSuspended
          ? { terminating: live.length, conditions: [{ type: 'Suspended', status: 'True' }] }
          : running
      cluster.children = cluster.children.map((child) =>
        child === job ? { ...job, status } : child,
      )
    }
  },
  'a Pod fails': (cluster) => {
    const pod = cluster.pods.find((one) => isLive(one) && !isTerminating(one))
    cluster.pods = cluster.pods.map((one) =>
      one === pod ? { ...one, status: { phase: 'Failed' } } : one,
    )
  },
  'a Pod ends that is terminating': (cluster) => {
    cluster.pods = cluster.pods.filter((pod) => !isTerminating(pod))
  },
  'somebody deletes the Jobs': (cluster) => {
    cluster.children = cluster.children.filter(({ kind }) => kind !== 'Job')
    collected(cluster)
  },
}

test('however often the memory changes, one Pod writes to the folder, and in the end one runs', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...steps), { maxLength: 40 }), (before) => {
      const cluster: Cluster = { parent: withMemory(1), memory: 1, children: [], pods: [] }
      const calm: Step[] = ['sync', 'the Job controller works', 'a Pod ends that is terminating']
      const last: Step[] = [
        'the memory is changed',
        ...Array.from({ length: 6 }, () => calm).flat(),
      ]
      for (const step of [...before, ...last]) {
        doing[step](cluster)
        expect(cluster.pods.filter(isLive).length).toBeLessThanOrEqual(1)
      }
      expect(cluster.pods.filter((pod) => isLive(pod) && !isTerminating(pod))).toHaveLength(1)
    }),
    { numRuns: 300 },
  )
}, 120_000)
