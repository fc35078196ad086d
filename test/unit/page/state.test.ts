import { describe, expect, test } from 'vitest'
import { reasons } from '../../../crds/reasons.ts'
import { actionsOf } from '../../../page/core/actions.ts'
import { stateOf, todoOf } from '../../../page/core/state.ts'
import { aCondition, aJob, aThing } from './shown.ts'

const withReady = (status: 'True' | 'False', reason: string, isStalled = false) =>
  aThing('ModelServer', 's', {
    status: {
      conditions: [
        aCondition('Ready', status, reason, 'why'),
        ...(isStalled ? [aCondition('Stalled', 'True', reason, 'why')] : []),
      ],
    },
  })

describe('the tone of an object', () => {
  test.each([
    { status: 'True', reason: 'Serving', tone: 'ready' },
    { status: 'True', reason: 'Stale', tone: 'outdated' },
    { status: 'True', reason: 'UpdatePending', tone: 'outdated' },
    { status: 'True', reason: 'Idle', tone: 'stopped' },
    { status: 'True', reason: 'Suspended', tone: 'stopped' },
    { status: 'False', reason: 'Running', tone: 'working' },
    { status: 'False', reason: 'Waiting', tone: 'waiting' },
    { status: 'False', reason: 'Failed', isStalled: true, tone: 'failed' },
    { status: 'False', reason: 'OfANewerVersion', tone: 'waiting' },
    { status: 'False', reason: 'constructor', tone: 'waiting' },
  ] as const)('$status $reason: $tone', ({ status, reason, tone, ...others }) => {
    const thing = withReady(status, reason, 'isStalled' in others)
    expect(stateOf(thing)).toMatchObject({ tone, word: reason, message: 'why' })
  })

  test('an object without a status is new, and one that is deleted says so', () => {
    expect(stateOf(aThing('Model', 'm'))).toMatchObject({ tone: 'waiting', word: 'New' })
    const deletionTimestamp = '2026-11-27T10:00:00Z'
    expect(
      stateOf(aThing('Model', 'm', { metadata: { name: 'm', deletionTimestamp } })),
    ).toMatchObject({ word: 'Deleting' })
  })
})

describe('what to do', () => {
  const failed = { conditions: [{ type: 'Failed', status: 'True' }] }
  const named = (reason: string, status: 'True' | 'False' = 'False') => {
    const thing = withReady(status, reason)
    const jobs = [aJob(thing, 'load', { status: failed }), aJob(thing, 'run')]
    const pod = { metadata: { name: 'p' }, spec: { nodeName: 'node-7' } }
    return todoOf(thing, jobs, [pod])
  }

  test('is said, if there is something', () => {
    expect(named('ReferenceMissing')).toBe('Create it, or correct the name.')
    expect(named('Serving', 'True')).toBeUndefined()
    expect(named('OfANewerVersion')).toBeUndefined()
  })

  test.each([
    { reason: 'Stale', says: 'kubectl annotate --overwrite modelserver s substratus.ai/rerun=' },
    { reason: 'Failed', says: 'kubectl delete job s-load tries' },
    { reason: 'NodeNotReady', says: 'kubectl delete node node-7.' },
    { reason: 'UpdatePending', says: 'annotate --overwrite modelserver s substratus.ai/rollout=' },
  ])('about $reason has the names instead of placeholders', ({ reason, says }) => {
    expect(named(reason)).toContain(says)
  })

  test('about a pending update fits the kind', () => {
    const conditions = [aCondition('Ready', 'True', 'UpdatePending', 'why')]
    const todo = (kind: string) => todoOf(aThing(kind, 'n', { status: { conditions } }), [], [])
    expect(todo('Notebook')).toBe(reasons.UpdatePending.todo.Notebook)
    expect(todo('ModelServer')).not.toContain('Pod')
    expect(todo('Model')).toBeUndefined()
  })

  test('has no placeholder for any reason', () => {
    const all = Object.keys(reasons).map((reason) => named(reason) ?? '')
    expect(all.filter((todo) => /\b(KIND|NAME|JOB|POD)\b/.test(todo))).toEqual([])
  })
})

describe('the actions that fit', () => {
  test.each([
    { what: 'a Model', thing: aThing('Model', 'm'), names: ['suspend', 'rerun'] },
    {
      what: 'a suspended Dataset',
      thing: aThing('Dataset', 'd', { spec: { suspend: true } }),
      names: ['resume', 'rerun'],
    },
    {
      what: 'a server',
      thing: withReady('True', 'Serving'),
      names: ['open', 'suspend', 'rollout'],
    },
    { what: 'a notebook', thing: aThing('Notebook', 'n'), names: ['open', 'suspend'] },
  ])('$what', ({ thing, names }) => {
    const fitting = actionsOf('x').filter(({ fits }) => fits(thing))
    expect(fitting.map(({ name }) => name)).toEqual(names)
  })
})
