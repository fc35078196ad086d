import { describe, expect, test } from 'vitest'
import {
  after,
  happeningsOf,
  isKnown,
  jobsOf,
  nothingKnown,
  thingNamed,
  thingsOf,
} from '../../../page/core/things.ts'
import type { Line, Sent } from '../../../ui/wire.ts'
import { aJob, aThing, session } from './shown.ts'

const objects = (resource: string, put: readonly object[], gone: readonly string[] = []): Line => ({
  is: 'objects',
  resource,
  put: put as readonly Sent[],
  gone,
})
const knownAfter = (...lines: readonly Line[]) => lines.reduce(after, nothingKnown)

test('objects are listed kind by kind, by name', () => {
  const known = knownAfter(
    objects('models', [aThing('Model', 'b'), aThing('Model', 'a')]),
    objects('datasets', [aThing('Dataset', 'z')]),
  )
  expect(thingsOf(known, session).map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual([
    'Dataset/z',
    'Model/a',
    'Model/b',
  ])
})

test('changes replace, deletions remove, and a new start forgets', () => {
  const first = knownAfter(objects('models', [aThing('Model', 'a'), aThing('Model', 'b')]))
  const changed = after(first, objects('models', [aThing('Model', 'a', { spec: { x: 1 } })], ['b']))
  expect(thingNamed(changed, 'models', 'a')?.spec).toEqual({ x: 1 })
  expect(thingNamed(changed, 'models', 'b')).toBeUndefined()
  // What was drawn before is as it was.
  expect(thingNamed(first, 'models', 'b')).toBeDefined()
  expect(thingsOf(after(changed, { is: 'start', resources: [] }), session)).toEqual([])
})

test('everything is known once each kind is listed, or cannot be', () => {
  const some = knownAfter(objects('datasets', []), objects('models', []))
  expect(isKnown(some, session)).toBe(false)
  const trouble: Line = { is: 'trouble', resource: 'modelservers', message: 'forbidden' }
  expect(isKnown(after(some, trouble), session)).toBe(true)
  expect(
    isKnown(after(after(some, trouble), { is: 'trouble', resource: 'modelservers' }), session),
  ).toBe(false)
})

describe('what belongs to an object', () => {
  const model = aThing('Model', 'm')
  const later = aJob(model, 'package', { made: '2026-11-27T11:00:00Z' })

  test('its Jobs in order, and none of others or of a former object of its name', () => {
    const foreign = aJob(aThing('Dataset', 'm'), 'load')
    const former = aJob(model, 'build', { uid: 'another' })
    const known = knownAfter(objects('jobs', [later, aJob(model, 'run'), foreign, former]))
    expect(jobsOf(known, model).map(({ metadata }) => metadata.name)).toEqual([
      'm-run',
      'm-package',
    ])
  })

  test('the Events of it and its Jobs, in the order in which they happened', () => {
    const event = (name: string, uid: string, time?: string) => ({
      metadata: { name, creationTimestamp: '2026-11-27T10:30:00Z' },
      involvedObject: { uid },
      time,
    })
    const known = knownAfter(
      objects('jobs', [later]),
      objects('events', [
        event('second', 'job-package', '2026-11-27T11:00:00.5Z'),
        event('first', 'Model-m'),
        event('of-another', 'Model-n', '2026-11-27T10:00:00Z'),
      ]),
    )
    expect(happeningsOf(known, model).map(({ metadata }) => metadata.name)).toEqual([
      'first',
      'second',
    ])
  })
})
