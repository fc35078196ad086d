import { describe, expect, test } from 'vitest'
import type { Pod } from '../../../hooks/children/manifesttypes.ts'
import { endOf, type Logs, nextLog } from '../../../view/logs.ts'
import { podsOf } from '../../../view/own.ts'
import { condition, jobOf, podOf, shown } from './shown.ts'

const model = shown(
  'Model',
  'm',
  'False Running Pod "run" is running',
  {},
  {
    conditions: [condition('Built', 'True Done')],
  },
)
const imported = shown(
  'Model',
  'm',
  'True Done',
  {},
  { conditions: [condition('Built', 'True Skipped'), condition('Packaged', 'True Skipped')] },
)
const ended = (name: string, exitCode = 0) => ({
  phase: exitCode ? 'Failed' : 'Succeeded',
  containerStatuses: [{ name, state: { terminated: { exitCode } } }],
})
const build = podOf(model, 'build', 'build-1', 'Job/b', {
  at: '2026-01-01T00:01:00Z',
  spec: { initContainers: [{ name: 'clone' }], containers: [{ name: 'build' }] },
  status: {
    ...ended('build'),
    initContainerStatuses: [{ name: 'clone', state: { terminated: { exitCode: 0 } } }],
  },
})
const run = podOf(model, 'run', 'run-1', 'Job/r', { at: '2026-01-01T00:02:00Z' })
const notStarted = podOf(model, 'package', 'package-1', 'Job/p', {
  at: '2026-01-01T00:03:00Z',
  status: {
    phase: 'Pending',
    containerStatuses: [
      { name: 'model', state: { waiting: { reason: 'ErrImagePull', message: 'no such image' } } },
    ],
  },
})

/** The names of all that is read, and how it ends. */
function story(logs: Partial<Logs>): readonly string[] {
  const read = new Set<string>()
  const told: string[] = []
  let first: Pod | undefined
  for (let round = 0; round < 20; round++) {
    const given = { object: model, pods: [], isFollowed: false, read, ...logs }
    const step = nextLog({ ...given, ...(first && { first }) })
    if (step.do === 'read') {
      first ??= step.log.pod
      read.add(step.log.key)
      told.push(`${step.log.pod.metadata.name} ${step.log.container}`)
      continue
    }
    const says = step.do === 'wait' ? step.why : step.says
    return [...told, `${step.do}${says ? `: ${says}` : ''}`]
  }
  return told
}

describe('which log is read', () => {
  test.each([
    {
      when: 'a stage is under way: its own',
      logs: { pods: [build, run] },
      is: ['run-1 model', 'end'],
    },
    {
      when: 'the newest Pod has not started: the last that has',
      logs: { pods: [run, notStarted] },
      is: ['run-1 model', 'end'],
    },
    {
      when: 'a stage is named: container after container',
      logs: { pods: [build, run], stage: 'build' },
      is: ['build-1 clone', 'build-1 build', 'end'],
    },
    {
      when: 'no container has started: the kubelet’s words',
      logs: { pods: [notStarted] },
      is: [
        'end: no container of Pod "package-1" has started: container "model": cannot pull image "undefined": no such image',
      ],
    },
    {
      when: 'there is no Pod: the state of the object',
      logs: { pods: [] },
      is: [
        'end: Model "m" has no Pod now, and so no log; it is not Ready: Running: Pod "run" is running',
      ],
    },
    {
      when: 'the stage has no Pod: its name',
      logs: { pods: [run], stage: 'seal' },
      is: [
        'end: stage "seal" of Model "m" has no Pod now, and so no log; it is not Ready: Running: Pod "run" is running',
      ],
    },
    {
      when: 'the kind has no such stage: those that it has',
      logs: { pods: [run], stage: 'load' },
      is: ['end: Model "m" has no stage "load": its stages are build, run, seal, package'],
    },
    {
      when: 'the stage is skipped: those that are not, though it is followed',
      logs: { object: imported, pods: [], stage: 'build', isFollowed: true },
      is: ['end: Model "m" has no stage "build": its stages are run, seal'],
    },
    {
      when: 'followed: what comes after it, too',
      logs: { pods: [build, run], isFollowed: true, first: build },
      is: ['build-1 clone', 'build-1 build', 'run-1 model', 'wait: Running: Pod "run" is running'],
    },
  ] satisfies readonly { when: string; logs: Partial<Logs>; is: readonly string[] }[])(
    'when $when',
    ({ logs, is }) => {
      expect(story(logs as Partial<Logs>)).toEqual(is)
    },
  )
})

describe('following ends', () => {
  test.each([
    {
      when: 'it is Ready',
      object: shown('Model', 'm', 'True Done here'),
      is: 'end: Model "m" is Ready: Done: here',
    },
    {
      when: 'it is stalled',
      object: shown(
        'Model',
        'm',
        'False Failed x',
        {},
        { conditions: [condition('Stalled', 'True Failed x')] },
      ),
      is: 'end: Model "m" is not Ready: Failed: x',
    },
    { when: 'it was deleted', object: undefined, is: 'end: it was deleted' },
    {
      when: 'a notebook sleeps',
      object: shown('Notebook', 'n', 'True Idle for 2h'),
      is: 'end: Notebook "n" is Ready: Idle: for 2h',
    },
  ])('when $when', ({ object, is }) => {
    expect(story({ object, isFollowed: true })).toEqual([is])
  })

  test('with its stage, when that is named', () => {
    expect(story({ pods: [build], stage: 'build', isFollowed: true }).at(-1)).toBe(
      'end: stage "build" of Model "m" is over',
    )
  })

  test('never while a server serves: its next Pod is awaited', () => {
    const server = shown('ModelServer', 's', 'True Serving 1 of 1')
    expect(story({ object: server, isFollowed: true })).toEqual(['wait: Serving: 1 of 1'])
  })
})

test('a container that was restarted is read again', () => {
  const restarted = podOf(model, 'run', 'run-1', 'Job/r', {
    status: { containerStatuses: [{ name: 'model', restartCount: 1, state: { running: {} } }] },
  })
  const read = new Set(['uid-of-run-1/model/0'])
  const step = nextLog({
    object: model,
    pods: [restarted],
    isFollowed: true,
    read,
    first: restarted,
  })
  expect(step).toMatchObject({ do: 'read', log: { key: 'uid-of-run-1/model/1' } })
})

test('sidecars are not read', () => {
  const server = shown('ModelServer', 's', 'True Serving x')
  const pod = podOf(server, 'serve', 's-1', 'ReplicaSet/s-server-1', {
    spec: {
      initContainers: [{ name: 'idle', restartPolicy: 'Always' }],
      containers: [{ name: 'relay' }, { name: 'server' }],
    },
    status: {
      initContainerStatuses: [{ name: 'idle', state: { running: {} } }],
      containerStatuses: ['relay', 'server'].map((name) => ({ name, state: { running: {} } })),
    },
  })
  expect(story({ object: server, pods: [pod] })).toEqual(['s-1 server', 'end'])
})

describe('the end of a log', () => {
  const log = { pod: run, stage: 'run', container: 'model', key: 'uid-of-run-1/model/0' } as const
  const now = (status: object, metadata: object = {}) => [
    podOf(model, 'run', 'run-1', 'Job/r', { status, metadata }),
  ]

  test.each([
    { when: 'it runs', pods: [run], says: undefined },
    {
      when: 'it exited',
      pods: now(ended('model', 3)),
      says: 'container "model" of Pod "run-1" exited with 3',
    },
    { when: 'its Pod is gone', pods: [], says: 'Pod "run-1" is gone, and its log with it' },
    {
      when: 'its Pod was evicted',
      pods: now({ phase: 'Failed', reason: 'Evicted', message: 'low on memory' }),
      says: 'Pod "run-1" was lost: Evicted: low on memory',
    },
    {
      when: 'its node was drained',
      pods: now({
        phase: 'Running',
        conditions: [
          {
            type: 'DisruptionTarget',
            status: 'True',
            reason: 'EvictionByEvictionAPI',
            message: 'x',
          },
        ],
      }),
      says: 'Pod "run-1" was lost: EvictionByEvictionAPI: x',
    },
    {
      when: 'its Pod is being deleted',
      pods: now({ phase: 'Running' }, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      says: 'Pod "run-1" is being deleted',
    },
    {
      when: 'it was restarted',
      pods: now({
        containerStatuses: [
          {
            name: 'model',
            restartCount: 1,
            state: { running: {} },
            lastState: { terminated: { exitCode: 137 } },
          },
        ],
      }),
      says: 'container "model" of Pod "run-1" exited with 137',
    },
  ])('is told: $when', ({ pods, says }) => {
    expect(endOf(log, pods)).toBe(says)
  })
})

describe('the Pods of an object', () => {
  const job = jobOf(model, 'run', 'm-model-run-1')
  const own = podOf(model, 'run', 'own', job)
  const server = shown('ModelServer', 'm', 'True Serving')

  test('are those whose owners lead to it', () => {
    const forged = podOf(model, 'run', 'forged', 'Job/else')
    const bare = { ...own, metadata: { ...own.metadata, ownerReferences: [] } }
    expect(podsOf(model, [own, forged, bare], [job])).toEqual([own])
  })

  test('are found by the names of their owners, if Jobs may not be read', () => {
    const forged = podOf(model, 'run', 'forged', 'Job/else')
    expect(podsOf(model, [own, forged], undefined)).toEqual([own])
  })

  test('of a server are those of its ReplicaSets', () => {
    const serving = podOf(server, 'serve', 'a', 'ReplicaSet/m-server-5d4f')
    const foreign = podOf(server, 'serve', 'b', 'ReplicaSet/other-5d4f')
    expect(podsOf(server, [serving, foreign], [])).toEqual([serving])
  })

  test('are not those of an object of the same name before it', () => {
    const before = { ...model, metadata: { ...model.metadata, uid: 'earlier' } }
    expect(podsOf(before, [own], [job])).toEqual([])
  })
})
