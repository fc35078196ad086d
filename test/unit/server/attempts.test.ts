import { expect, test } from 'vitest'
import type { Child } from '../../../hooks/observe/protocol.ts'
import { podsByParent } from '../../../server/pods.ts'
import { attemptsInMemory } from '../../../server/progress/attempts.ts'
import { reportsInMemory } from '../../../server/progress/reports.ts'
import { underWayAsTold, underWayIn } from '../../../server/progress/underway.ts'

/** What both threads remember of attempts, and what they tell each other. */

const report = { percent: 1, metrics: [] }
const reported = { report, at: '2026-01-01T00:00:00Z' }
const attempt = { uid: 'u', job: 'j' }

const attempts = (max?: number) => {
  const clock = { seconds: 0 }
  const steady = () => 1000 * clock.seconds
  const now = () => `2026-01-01T00:00:${String(clock.seconds).padStart(2, '0')}Z`
  return Object.assign(attemptsInMemory({ steady, now }, max), { clock })
}

test('of each attempt, the last report is taken once', () => {
  const { put, taken, clock } = attempts()
  put(attempt, report)
  clock.seconds = 1
  put(attempt, { ...report, percent: 2 })
  put({ uid: 'u', job: 'k' }, report)
  expect(taken().map(({ uid, job, reported }) => [uid, job, reported.report.percent])).toEqual([
    ['u', 'j', 2],
    ['u', 'k', 1],
  ])
  expect(taken()).toEqual([])
})

test('a report says how long the next one may take, once it is the fifth', () => {
  const { put, taken, clock } = attempts()
  const patience: unknown[] = []
  for (; clock.seconds < 50; clock.seconds += 10) {
    put(attempt, report)
    patience.push(taken()[0]?.reported.patience)
  }
  expect(patience).toEqual([undefined, undefined, undefined, undefined, 100])
})

test('an attempt that was forgotten may report again', () => {
  const { admit, clock } = attempts(2)
  const allowed = () => [1, 2, 3].map(() => admit(attempt))
  expect(allowed()).toEqual([true, true, false])
  for (const job of ['k', 'l']) admit({ uid: 'u', job })
  expect(clock.seconds).toBe(0)
  expect(allowed()).toEqual([true, true, false])
})

test('memory is bounded: the attempt that was silent longest goes', () => {
  const reports = reportsInMemory(100)
  for (let at = 0; at < 150; at++) {
    reports.put({ uid: `u${at}`, job: 'j', reported })
    reports.put({ uid: 'u0', job: 'j', reported })
  }
  const known = Array.from({ length: 150 }, (_, at) => reports.of(`u${at}`)).filter(Boolean)
  expect(known).toHaveLength(100)
  expect([reports.of('u0'), reports.of('u1'), reports.of('u149')].map(Boolean)).toEqual([
    true,
    false,
    true,
  ])
})

const podOf = (name: string, job: string, phase: string): Child => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: 'team',
    labels: { 'substratus.ai/parent-uid': 'u', 'batch.kubernetes.io/job-name': job },
  },
  status: { phase },
})

test('the receiver is told all attempts that are under way, and then what has changed', () => {
  const pods = podsByParent()
  pods.put(podOf('before', 'a', 'Running'))
  const watch = { isCurrent: false }
  const underWay = underWayIn({ ...pods, isCurrent: () => watch.isCurrent })
  const { told, includes } = underWayAsTold()
  told(underWay.all())
  expect(includes({ uid: 'u', job: 'none' })).toBe(true)

  const changes = (...happened: readonly (() => void)[]) => {
    for (const one of happened) one()
    const change = underWay.changed()
    if (change) told(change)
    return change
  }
  const jobs = () => ['a', 'b', 'none'].filter((job) => includes({ uid: 'u', job }))
  changes(() => {
    watch.isCurrent = true
  })
  expect(jobs()).toEqual(['a'])
  changes(() => pods.put(podOf('other', 'b', 'Pending')))
  expect(jobs()).toEqual(['a', 'b'])
  expect(changes(() => pods.put(podOf('other', 'b', 'Running')))).toBeUndefined()
  changes(() => pods.put(podOf('other', 'b', 'Failed')))
  expect(jobs()).toEqual(['a'])
  changes(() => pods.remove(podOf('before', 'a', 'Running')))
  expect(jobs()).toEqual([])
  expect(underWay.all()).toEqual({ isKnown: true, jobs: [] })
})
