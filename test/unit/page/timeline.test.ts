import { expect, test } from 'vitest'
import { barsOf, heldFor, lasted, timelineOf } from '../../../page/core/timeline.ts'
import { aCondition, aJob, aThing } from './shown.ts'

const at = (time: string) => Date.parse(`2026-11-27T${time}Z`)
const model = aThing('Model', 'm', {
  status: {
    conditions: [
      aCondition('Complete', 'False', 'Running', 'epoch 2'),
      aCondition('Built', 'True', 'Done', 'built'),
      aCondition('Ready', 'False', 'Running', 'epoch 2'),
    ],
  },
})
const built = aJob(model, 'build', {
  status: {
    startTime: '2026-11-27T10:00:00Z',
    completionTime: '2026-11-27T10:30:00Z',
    conditions: [{ type: 'Complete', status: 'True' }],
  },
})
const running = aJob(model, 'run', { status: { startTime: '2026-11-27T10:30:00Z' } })

test('stages are in their order, each with its Jobs', () => {
  expect(timelineOf(model, [built, running])).toEqual([
    {
      condition: 'Built',
      tone: 'ready',
      word: 'Done',
      message: 'built',
      jobs: [
        {
          name: 'm-build',
          stage: 'build',
          state: 'done',
          began: at('10:00:00'),
          ended: at('10:30:00'),
        },
      ],
    },
    {
      condition: 'Complete',
      tone: 'working',
      word: 'Running',
      message: 'epoch 2',
      jobs: [{ name: 'm-run', stage: 'run', state: 'running', began: at('10:30:00') }],
    },
  ])
})

test('a Job that failed ended when it said so', () => {
  const failed = aJob(model, 'run', {
    status: {
      startTime: '2026-11-27T10:00:00Z',
      conditions: [{ type: 'Failed', status: 'True', lastTransitionTime: '2026-11-27T10:10:00Z' }],
    },
  })
  expect(timelineOf(model, [failed])[1]?.jobs).toEqual([
    { name: 'm-run', stage: 'run', state: 'failed', began: at('10:00:00'), ended: at('10:10:00') },
  ])
})

test.each([
  { what: 'suspended', fields: { spec: { suspend: true } } },
  { what: 'waiting', fields: {} },
])('a Job that has not begun is $what, and has no time', ({ what, fields }) => {
  const [, stage] = timelineOf(model, [aJob(model, 'run', fields)])
  expect(stage?.jobs).toEqual([{ name: 'm-run', stage: 'run', state: what }])
})

test('Jobs share one axis; what is under way lasts until now', () => {
  const bars = barsOf(timelineOf(model, [built, running]), at('12:00:00'))
  expect(bars.get('m-build')).toEqual({ from: 0, width: 0.25 })
  expect(bars.get('m-run')).toEqual({ from: 0.25, width: 0.75 })
})

test('a clock that jumps back gives no time below zero', () => {
  const [, stage] = timelineOf(model, [running])
  expect(stage?.jobs.map((span) => lasted(span, at('09:00:00')))).toEqual([0])
  expect(barsOf(timelineOf(model, [running]), at('09:00:00')).get('m-run')).toEqual({
    from: 0,
    width: 0,
  })
})

const since = '2026-11-27T10:00:00Z'
const trained = (status: 'True' | 'False', reason: string, lastTransitionTime = since) => {
  const condition = { ...aCondition('Complete', status, reason), lastTransitionTime }
  return aThing('Model', 'm', { status: { conditions: [condition] } })
}
const failedBefore = aJob(model, 'run', {
  status: { conditions: [{ type: 'Failed', status: 'True' }] },
})
const done = aJob(model, 'run', { status: { conditions: [{ type: 'Complete', status: 'True' }] } })

test.each([
  { when: 'is done and its Job is gone', thing: trained('True', 'Done'), says: 'True for 5h' },
  {
    when: 'is done and only a Job that failed before is left',
    thing: trained('True', 'Done'),
    jobs: [failedBefore],
    says: 'True for 5h',
  },
  { when: 'is done and its Job is there', thing: trained('True', 'Done'), jobs: [done] },
  { when: 'waits without a Job', thing: trained('False', 'Waiting'), says: 'False for 5h' },
  { when: 'has failed with its Job', thing: trained('False', 'Failed'), jobs: [failedBefore] },
  { when: 'had nothing to do', thing: trained('True', 'Skipped') },
  { when: 'has no time', thing: trained('True', 'Done', '') },
  {
    when: 'changed at a time that this clock has not reached',
    thing: trained('True', 'Done', '2027-01-01T00:00:00Z'),
    says: 'True for 0s',
  },
])('since when a stage is as it is, if it $when', ({ thing, jobs = [], says }) => {
  expect(timelineOf(thing, jobs).map((stage) => heldFor(stage, at('15:00:00')))).toEqual([says])
})

test('a server says since when it serves', () => {
  const condition = { ...aCondition('Serving', 'True', 'Serving'), lastTransitionTime: since }
  const server = aThing('ModelServer', 's', { status: { conditions: [condition] } })
  expect(timelineOf(server, []).map((stage) => heldFor(stage, at('10:05:30')))).toEqual([
    'True for 5m30s',
  ])
})
