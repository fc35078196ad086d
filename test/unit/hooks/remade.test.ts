import { describe, expect, test } from 'vitest'
import type { Parent } from '../../../crds/kind.ts'
import { jobName } from '../../../hooks/children/metadata.ts'
import {
  aConfig,
  aDataset,
  aJob,
  aModel,
  aPod,
  applied,
  type Child,
  childrenOf,
  complete,
  completed,
  conditionOf,
  failed,
  running,
  stored,
  sync,
} from '../../objects.ts'

/** The template of a Job cannot change: it is made anew while nothing is lost by that. */

const image = 'example.com/train:1'
const wrong = { nodeSelector: { pool: 'gone' } }
const right = { nodeSelector: { pool: 'training' } }
const model = (pod?: object, more: object = {}) =>
  aModel({ image, params: { a: 1 }, ...more, ...(pod && { pod }) })

const waiting = {
  phase: 'Pending',
  conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'none' }],
}
const pulling = {
  phase: 'Pending',
  initContainerStatuses: [{ name: 'fetch-data', state: { terminated: { exitCode: 0 } } }],
  containerStatuses: [{ name: 'run', state: { waiting: { reason: 'ImagePullBackOff' } } }],
}
const atWork = {
  phase: 'Running',
  containerStatuses: [{ name: 'run', state: { running: {} } }],
}
const between = {
  phase: 'Pending',
  containerStatuses: [
    { name: 'run', restartCount: 1, state: { waiting: { reason: 'CrashLoopBackOff' } } },
  ],
}

const before = sync(model(wrong), [])
const job = (status: unknown = running): Child => aJob(before, status)
const withPod = (status: unknown): readonly Child[] => [job(), aPod(job(), status)]

/** What becomes of the Job when the object changes. */
const answerTo = (to: Parent, seen: readonly Child[], config = aConfig()) =>
  sync(stored(to, before), seen, config)

const jobNames = (answer: ReturnType<typeof answerTo>) =>
  childrenOf(answer, 'Job').map(({ metadata }) => metadata.name)

const jobs = (answer: ReturnType<typeof answerTo>) => childrenOf(answer, 'Job').length

describe('a Job is made anew when its template changes', () => {
  test.each<{ when: string; seen: readonly Child[] }>([
    { when: 'no node takes its Pod', seen: withPod(waiting) },
    { when: 'its own image cannot be pulled', seen: withPod(pulling) },
    { when: 'it got no Pod', seen: [job({})] },
    { when: 'it failed', seen: [job(failed())] },
  ])('if $when', ({ seen }) => {
    const answer = answerTo(model(right), seen)
    expect(jobs(answer)).toBe(0)
    expect(conditionOf(answer, 'Complete')).toMatch(
      /^False Pending: removing Job "falcon-model-run-[0-9a-f]{8}", whose Pod template has changed/,
    )
    // Once it is gone, it is created with the same name: it is the same attempt, in the same folder.
    const next = answerTo(model(right), [])
    expect(childrenOf(next, 'Job').map(({ metadata }) => metadata.name)).toEqual(
      childrenOf(before, 'Job').map(({ metadata }) => metadata.name),
    )
    expect(childrenOf(next, 'Job')[0]?.spec.template.spec.nodeSelector).toEqual(right.nodeSelector)
    // And stays.
    const [again] = childrenOf(next, 'Job')
    expect(
      jobs(sync(stored(model(right), next), [aJob(next), aPod(again as Child, waiting)])),
    ).toBe(1)
  })

  test.each<{ when: string; seen: readonly Child[] }>([
    { when: 'its program runs', seen: withPod(atWork) },
    { when: 'its program ran and is started again', seen: withPod(between) },
    { when: 'its Pod is not observed yet', seen: [job()] },
    { when: 'an earlier Pod of it failed', seen: [job({ failed: 1 })] },
  ])('but not if $when', ({ seen }) => {
    expect(jobs(answerTo(model(right), seen))).toBe(1)
  })

  test('nor if it is complete: it is sealed', () => {
    const seen = [...applied(before).filter(({ kind }) => kind !== 'Job'), job(completed)]
    expect(jobNames(answerTo(model(right), seen))).toEqual([
      expect.stringContaining('-model-run-'),
      expect.stringContaining('-model-seal-'),
    ])
  })

  test.each<{ when: string; seen: readonly Child[] }>([
    { when: 'waits', seen: withPod(waiting) },
    { when: 'failed', seen: [job(failed())] },
  ])('nor without a change, if it $when', ({ seen }) => {
    expect(jobs(answerTo(model(wrong), seen))).toBe(1)
  })

  test('nor if nobody can say what was applied', () => {
    const [made, ...pods] = withPod(waiting)
    const { annotations, ...metadata } = (made as Child).metadata
    expect(jobs(answerTo(model(right), [{ ...(made as Child), metadata }, ...pods]))).toBe(1)
  })
})

describe('a changed configuration repeats no failed work', () => {
  const config = aConfig({ pods: { Model: { labels: { team: 'nlp' } } } })

  test('a failed Job stays', () => {
    expect(jobs(answerTo(model(wrong), [job(failed())], config))).toBe(1)
  })

  test('a Job that a queue holds keeps its place', () => {
    const held = { ...job({}), spec: { ...job().spec, suspend: true } }
    expect(jobs(answerTo(model(wrong), [held], config))).toBe(1)
    expect(jobs(answerTo(model(right), [held], config))).toBe(0)
  })

  test('a Job whose Pod waits gets it', () => {
    expect(jobs(answerTo(model(wrong), withPod(waiting), config))).toBe(0)
  })
})

test('nothing is made anew while a Dataset is awaited', () => {
  const spec = { dataset: { name: 'squad' } }
  const data = complete(aDataset({ source: 's3://b' }), {
    url: 'pvc://squad-dataset-artifacts/l/1',
  })
  const first = sync(model(wrong, spec), [data])
  const [made] = childrenOf(first, 'Job')
  const seen = [aJob(first), aPod(made as Child, waiting)]
  const answer = sync(stored(model(right, spec), first), [...seen, aDataset({ source: 's3://b' })])
  expect(jobs(answer)).toBe(1)
})

describe('a build is made anew for its annotations alone', () => {
  const build = { git: { url: 'https://example.com/r' } }
  const built = (pod: object) => aModel({ build, pod })
  const first = sync(built({ labels: { a: 'b' } }), [])
  const next = (pod: object) => jobs(sync(stored(built(pod), first), [aJob(first, failed())]))

  test('another label changes nothing', () => {
    expect(next({ labels: { a: 'c' } })).toBe(1)
  })

  test('an annotation does', () => {
    expect(next({ annotations: { a: 'c' } })).toBe(0)
  })
})

test('spec.pod is in no name of a Job', () => {
  const [one, other] = [wrong, right].map((pod) => childrenOf(sync(model(pod), []), 'Job')[0])
  expect(one?.metadata.name).toBe(other?.metadata.name)
  expect(one?.metadata.name).toContain(jobName(model(), 'run', '').slice(0, -1))
})
