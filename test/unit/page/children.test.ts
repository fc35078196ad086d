import { describe, expect, test } from 'vitest'
import { type Child, childrenOf } from '../../../page/core/children.ts'
import type { Job, Pod } from '../../../page/core/things.ts'
import { aJob, aPod, aThing } from './shown.ts'

const model = aThing('Model', 'm')
const shown = ({ tone, word, details }: Child) => [tone, word, ...details].join(', ')
const container = (state: object, more: object = {}) => ({ name: 'run', state, ...more })
const waiting = (reason: string) => container({ waiting: { reason } })
const terminated = (exitCode: number, reason: string) =>
  container({ terminated: { exitCode, reason } })

test('the newest are first, a Pod before its Job', () => {
  const jobs = [
    aJob(model, 'build', { made: '2026-11-27T10:00:00Z' }),
    aJob(model, 'run', { made: '2026-11-27T11:00:00Z' }),
  ]
  const pods = [
    aPod(model, 'run', { made: '2026-11-27T11:00:00Z' }),
    aPod(model, 'build', { made: '2026-11-27T10:00:01Z' }),
  ]
  expect(
    childrenOf(jobs, pods).map(({ kind, name, created }) => [kind, name, created?.slice(11, 19)]),
  ).toEqual([
    ['Pod', 'm-run-1', '11:00:00'],
    ['Job', 'm-run', '11:00:00'],
    ['Pod', 'm-build-1', '10:00:01'],
    ['Job', 'm-build', '10:00:00'],
  ])
})

test.each<{ when: string; fields: Omit<Job, 'metadata'>; says: string }>([
  {
    when: 'is complete, after a Pod that failed',
    fields: { status: { failed: 1, conditions: [{ type: 'Complete', status: 'True' }] } },
    says: 'ready, Complete, 1 failed',
  },
  {
    when: 'has failed',
    fields: {
      status: {
        failed: 3,
        conditions: [
          { type: 'FailureTarget', status: 'True', reason: 'BackoffLimitExceeded' },
          { type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' },
        ],
      },
    },
    says: 'failed, Failed, BackoffLimitExceeded, 3 failed',
  },
  {
    when: 'was resumed, and runs',
    fields: {
      spec: { suspend: false },
      status: { active: 1, conditions: [{ type: 'Suspended', status: 'False' }] },
    },
    says: 'working, Running, 1 active',
  },
  { when: 'gets no Pod', fields: { status: {} }, says: 'waiting, Running, 0 active' },
  { when: 'is new', fields: {}, says: 'waiting, Running, 0 active' },
  { when: 'is suspended', fields: { spec: { suspend: true } }, says: 'stopped, Suspended' },
])('a Job that $when', ({ fields, says }) => {
  expect(childrenOf([aJob(model, 'run', fields)], []).map(shown)).toEqual([says])
})

test('a Job that is being deleted, and its Pod', () => {
  const deleted = <T extends Job | Pod>(one: T): T => ({
    ...one,
    metadata: { ...one.metadata, deletionTimestamp: '2026-11-27T12:00:00Z' },
  })
  const pod = aPod(model, 'run', { status: { phase: 'Running' } })
  expect(childrenOf([deleted(aJob(model, 'run'))], [deleted(pod)]).map(shown)).toEqual([
    'stopped, Terminating, on gpu-7',
    'stopped, Terminating',
  ])
})

describe('a Pod', () => {
  const of = (stage: string, status: Pod['status']) =>
    childrenOf([], [aPod(model, stage, { status })]).map(shown)

  test.each<{ when: string; status: Pod['status']; says: string }>([
    { when: 'is new', status: undefined, says: 'waiting, Pending, on gpu-7' },
    {
      when: 'waits for its image',
      status: { phase: 'Pending', containerStatuses: [waiting('ContainerCreating')] },
      says: 'waiting, ContainerCreating, on gpu-7',
    },
    {
      when: 'cannot get its image',
      status: { phase: 'Pending', containerStatuses: [waiting('ImagePullBackOff')] },
      says: 'failed, ImagePullBackOff, container run, on gpu-7',
    },
    {
      when: 'has an init container that fails again and again',
      status: {
        phase: 'Pending',
        initContainerStatuses: [{ ...waiting('CrashLoopBackOff'), name: 'clone', restartCount: 4 }],
        containerStatuses: [waiting('PodInitializing')],
      },
      says: 'failed, CrashLoopBackOff, container clone, 4 restarts, on gpu-7',
    },
    {
      when: 'runs',
      status: { phase: 'Running', containerStatuses: [container({ running: {} })] },
      says: 'working, Running, on gpu-7',
    },
    {
      when: 'runs again',
      status: {
        phase: 'Running',
        containerStatuses: [container({ running: {} }, { restartCount: 1 })],
      },
      says: 'working, Running, 1 restart, on gpu-7',
    },
    {
      when: 'is done, whatever its sidecar said at the end',
      status: {
        phase: 'Succeeded',
        initContainerStatuses: [{ ...terminated(143, 'Error'), name: 'idle' }],
        containerStatuses: [terminated(0, 'Completed')],
      },
      says: 'ready, Succeeded, on gpu-7',
    },
    {
      when: 'needed too much memory, whatever its sidecar said at the end',
      status: {
        phase: 'Failed',
        initContainerStatuses: [{ ...terminated(143, 'Error'), name: 'relay' }],
        containerStatuses: [terminated(137, 'OOMKilled')],
      },
      says: 'failed, OOMKilled, container run exited with 137, on gpu-7',
    },
    {
      when: 'needed too much memory',
      status: { phase: 'Failed', containerStatuses: [terminated(137, 'OOMKilled')] },
      says: 'failed, OOMKilled, container run exited with 137, on gpu-7',
    },
    {
      when: 'was evicted',
      status: { phase: 'Failed', reason: 'Evicted' },
      says: 'failed, Evicted, on gpu-7',
    },
    {
      when: 'has failed, and nobody says why',
      status: { phase: 'Failed' },
      says: 'failed, Failed, on gpu-7',
    },
  ])('that $when', ({ status, says }) => {
    expect(of('run', status)).toEqual([says])
  })

  test.each([
    { when: 'answers', ready: true, says: 'ready, Running, on gpu-7' },
    { when: 'does not answer yet', ready: false, says: 'working, Running, on gpu-7' },
  ])('of a server that $when', ({ ready, says }) => {
    const status = { phase: 'Running', containerStatuses: [container({ running: {} }, { ready })] }
    expect(of('serve', status)).toEqual([says])
  })

  test('that no node has taken', () => {
    const pod = aPod(model, 'run', { spec: {}, status: { phase: 'Pending' } })
    expect(childrenOf([], [pod]).map(shown)).toEqual(['waiting, Pending'])
  })
})
