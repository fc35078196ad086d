import { describe, expect, test } from 'vitest'
import { hooks } from '../../../hooks/hooks.ts'
import {
  aConfig,
  aJob,
  aModel,
  aPod,
  applied,
  type Child,
  childrenOf,
  completed,
  observed,
  readyOf,
  requestFor,
  running,
  type Seen,
  statusOf,
  stored,
  throughJson,
} from '../../objects.ts'

/** The first steps of a Job are told together, so that a Job that is done in seconds takes one write. */

const model = aModel({ image: 'example.com/train:1', params: { epochs: 1 } })

/** `time`: of the first minute in which the Job was created, unless it names another one. */
function syncAt(time: string | undefined, parent = model, seen: readonly Seen[] = []) {
  const hook = hooks.find(({ kind }) => kind.kind === 'Model')
  const now = time && `2026-01-01T00:${time.padStart(5, '00:')}Z`
  const answer = hook?.sync({ ...requestFor(parent, ...seen), now }, aConfig())
  if (!answer) throw new Error('no hook')
  return throughJson(answer)
}

const first = syncAt('00')
const asked = stored(model, first)
const claims = applied(first).filter(({ kind }) => kind !== 'Job')
const job = aJob(first, running)
const see = (...pods: readonly Child[]): readonly Seen[] => [...claims, job, ...pods]

const waiting = (reason: string) => ({
  phase: 'Pending',
  containerStatuses: [{ name: 'run', state: { waiting: { reason, message: 'not found' } } }],
})
const scheduled = aPod(job, { phase: 'Pending' })
const started = aPod(job, {
  phase: 'Running',
  containerStatuses: [{ name: 'run', ready: true, state: { running: {} } }],
})

test.each([
  { what: 'without a Pod', seen: see() },
  { what: 'whose Pod has a node', seen: see(scheduled) },
  { what: 'whose Pod runs', seen: see(started) },
])('a Job that is 2 s old, $what, leaves the status as it is', ({ seen }) => {
  const answer = syncAt('02', asked, seen)
  expect(answer.status).toEqual(first.status)
  expect(answer.resyncAfterSeconds).toBe(5)
  expect(answer.children.map(({ metadata }) => metadata.name)).toContain(job.metadata.name)
})

test.each([
  { when: 'after 10 s', time: '10' },
  { when: 'if nobody says what time it is', time: undefined },
])('$when, Ready tells the step that was reached', ({ time }) => {
  const answer = syncAt(time, asked, see(started))
  expect(readyOf(answer)).toBe(`False Running: Pod "${started.metadata.name}" is running`)
  expect(statusOf(answer).awaited).toBeUndefined()
})

test('what is wrong is told at once', () => {
  const answer = syncAt('02', asked, see(aPod(job, waiting('ErrImagePull'))))
  expect(readyOf(answer)).toContain('False ImagePullFailed')
})

test('a Pod that has failed is told at once, and the next one does not hide it', () => {
  const failed = aPod(job, {
    phase: 'Failed',
    containerStatuses: [{ name: 'run', state: { terminated: { exitCode: 7, reason: 'Error' } } }],
  })
  const next = aPod(job, { phase: 'Pending' })
  const named = { ...next, metadata: { ...next.metadata, name: 'next', uid: 'next' } }
  for (const [time, ...pods] of [
    ['08', failed],
    ['30', named, failed],
  ] as const)
    expect(readyOf(syncAt(time, asked, see(...pods)))).toContain('False Running: trying again')
})

test('success is recorded at once', () => {
  const answer = syncAt('02', asked, [...claims, aJob(first, completed)])
  expect(readyOf(answer)).toMatch(/^False Sealing: starting Job "falcon-model-seal-/)
})

test('an older status changes nothing, so that no step is told and taken back', () => {
  const answer = syncAt('02', model, see(started))
  expect(readyOf(answer)).toBe(readyOf(first))
  expect(statusOf(answer).awaited).toEqual(statusOf(first).awaited)
})

test('a clock that is behind hides nothing', () => {
  const later = { ...job, metadata: { ...job.metadata, creationTimestamp: '2026-01-01T00:59:00Z' } }
  expect(readyOf(syncAt('02', asked, [...claims, later, started]))).toContain('False Running')
})

test('a Job that is gone after 2 s is reported as missing a minute later', () => {
  const held = stored(asked, syncAt('02', asked, see(started)))
  expect(readyOf(syncAt('02', held, claims))).toContain('False Pending: starting Job')
  expect(readyOf(syncAt('01:10', held, claims))).toContain('False ChildMissing')
})

describe('a Pod that the scheduler has not looked at', () => {
  const unseen = aPod(job, { phase: 'Pending' })
  const { nodeName: _, ...spec } = unseen.spec as Record<string, unknown>
  const see = (conditions: readonly object[]) => [
    ...claims,
    job,
    { ...unseen, spec, status: { ...unseen.status, conditions } },
  ]

  test('is on its way for a minute', () => {
    expect(syncAt('59', asked, see([])).status).toEqual(first.status)
    expect(readyOf(syncAt('01:00', asked, see([])))).toMatch(
      /^False Pending: Pod .* waits for a node$/,
    )
  })

  test('is no longer, once the scheduler says why', () => {
    const answer = syncAt('20', asked, see([unschedulable]))
    expect(readyOf(answer)).toBe('False Unschedulable: 0/3 nodes are available')
  })
})

const unschedulable = {
  type: 'PodScheduled',
  status: 'False',
  reason: 'Unschedulable',
  message: '0/3 nodes are available',
}

describe('the seal', () => {
  const ended = aJob(first, completed)
  const known = { ...started, metadata: { ...started.metadata, uid: 'p1' } }
  const disrupted = syncAt('20', asked, see(known))
  const sealing = syncAt('31', stored(asked, disrupted), [...claims, ended])
  const seal = childrenOf(sealing, 'Job').find(({ metadata }) => metadata.name.includes('-seal-'))
  const created = { ...observed(seal as Child, running) }
  const later = (time: string, pod: Child) =>
    syncAt(time, stored(asked, sealing), [...claims, ended, created, pod])

  test('says so from the start, and nothing of the Pods of the run', () => {
    expect(statusOf(disrupted).disruptions).toBeDefined()
    expect(readyOf(sealing)).toBe(`False Sealing: starting Job "${seal?.metadata.name}"`)
    expect(later('08', aPod(created, { phase: 'Pending' })).status).toEqual(sealing.status)
  })

  test('says what its Pod waits for if that takes long', () => {
    expect(readyOf(later('40', aPod(created, { phase: 'Pending' })))).toMatch(
      /^False Pending: Pod ".*" is starting/,
    )
  })
})

test('two answers within ten seconds record the same time, as Metacontroller may not have stored the first', () => {
  const { awaitedSince } = statusOf(first)
  expect(awaitedSince).toBe('2026-01-01T00:00:00Z')
  expect(statusOf(syncAt('09')).awaitedSince).toBe(awaitedSince)
})
