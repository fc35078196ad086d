import { describe, expect, test } from 'vitest'
import type { Parent } from '../../../crds/kind.ts'
import type { Condition } from '../../../crds/status.ts'
import { readyEvent } from '../../../server/readyevent.ts'
import { aModel } from '../../objects.ts'

/** Which changes of Ready become an Event, and under which name. */

const statusWith = (status: Condition['status'], reason: string, message = 'why') => ({
  conditions: [
    { type: 'Built', status: 'True', reason: 'Skipped', message: 'the image is given' },
    { type: 'Ready', status, reason, message },
  ],
})

const stored = (status: unknown, metadata: object = {}): Parent => {
  const model = aModel({})
  const own = { name: 'falcon', namespace: 'team', uid: 'u1', resourceVersion: '7', ...metadata }
  return { ...model, metadata: { ...model.metadata, ...own }, status }
}

const running = statusWith('False', 'Running')

test('an Event names the object, the reason and the message', () => {
  expect(readyEvent(stored(running), statusWith('True', 'Done', 'the artifacts are 2Gi'))).toEqual({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: expect.stringMatching(/^falcon\.[0-9a-f]{16}$/), namespace: 'team' },
    involvedObject: {
      apiVersion: 'substratus.ai/v1',
      kind: 'Model',
      namespace: 'team',
      name: 'falcon',
      uid: 'u1',
      resourceVersion: '7',
    },
    type: 'Normal',
    reason: 'Done',
    message: 'the artifacts are 2Gi',
    source: { component: 'substratus' },
    reportingComponent: 'substratus',
  })
})

test('no Event says that the first children are being created', () => {
  expect(readyEvent(stored(undefined), statusWith('False', 'Pending'))).toBeUndefined()
  expect(readyEvent(stored(running), statusWith('False', 'Pending'))).toBeDefined()
})

describe('an Event is written', () => {
  test.each([
    { when: 'there was no status', before: undefined, after: running, type: 'Normal' },
    {
      when: 'the reason changes',
      before: running,
      after: statusWith('False', 'OOMKilled'),
      type: 'Warning',
    },
    {
      when: 'the status changes, and the reason does not',
      before: statusWith('True', 'Serving'),
      after: statusWith('False', 'Serving'),
      type: 'Warning',
    },
    {
      when: 'somebody wrote another status',
      before: { conditions: [null, 'x', { type: 'Ready' }] },
      after: running,
      type: 'Normal',
    },
    {
      when: 'somebody suspends it',
      before: running,
      after: statusWith('False', 'Suspended'),
      type: 'Normal',
    },
    { when: 'it can be used', before: running, after: statusWith('True', 'Stale'), type: 'Normal' },
  ])('when $when', ({ before, after, type }) => {
    expect(readyEvent(stored(before), after)?.type).toBe(type)
  })
})

describe('no Event is written', () => {
  test.each([
    { when: 'nothing changes', parent: stored(running), after: running },
    {
      when: 'only the message changes',
      parent: stored(running),
      after: statusWith('False', 'Running', 'now'),
    },
    {
      when: 'the object is being deleted',
      parent: stored(undefined, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      after: running,
    },
    {
      when: 'the request is a person’s, by curl',
      parent: stored(undefined, { resourceVersion: undefined }),
      after: running,
    },
    { when: 'there is no condition', parent: stored(undefined), after: {} },
  ])('when $when', ({ parent, after }) => {
    expect(readyEvent(parent, after)).toBeUndefined()
  })
})

test('the same request has the same name, every other has another', () => {
  const nameOf = (parent: Parent, after: object) => readyEvent(parent, after)?.metadata.name
  const done = statusWith('True', 'Done')
  const name = nameOf(stored(running), done)
  expect(nameOf(stored(running), done)).toBe(name)
  const others = [
    nameOf(stored(running, { resourceVersion: '8' }), done),
    nameOf(stored(running, { uid: 'u2' }), done),
    nameOf(stored(running), statusWith('False', 'Failed')),
  ]
  expect(new Set([name, ...others]).size).toBe(4)
})
