import { describe, expect, test } from 'vitest'
import { kinds } from '../../../crds/kinds.ts'
import { reasons } from '../../../crds/reasons.ts'
import { type Seen, whyOf } from '../../../view/causes.ts'
import { deeds, doingOf } from '../../../view/deeds.ts'
import type { Shown } from '../../../view/object.ts'
import { whyLines } from '../../../view/whylines.ts'
import { condition, jobOf, podOf, shown, told } from './shown.ts'

const now = Date.parse('2026-01-01T00:05:00Z')

const lines = (object: Shown, seen: Partial<Seen> = {}) =>
  whyLines(whyOf(object, { objects: [object], jobs: [], pods: [], events: [], ...seen }), now)

const squad = shown(
  'Dataset',
  'squad',
  'False Failed container "run" exited with 1: no such file',
  {},
  {
    conditions: [condition('Built', 'True Skipped'), condition('Complete', 'False Failed x')],
  },
)
const support = shown('Model', 'support', 'False Waiting waiting for Dataset "squad": Failed', {
  model: { name: 'qwen' },
  dataset: { name: 'squad' },
})
const chat = shown('ModelServer', 'chat', 'False Waiting waiting for Model "support": Waiting', {
  model: { name: 'support' },
})
const qwen = shown('Model', 'qwen', 'True Done')
const job = jobOf(squad, 'load', 'squad-dataset-load-1', {
  status: {
    failed: 1,
    conditions: [
      { type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded', message: 'it failed' },
    ],
  },
})
const pod = podOf(squad, 'load', 'squad-dataset-load-1-x', job, {
  status: {
    phase: 'Failed',
    containerStatuses: [
      { name: 'run', state: { terminated: { exitCode: 1, message: 'no such file' } } },
    ],
  },
})

test('the chain leads from a server to the adapter that it waits for', () => {
  const server = shown('ModelServer', 's', 'False Waiting waiting for Model "support": Waiting', {
    model: { name: 'qwen' },
    adapters: [{ name: 'support' }],
  })
  expect(lines(server, { objects: [server, qwen, support, squad] }).slice(0, 3)).toEqual([
    'ModelServer "s": not Ready: Waiting: waiting for Model "support": Waiting',
    '└─Model "support": not Ready: Waiting: waiting for Dataset "squad": Failed',
    '  └─Dataset "squad": not Ready: Failed: container "run" exited with 1: no such file',
  ])
})

test('the chain leads from a server to the Pod that fails, and to the command that helps', () => {
  const events = [
    told(pod, 'BackOff', 'Back-off restarting', { count: 3 }),
    told(job, 'BackoffLimitExceeded', 'Job has reached the limit'),
    told(qwen, 'Other', 'of another object'),
  ]
  const seen = { objects: [chat, support, qwen, squad], jobs: [job], pods: [pod], events }
  expect(lines(chat, seen)).toEqual([
    'ModelServer "chat": not Ready: Waiting: waiting for Model "support": Waiting',
    '└─Model "support": not Ready: Waiting: waiting for Dataset "squad": Failed',
    '  └─Dataset "squad": not Ready: Failed: container "run" exited with 1: no such file',
    '    └─Job "squad-dataset-load-1": Failed: BackoffLimitExceeded: it failed',
    '        Warning BackoffLimitExceeded (2m ago): Job has reached the limit',
    '      └─Pod "squad-dataset-load-1-x": Failed: container "run" exited with 1: no such file',
    '          Warning BackOff (2m ago, 3 times): Back-off restarting',
    '',
    reasons.Failed.meaning,
    reasons.Failed.todo.replace('job NAME', 'job squad-dataset-load-1'),
    '  kubectl substratus logs dataset squad -n default',
  ])
})

test('a missing object ends the chain, with the names that resemble it', () => {
  const server = shown(
    'ModelServer',
    'chat',
    'False ReferenceMissing Model "suport" does not exist in this namespace',
    { model: { name: 'suport' } },
  )
  expect(lines(server, { objects: [server, support] }).slice(0, 2)).toEqual([
    'ModelServer "chat": not Ready: ReferenceMissing: Model "suport" does not exist in this namespace',
    '└─Model "suport": does not exist in namespace "default"; these do: support',
  ])
})

test('what is awaited is the object that the message names', () => {
  const model = shown('Model', 'm', 'False Waiting waiting for Model "qwen": Loading', {
    model: { name: 'qwen' },
    dataset: { name: 'squad' },
  })
  const loading = shown('Model', 'qwen', 'False Loading Pod "x" is running')
  const [, second] = lines(model, { objects: [model, squad, loading] })
  expect(second).toBe('└─Model "qwen": not Ready: Loading: Pod "x" is running')
})

test('objects of another namespace are not followed', () => {
  const elsewhere = { ...support, metadata: { ...support.metadata, namespace: 'other' } }
  expect(lines(chat, { objects: [chat, elsewhere] })[1]).toContain('does not exist')
})

test('references that lead in a circle end', () => {
  const a = shown('Model', 'a', 'False Waiting waiting for Model "b": Waiting', {
    model: { name: 'b' },
  })
  const b = shown('Model', 'b', 'False Waiting waiting for Model "a": Waiting', {
    model: { name: 'a' },
  })
  expect(lines(a, { objects: [a, b] }).slice(0, 2)).toHaveLength(2)
})

test('a server without a Pod quotes the Events of its workload', () => {
  const server = shown(
    'ModelServer',
    'chat',
    'False PodRefused quota',
    {},
    {
      conditions: [condition('Serving', 'False PodRefused quota')],
    },
  )
  const set = { kind: 'ReplicaSet', metadata: { name: 'chat-server-5d4f', uid: 'r' } }
  const events = [
    told(set, 'FailedCreate', 'exceeded quota'),
    told({ ...set, metadata: { name: 'chat-server-b-5d4f', uid: 's' } }, 'FailedCreate', 'other'),
  ]
  expect(lines(server, { events }).slice(1, 3)).toEqual([
    '└─ReplicaSet "chat-server-5d4f": has no Pod',
    '    Warning FailedCreate (2m ago): exceeded quota',
  ])
})

test('a Pod that waits for a node quotes the scheduler', () => {
  const notebook = shown(
    'Notebook',
    'lab',
    'False Unschedulable 0/3',
    {},
    {
      conditions: [condition('Serving', 'False Unschedulable 0/3')],
    },
  )
  const waiting = podOf(notebook, 'serve', 'lab-notebook-0', 'StatefulSet/lab-notebook', {
    status: {
      phase: 'Pending',
      conditions: [
        { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes' },
      ],
    },
  })
  expect(lines(notebook, { pods: [waiting] }).slice(1)).toEqual([
    '└─Pod "lab-notebook-0": Unschedulable: 0/3 nodes',
    '',
    reasons.Unschedulable.meaning,
    reasons.Unschedulable.todo,
    '  kubectl describe nodes',
  ])
})

describe('what is Ready', () => {
  test.each([
    { reason: 'Idle', command: '  kubectl substratus open modelserver chat -n default' },
    { reason: 'Suspended', command: '  kubectl substratus resume modelserver chat -n default' },
    {
      reason: 'UpdatePending',
      command: '  kubectl substratus rollout modelserver chat -n default',
    },
    { reason: 'Stale', command: '  kubectl substratus rerun modelserver chat -n default' },
  ])('and is $reason tells the command', ({ reason, command }) => {
    const spec = reason === 'Suspended' ? { suspend: true } : {}
    expect(lines(shown('ModelServer', 'chat', `True ${reason} words`, spec)).at(-1)).toBe(command)
  })

  test.each([
    {
      when: 'a notebook has an update pending',
      object: shown('Notebook', 'lab', 'True UpdatePending runs with an older spec'),
      advice: [
        reasons.UpdatePending.todo.Notebook,
        'Notebook "lab" takes a new Pod template when it starts again: kubectl substratus suspend notebook lab, then kubectl substratus resume notebook lab',
      ],
    },
    {
      when: 'a server waits for an adapter',
      object: shown(
        'ModelServer',
        'chat',
        'True UpdatePending 1 of 1; update pending: waiting for adapter "a",\n\x1b[2Jtrained on another result',
      ),
      advice: [
        reasons.UpdatePending.todo.ModelServer.replace('KIND NAME', 'modelserver chat'),
        'ModelServer "chat" can be rolled out only later: it waits for adapter "a", trained on another result',
      ],
    },
    {
      when: 'a server has 0 replicas',
      object: shown('ModelServer', 'chat', 'True Suspended scaled to 0', { replicas: 0 }),
      advice: [
        reasons.Suspended.todo,
        'ModelServer "chat" is not suspended but has 0 replicas: kubectl scale modelserver chat -n default --replicas=1 starts it',
      ],
    },
  ])('and no command would help says why, when $when', ({ object, advice }) => {
    expect(lines(object).slice(-2)).toEqual(advice)
  })

  test('and serves says what that means, and nothing to do', () => {
    expect(lines(shown('ModelServer', 'chat', 'True Serving 1 of 1'))).toEqual([
      'ModelServer "chat": Ready: Serving: 1 of 1',
      '',
      reasons.Serving.meaning,
    ])
  })
})

test('without the right to read Jobs, Pods and Events the objects alone tell', () => {
  const nothing = { jobs: undefined, pods: undefined, events: undefined }
  expect(lines(squad, nothing)[0]).toContain('Dataset "squad": not Ready: Failed')
})

test('Jobs and Pods with forged labels are not taken for the object’s', () => {
  const forgedJob = {
    ...job,
    metadata: {
      ...job.metadata,
      ownerReferences: [{ kind: 'Dataset', uid: 'other', controller: true }],
    },
  }
  const forgedPod = { ...pod, metadata: { ...pod.metadata, ownerReferences: [] } }
  const told = lines(squad, { jobs: [forgedJob], pods: [forgedPod] }).join('\n')
  expect(told).not.toContain('Job "')
  expect(told).not.toContain('Pod "')
})

test('no text of an object reaches the terminal with escape sequences', () => {
  const evil = '\x1b]0;owned\x07\x1b[2J\u009b31m\r\nroot# \u202e'
  const hostile = shown(
    'Dataset',
    'squad',
    undefined,
    {},
    {
      conditions: [
        { type: 'Ready', status: 'False', reason: 'Failed', message: evil },
        { type: 'Complete', status: 'False', reason: 'Failed', message: evil },
      ],
    },
  )
  const events = [told(pod, evil, evil, { type: evil })]
  const all = lines(hostile, { jobs: [job], pods: [pod], events })
  expect(all.join('')).toContain('owned')
  for (const line of all) expect(line).not.toMatch(/[\p{Cc}\u202e]/u)
})

test('no command has a placeholder left', () => {
  const commands = Object.keys(reasons).flatMap((reason) =>
    lines(shown('Model', 'm', `False ${reason} words`)).filter((line) =>
      line.startsWith('  kubectl'),
    ),
  )
  expect(commands.length).toBeGreaterThan(10)
  for (const command of commands) expect(command).not.toMatch(/\b(KIND|NAME|POD|JOB)\b/)
})

describe('a command that changes something', () => {
  const skipped = [condition('Built', 'True Skipped'), condition('Complete', 'True Skipped')]
  const messages = [
    'words',
    '1 of 1; update pending: image a → b: kubectl annotate --overwrite …',
    '1 of 1; update pending: waiting for adapter "a", trained on another result',
  ]
  const specs = [{}, { suspend: true }, { replicas: 0 }, { suspend: true, replicas: 0 }]
  const all = Object.keys(reasons).flatMap((reason) =>
    kinds.flatMap(({ kind }) =>
      ['True', 'False'].flatMap((status) =>
        messages.flatMap((message) =>
          specs.flatMap((spec) =>
            [[], skipped].map((conditions) =>
              shown(kind, 'x', `${status} ${reason} ${message}`, spec, { conditions }),
            ),
          ),
        ),
      ),
    ),
  )
  const suggested = all.flatMap((object) =>
    lines(object).flatMap((line) => {
      const [kubectl, plugin, word, kind, name] = line.trim().split(' ')
      const deed = deeds.find((one) => one === word)
      if (`${kubectl} ${plugin}` !== 'kubectl substratus' || !deed) return []
      expect([kind, name]).toEqual([object.kind.toLowerCase(), 'x'])
      return [{ deed, object }]
    }),
  )

  test('is suggested for no object about which it is refused or has nothing to do', () => {
    const now = '2026-01-01T00:00:00Z'
    const refused = suggested.filter(
      ({ deed, object }) => !('change' in doingOf(deed, object, now)),
    )
    expect(refused).toEqual([])
  })

  test.each(['rerun', 'resume', 'rollout'])('is suggested where it helps: %s', (deed) => {
    expect(suggested.map((one) => one.deed)).toContain(deed)
  })
})
