import { describe, expect, test } from 'vitest'
import {
  aDataset,
  aPod,
  applied,
  childrenOf,
  completed,
  conditionOf,
  digest,
  ended,
  failed,
  observed,
  readyOf,
  report,
  running,
  statusOf,
  stored,
  sync,
  theChild,
} from '../../objects.ts'

const source = { source: 'https://example.com/squad.tar' }

describe('Ready of a Dataset', () => {
  test('the data is in a claim already: ready without a Job or a claim of its own', () => {
    const answer = sync(aDataset({ source: 'pvc://shared/squad' }))
    expect(readyOf(answer)).toBe('True Done: the data is in pvc://shared/squad')
    expect(answer.children).toEqual([])
    expect(statusOf(answer).artifacts).toMatchObject({ url: 'pvc://shared/squad' })
  })

  test('it was just created', () => {
    const answer = sync(aDataset(source))
    expect(readyOf(answer)).toMatch(/^False Pending: starting Job "squad-dataset-load-\w{8}"$/)
    expect(conditionOf(answer, 'Built')).toBe('True Skipped: a source needs no image')
    expect(childrenOf(answer, 'PersistentVolumeClaim')).toHaveLength(1)
  })

  test.each([
    { when: 'its Pod loads', job: running, pod: { phase: 'Running' }, ready: /^False Loading: / },
    {
      when: 'its source does not answer, and the load is retried',
      job: running,
      pod: ended(1, 'connection refused'),
      ready:
        'False Loading: trying again after: container "seal" exited with 1: connection refused',
    },
    {
      when: 'its source never answered',
      job: failed(),
      pod: ended(1, 'connection refused'),
      ready: 'False Failed: container "seal" exited with 1: connection refused',
    },
    {
      when: 'it is loaded',
      job: completed,
      pod: ended(0, report({ bytes: 12 })),
      ready: /^True Done: loaded into pvc:\/\/squad-dataset-artifacts\/load\/\w+$/,
    },
    {
      when: 'its report is a bare digest',
      job: completed,
      pod: ended(0, digest),
      ready: /^True Done: loaded into /,
    },
  ])('$when', ({ job, pod, ready }) => {
    const parent = aDataset(source)
    const first = sync(parent)
    const children = applied(first).filter(({ kind }) => kind !== 'Job')
    const seen = observed(theChild(first, 'Job'), job)
    const answer = sync(stored(parent, first), [...children, seen, aPod(seen, pod)])
    expect(readyOf(answer)).toMatch(ready)
  })

  test('the result has a URL, a size and an identity', () => {
    const parent = aDataset(source)
    const first = sync(parent)
    const job = observed(theChild(first, 'Job'), completed)
    const answer = sync(parent, [job, aPod(job, ended(0, report({ bytes: 12 })))])
    const { stages, artifacts } = statusOf(answer)
    const attempt = stages?.load?.attempt
    expect(artifacts).toEqual({
      url: `pvc://squad-dataset-artifacts/load/${attempt}`,
      bytes: 12,
      id: `${attempt}@${digest}`,
    })
  })
})

test('a changed source is loaded, and the old data is the result until that is done', () => {
  const parent = aDataset(source)
  const first = sync(parent)
  const job = observed(theChild(first, 'Job'), completed)
  const done = sync(parent, [job, aPod(job, ended(0, report()))])
  const changed = { ...stored(parent, done), spec: { source: 'https://example.com/v2.tar' } }
  const claim = applied(first).filter(({ kind }) => kind === 'PersistentVolumeClaim')
  const next = sync(changed, [job, ...claim])
  expect(readyOf(next)).toMatch(/^False Pending: starting Job /)
  expect(statusOf(next).artifacts).toEqual(statusOf(done).artifacts)
  expect(childrenOf(next, 'Job').map(({ metadata }) => metadata.name)).toEqual([
    job.metadata.name,
    expect.not.stringMatching(job.metadata.name),
  ])
})

test('switching to a claim of the user does not delete the loaded data', () => {
  const parent = aDataset(source)
  const first = sync(parent)
  const changed = { ...stored(parent, first), spec: { source: 'pvc://mine/data' } }
  const next = sync(changed, applied(first))
  expect(theChild(next, 'PersistentVolumeClaim').metadata.name).toBe(
    theChild(first, 'PersistentVolumeClaim').metadata.name,
  )
})
