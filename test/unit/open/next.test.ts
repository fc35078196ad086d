import { describe, expect, test } from 'vitest'
import {
  instanceOf,
  type Next,
  next,
  type Opened,
  type Pod,
  type Seen,
} from '../../../open/next.ts'

const notebook = (ready?: string, more: object = {}): Opened => {
  const [status, reason, ...words] = ready?.split(' ') ?? []
  const conditions = [{ type: 'Ready', status, reason, message: words.join(' ') }]
  return {
    apiVersion: 'substratus.ai/v1',
    kind: 'Notebook',
    metadata: { name: 'explore', generation: 2 },
    spec: {},
    status: ready ? { observedGeneration: 2, conditions } : {},
    ...more,
  } as Opened
}

/** With the condition Stalled as well. */
const stalled = (ready: string): Opened => {
  const { status, ...object } = notebook(ready)
  const conditions = status?.conditions?.flatMap((one) => [
    one,
    { ...one, type: 'Stalled' as const, status: 'True' as const },
  ])
  return { ...object, status: { ...status, conditions: conditions ?? [] } }
}

const pod = (uid: string, more: object = {}, ready = 'True', created = '2026-01-01'): Pod => ({
  metadata: { name: `explore-${uid}`, uid, creationTimestamp: created, ...more },
  spec: { containers: [] },
  status: {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: ready }],
    containerStatuses: [{ name: 'notebook', containerID: 'c1' }],
  },
})

const restarted = (uid: string, name = 'notebook'): Pod => {
  const containerStatuses = [
    { name: 'notebook', containerID: 'c1' },
    { name: 'idle', containerID: 'c1' },
  ].map((it) => (it.name === name ? { ...it, containerID: 'c2' } : it))
  const before = pod(uid)
  return { ...before, status: { ...before.status, containerStatuses } }
}

const serving = notebook('True Serving here')
const idle = { spec: { idleTimeout: '2h' }, status: { idle: { opened: 'monday' } } }
const opened = (when: string) => ({
  metadata: { name: 'explore', annotations: { 'substratus.ai/opened': when } },
})

/** The step and its arguments on one line. */
const shown = (step: Next): string => {
  switch (step.do) {
    case 'patch':
      return `patch${step.resume ? ' suspend' : ''}${step.wake ? ' opened' : ''}: ${step.says}`
    case 'wait':
      return `wait: ${step.why}`
    case 'reach':
      return `reach ${step.pod.metadata.uid}${step.note ? `, noting: ${step.note}` : ''}`
    case 'end':
      return `end: ${step.says}`
  }
}

interface Row {
  readonly when: string
  readonly object?: Opened | undefined
  readonly pods?: readonly Pod[]
  readonly connected?: string
  readonly wasOpen?: boolean
  readonly does: string
}
const table = (rows: readonly Row[]) =>
  test.each(rows)('$when', ({ object, pods = [], connected, wasOpen = false, does }) => {
    const seen: Seen = { object, pods, wasOpen, ...(connected && { connected }) }
    expect(shown(next(seen))).toBe(does)
  })

describe('before it is open', () => {
  table([
    {
      when: 'it is suspended',
      object: notebook('True Suspended x', { spec: { suspend: true } }),
      does: 'patch suspend: suspended: resuming it',
    },
    {
      when: 'it is suspended, and the controller has not seen that yet',
      object: notebook('True Serving x', { spec: { suspend: true } }),
      pods: [pod('a')],
      does: 'patch suspend: suspended: resuming it',
    },
    {
      when: 'it is idle, since it was opened last',
      object: notebook('', { ...idle, ...opened('monday') }),
      does: 'patch opened: idle: waking it',
    },
    {
      when: 'it is idle, and was never opened',
      object: notebook('', { ...idle, status: { idle: {} } }),
      does: 'patch opened: idle: waking it',
    },
    {
      when: 'it was woken before the controller saw that it was idle',
      object: notebook('True Serving x', {
        ...opened('2026-01-01T12:00:01Z'),
        spec: { idleTimeout: '2h' },
        status: {
          ...notebook('True Serving x').status,
          idle: { opened: '2026-01-01T12:00:01Z', since: '2026-01-01T12:00:00Z' },
        },
      }),
      pods: [pod('a')],
      does: 'reach a',
    },
    {
      when: 'it is a server that sleeps',
      object: notebook('True Idle x', { kind: 'ModelServer', ...idle, ...opened('monday') }),
      does: 'patch opened: idle: waking it',
    },
    {
      when: 'it is a server that was scaled to 0 replicas',
      object: notebook('True Suspended x', { kind: 'ModelServer', spec: { replicas: 0 } }),
      does: 'end: it has 0 replicas: kubectl scale modelserver explore --replicas=1 starts it',
    },
    {
      when: 'it is idle and suspended: both at once',
      object: notebook('', {
        ...idle,
        ...opened('monday'),
        spec: { idleTimeout: '2h', suspend: true },
      }),
      does: 'patch suspend opened: suspended: resuming it',
    },
    {
      when: 'it was woken, and the controller has not seen that yet',
      object: notebook('', {
        ...idle,
        ...opened('tuesday'),
        status: { ...idle.status, ...notebook('True Idle idle for 2h').status },
      }),
      does: 'wait: the controller has not seen the change yet',
    },
    {
      when: 'it was idle once, and has no idleTimeout any more',
      object: notebook('True Serving x', {
        status: { idle: {}, ...notebook('True Serving x').status },
      }),
      pods: [pod('a')],
      does: 'reach a',
    },
    {
      when: 'it was resumed, and the status is from before',
      object: notebook('True Suspended spec.suspend is true'),
      does: 'wait: the controller has not seen the change yet',
    },
    {
      when: 'the status is of an older spec, though Ready is True',
      object: notebook('True Serving x', {
        metadata: { name: 'explore', generation: 3 },
      }),
      pods: [pod('a')],
      does: 'wait: the controller has not seen the change yet',
    },
    {
      when: 'there is no status yet',
      object: notebook(),
      does: 'wait: the controller has not looked at it yet',
    },
    {
      when: 'no node has room',
      object: notebook('False Unschedulable 0/3 nodes are available'),
      does: 'wait: Unschedulable: 0/3 nodes are available',
    },
    {
      when: 'its Model is missing, but may be created',
      object: notebook('False ReferenceMissing Model "m" does not exist in this namespace'),
      does: 'wait: ReferenceMissing: Model "m" does not exist in this namespace',
    },
    {
      when: 'its Pod was evicted, and another one is made',
      object: notebook('False Failed Pod Evicted: low on disk'),
      does: 'wait: Failed: Pod Evicted: low on disk',
    },
    {
      when: 'its build failed, which only another spec resolves',
      object: stalled('False Failed exit code 1'),
      does: 'end: Failed: exit code 1',
    },
    {
      when: 'its spec is invalid',
      object: stalled('False InvalidSpec spec.image: Required value'),
      does: 'end: InvalidSpec: spec.image: Required value',
    },
    { when: 'it serves', object: serving, pods: [pod('a')], does: 'reach a' },
    {
      when: 'it serves with an older spec',
      object: notebook('True UpdatePending runs with an older spec'),
      pods: [pod('a')],
      does: 'reach a, noting: runs with an older spec',
    },
    {
      when: 'it is Ready, but no Pod is seen',
      object: serving,
      does: 'wait: no Pod of it is ready',
    },
    {
      when: 'its Pod is being deleted',
      object: serving,
      pods: [pod('a', { deletionTimestamp: 'now' })],
      does: 'wait: no Pod of it is ready',
    },
    {
      when: 'of three Pods, one is not ready and one is older',
      object: serving,
      pods: [
        pod('old'),
        pod('new', {}, 'True', '2026-01-02'),
        pod('no', {}, 'False', '2026-01-03'),
      ],
      does: 'reach new',
    },
    { when: 'it is not there', object: undefined, does: 'end: it was deleted' },
    {
      when: 'it is being deleted',
      object: notebook('True Serving x', {
        metadata: { name: 'explore', deletionTimestamp: 'now' },
      }),
      does: 'end: it is being deleted',
    },
  ])
})

describe('while it is open', () => {
  table([
    {
      when: 'the Pod is ready',
      object: serving,
      pods: [pod('a'), pod('b', {}, 'True', '2026-01-02')],
      connected: instanceOf(pod('a'), 'notebook'),
      wasOpen: true,
      does: 'reach a',
    },
    {
      when: 'a probe failed, but the Pod is there',
      object: notebook('False Starting x'),
      pods: [pod('a', {}, 'False')],
      connected: instanceOf(pod('a'), 'notebook'),
      wasOpen: true,
      does: 'reach a',
    },
    {
      when: 'the connection broke, and a probe failed',
      object: notebook('False OOMKilled it used more memory than it may'),
      pods: [pod('a', {}, 'False')],
      wasOpen: true,
      does: 'wait: OOMKilled: it used more memory than it may',
    },
    {
      when: 'the Pod was replaced',
      object: serving,
      pods: [pod('b')],
      connected: instanceOf(pod('a'), 'notebook'),
      wasOpen: true,
      does: 'reach b',
    },
    {
      when: 'Jupyter was restarted in its Pod',
      object: serving,
      pods: [restarted('a')],
      connected: instanceOf(pod('a'), 'notebook'),
      wasOpen: true,
      does: 'reach a',
    },
    {
      when: 'Jupyter is being restarted in its Pod',
      object: notebook('False CrashLooping exit code 1'),
      pods: [restarted('a')],
      connected: instanceOf(pod('a'), 'notebook'),
      wasOpen: true,
      does: 'wait: CrashLooping: exit code 1',
    },
    {
      when: 'the container beside it was restarted',
      object: notebook('False Starting x'),
      pods: [restarted('a', 'idle')],
      connected: instanceOf(pod('a'), 'notebook'),
      wasOpen: true,
      does: 'reach a',
    },
    {
      when: 'the Pod is being deleted',
      object: notebook('False Pending x'),
      pods: [pod('a', { deletionTimestamp: 'now' })],
      connected: instanceOf(pod('a'), 'notebook'),
      wasOpen: true,
      does: 'wait: Pending: x',
    },
    {
      when: 'another user suspends it',
      object: notebook('True Serving x', { spec: { suspend: true } }),
      pods: [pod('a')],
      connected: instanceOf(pod('a'), 'notebook'),
      wasOpen: true,
      does: 'end: it was suspended; kubectl open notebook explore resumes it',
    },
    {
      when: 'it is idle',
      object: notebook('', { ...idle, ...opened('monday') }),
      pods: [pod('a')],
      connected: instanceOf(pod('a'), 'notebook'),
      wasOpen: true,
      does: 'end: it was idle for 2h and was stopped; kubectl open notebook explore wakes it',
    },
  ])
})
