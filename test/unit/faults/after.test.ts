import { describe, expect, test } from 'vitest'
import {
  familiesOf,
  flaps,
  grown,
  notOnce,
  shapeOf,
  sortOf,
  wrongChildren,
} from '../../faults/after.ts'
import type { ReadyChange } from '../../faults/recorder.ts'

/** The checks of the fault tests find what they look for. */

const owned = (kind: string, name: string, uid: string, by: string) => ({
  kind,
  metadata: { name, uid, ownerReferences: [{ uid: by, controller: true }] },
})
const model = (number: number) => ({
  kind: 'Model',
  metadata: { name: `run-${number}`, uid: `m${number}` },
})
const childrenOf = (number: number) => [
  owned('Job', `run-${number}-model-run-0a1b2c3d`, `j${number}`, `m${number}`),
  owned('PersistentVolumeClaim', `run-${number}-model-artifacts`, `c${number}`, `m${number}`),
]
const accepted = new Set(['Model/run-0', 'Model/run-12'])
const expected = new Map(
  familiesOf([model(0), ...childrenOf(0)]).map((family) => [sortOf(family.what), shapeOf(family)]),
)
const all = [model(0), ...childrenOf(0), model(12), ...childrenOf(12)]

describe('children', () => {
  test.each([
    { when: 'all are there', items: all, found: [] },
    {
      when: 'one is missing',
      items: all.filter(({ metadata }) => metadata.uid !== 'c12'),
      found: ['Model/run-12 has Job/NAME-model-run-HASH'],
    },
    {
      when: 'there is one more',
      items: [...all, owned('Job', 'run-12-model-run-ffffffff', 'j', 'm12')],
      found: [
        'Model/run-12 has Job/NAME-model-run-HASH Job/NAME-model-run-HASH PersistentVolumeClaim/NAME-model-artifacts',
      ],
    },
    {
      when: 'one has lost its object',
      items: [...all, owned('Job', 'run-7-model-run-ffffffff', 'j', 'm7')],
      found: ['Job/run-7-model-run-ffffffff belongs to no object'],
    },
    {
      when: 'an object is lost',
      items: [model(0), ...childrenOf(0)],
      found: ['Model/run-12 was accepted, and does not exist'],
    },
  ])('$when', ({ items, found }) => {
    expect(wrongChildren(familiesOf(items), accepted, expected)).toEqual(found)
  })
})

describe('Jobs', () => {
  const job = owned('Job', 'run-0-model-run-0a1b2c3d', 'j', 'm')
  const pod = (uid: string, phase: string) => ({
    ...owned('Pod', `p-${uid}`, uid, 'j'),
    status: { phase },
  })
  const { name } = job.metadata
  const once = { jobs: [job], pods: [pod('1', 'Succeeded')], created: [name] }
  test.each([
    { when: 'each ran once', ...once, found: [] },
    {
      when: 'a lost try is not a run',
      ...once,
      pods: [...once.pods, pod('2', 'Failed')],
      found: [],
    },
    {
      when: 'one ran twice',
      ...once,
      pods: [...once.pods, pod('2', 'Succeeded')],
      found: [`${name}: 2 of 2 Pods succeeded`],
    },
    {
      when: 'one did not run',
      ...once,
      pods: [],
      found: [`${name}: 0 of 0 Pods succeeded`],
    },
    {
      when: 'one was deleted and created again',
      ...once,
      created: [name, name],
      found: [`${name} was created again`],
    },
    {
      when: 'a stage has two',
      ...once,
      jobs: [job, owned('Job', 'run-0-model-run-ffffffff', 'k', 'm')],
      pods: [...once.pods, { ...owned('Pod', 'p-k', '3', 'k'), status: { phase: 'Succeeded' } }],
      found: ['run-0-model-run: 2 Jobs'],
    },
  ])('$when', ({ jobs, pods, created, found }) => {
    expect(notOnce(jobs, pods, created)).toEqual(found)
  })
})

describe('Ready', () => {
  const change = (
    at: number,
    status: string,
    reason: string,
    generation = 1,
    message = '',
  ): ReadyChange => ({ at, generation, status, reason, message })
  const pending = (at: number, stage: string) =>
    change(at, 'False', 'Pending', 1, `starting Job "m-model-${stage}-0123abcd"`)
  const history = (...changes: readonly ReadyChange[]) =>
    new Map([['u', { namespace: 'n', what: 'Model/m', changes: [...changes] }]])
  const starting = change(0, 'False', 'Starting')
  const serving = change(10_000, 'True', 'Serving')
  const again = change(20_000, 'False', 'Starting')
  test.each([
    { when: 'goes forward', changes: [starting, serving], pods: [], found: [] },
    {
      when: 'flaps, and no Pod changed meanwhile',
      changes: [starting, serving, again],
      pods: [5000],
      found: ['Model/m: True Serving:  → False Starting: '],
    },
    {
      when: 'is lost with its Pod',
      changes: [starting, serving, again],
      pods: [15_000],
      found: [],
    },
    {
      when: 'goes back and forth before it is True',
      changes: [starting, change(10_000, 'False', 'Pending'), again],
      pods: [],
      found: ['Model/m: False Starting:  → False Starting: '],
    },
    {
      when: 'starts the next stage as it started the one before',
      changes: [pending(0, 'run'), change(5000, 'False', 'Running'), pending(10_000, 'seal')],
      pods: [],
      found: [],
    },
    {
      when: 'goes back to the start of a stage',
      changes: [pending(0, 'run'), change(5000, 'False', 'Running'), pending(10_000, 'run')],
      pods: [],
      found: [
        'Model/m: False Pending: starting Job "m-model-run-0123abcd" → False Pending: starting Job "m-model-run-0123abcd"',
      ],
    },
    {
      when: 'names the claim for which the Pod of a stage waits',
      changes: [
        change(0, 'False', 'Pending', 1, 'creating PersistentVolumeClaim "m-model-artifacts"'),
        pending(1000, 'run'),
        change(5000, 'False', 'Pending', 1, 'waiting for claim "m-model-artifacts" to be bound'),
        change(6000, 'False', 'Pending', 1, 'Pod "m-model-run-0123abcd-abcde" is starting'),
      ],
      pods: [],
      found: [],
    },
    {
      when: 'is about another spec',
      changes: [starting, serving, change(20_000, 'False', 'Starting', 2)],
      pods: [],
      found: [],
    },
  ])('$when', ({ changes, pods, found }) => {
    expect(flaps(history(...changes), () => pods)).toEqual(found)
  })
})

test('memory may grow by a fifth', () => {
  expect(grown(200, 240)).toEqual([])
  expect(grown(200, 241)).toEqual(['the server uses 241 MiB, 200 MiB before'])
})
