import { describe, expect, test } from 'vitest'
import { jobFailure, jobProgress } from '../../../hooks/observe/diagnosis.ts'
import { reportOf } from '../../../hooks/observe/jobreport.ts'
import { servingFault } from '../../../hooks/observe/servingpods.ts'
import type { Child } from '../../objects.ts'
import {
  aDataset,
  aJob,
  aNotebook,
  aPod,
  applied,
  digest,
  ended,
  failed,
  readyOf,
  report,
  stored,
  sync,
} from '../../objects.ts'

/** The status of a Pod that the scheduler has found no node for. */
const unscheduled = (message?: string) => ({
  phase: 'Pending',
  conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
})

const job: Child = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'j' },
  spec: {
    template: {
      metadata: { labels: {} },
      spec: { volumes: [{ name: 'a', persistentVolumeClaim: { claimName: 'j-artifacts' } }] },
    },
    activeDeadlineSeconds: 5,
  },
}

const waiting = (reason: string, message?: string, more = {}) => ({
  phase: 'Pending',
  containerStatuses: [
    { name: 'main', image: 'example.com/a:1', state: { waiting: { reason, message } }, ...more },
  ],
})

const sandbox = (status: string) => ({ type: 'PodReadyToStartContainers', status })

const says = ({ reason, message }: { reason: string; message: string }) => `${reason}: ${message}`

describe('a Pod of a Job that is not finished', () => {
  const pulling = (reason: string, message?: string) => waiting(reason, message)
  test.each([
    {
      when: 'the kubelet failed to pull its image',
      pod: pulling('ErrImagePull', 'failed to resolve reference: not found'),
      verdict:
        'ImagePullFailed: container "main": cannot pull image "example.com/a:1": failed to resolve reference: not found',
    },
    {
      when: 'the kubelet backs off from pulling: the message stays the same',
      pod: pulling(
        'ImagePullBackOff',
        'Back-off pulling image "example.com/a:1": ErrImagePull: failed to resolve reference: not found',
      ),
      verdict:
        'ImagePullFailed: container "main": cannot pull image "example.com/a:1": failed to resolve reference: not found',
    },
    {
      when: 'the kubelet gives no message',
      pod: pulling('ImagePullBackOff', 'Back-off pulling image "example.com/a:1"'),
      verdict: 'ImagePullFailed: container "main": cannot pull image "example.com/a:1"',
    },
    {
      when: 'a Secret is missing',
      pod: waiting('CreateContainerConfigError', 'secret "hub" not found'),
      verdict: 'ContainerConfigError: container "main": secret "hub" not found',
    },
    {
      when: 'it is starting, and its node reports no details',
      pod: waiting('ContainerCreating'),
      verdict: 'Pending: Pod "j-x7k2p" is starting',
    },
    {
      when: 'it has no sandbox yet',
      pod: { ...waiting('ContainerCreating'), conditions: [sandbox('False')] },
      verdict:
        'Pending: Pod "j-x7k2p" is starting: its volumes, network or first image are being prepared',
    },
    {
      when: 'one of its init containers runs',
      pod: { phase: 'Pending', initContainerStatuses: [{ name: 'clone', state: { running: {} } }] },
      verdict: 'Running: Pod "j-x7k2p" is running',
    },
    {
      when: 'an init container crashes again and again',
      pod: {
        phase: 'Pending',
        initContainerStatuses: [
          {
            name: 'clone',
            restartCount: 2,
            state: { running: {} },
            lastState: { terminated: { exitCode: 128, message: 'repository not found' } },
          },
        ],
      },
      verdict: 'CrashLooping: container "clone" exited with 128: repository not found',
    },
    {
      when: 'no node has enough resources',
      pod: unscheduled(),
      verdict: 'Unschedulable: no node can take the Pod',
    },
    {
      when: 'no node has enough resources, nor after a preemption',
      pod: unscheduled(
        '0/2 nodes are available: 2 Insufficient nvidia.com/gpu. no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
      ),
      verdict: 'Unschedulable: 0/2 nodes are available: 2 Insufficient nvidia.com/gpu',
    },
    {
      when: 'its claim is not bound yet',
      pod: unscheduled(
        '0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found',
      ),
      verdict:
        'Pending: waiting for claim "j-artifacts" to be bound: kubectl describe pvc j-artifacts says why',
    },
    {
      when: 'the claim of an earlier object is still being deleted',
      pod: unscheduled(
        '0/2 nodes are available: persistentvolumeclaim "j" is being deleted. not found',
      ),
      verdict:
        'Pending: 0/2 nodes are available: persistentvolumeclaim "j" is being deleted: it goes once no Pod uses it',
    },
    {
      when: 'it failed and another will follow',
      pod: ended(1, 'boom'),
      verdict: 'Running: trying again after: container "seal" exited with 1: boom',
    },
    {
      when: 'its node evicted it',
      pod: { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' },
      verdict: 'Running: trying again after: Pod Evicted: The node was low on resource: memory.',
    },
  ])('$when', ({ pod, verdict }) => {
    expect(says(jobProgress(job, [aPod(job, pod)], 'Running'))).toBe(verdict)
  })

  test('a node under pressure has evicted it, and no node takes the next one', () => {
    const evicted = {
      phase: 'Failed',
      reason: 'Evicted',
      message:
        'The node was low on resource: ephemeral-storage. Threshold quantity: 2Gi, available: 1Gi. ',
    }
    const waits = unscheduled('0/1 nodes are available: 1 node(s) had untolerated taint(s).')
    const pods = [aPod(job, waits, { name: 'j-2' }), aPod(job, evicted, { name: 'j-1' })]
    expect(says(jobProgress(job, pods, 'Running'))).toBe(
      'Unschedulable: 0/1 nodes are available: 1 node(s) had untolerated taint(s); kubectl describe nodes says which taints; Pod "j-1" was evicted: The node was low on resource: ephemeral-storage',
    )
  })

  test('a Secret that it mounts may be missing', () => {
    const volumes = [{ emptyDir: {} }, { secret: { secretName: 'git' } }]
    const starting = aPod(job, waiting('ContainerCreating'))
    const pod: Child = { ...starting, spec: { nodeName: 'one', volumes } }
    expect(says(jobProgress(job, [pod], 'Running'))).toBe(
      'Pending: Pod "j-x7k2p" is starting; it needs Secret "git"',
    )
  })

  test.each([
    { when: 'the first in the spec, not in the status', volumes: [], beside: '' },
    {
      when: 'with an image volume',
      volumes: [{ name: 'model', image: { reference: 'example.com/m@sha256:1' } }],
      beside: ' with image volume "example.com/m@sha256:1"',
    },
  ])('its next container is named: $when', ({ volumes, beside }) => {
    const state = { waiting: { reason: 'ContainerCreating' } }
    const pod = {
      ...aPod(job, {
        phase: 'Pending',
        conditions: [sandbox('True')],
        containerStatuses: ['idle', 'notebook'].map((name) => ({ name, state })),
      }),
      spec: {
        nodeName: 'one',
        containers: ['notebook', 'idle'].map((name) => ({ name, image: `example.com/${name}` })),
        volumes,
      },
    }
    expect(says(jobProgress(job, [pod], 'Running'))).toBe(
      `Pending: Pod "j-x7k2p" is starting: container "notebook" is being created from image "example.com/notebook"${beside}`,
    )
  })

  test.each([
    { when: 'the scheduler has not looked at it yet', conditions: [], why: '' },
    {
      when: 'a scheduling gate blocks it',
      conditions: [
        { type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message: 'gated' },
      ],
      why: ': gated',
    },
  ])('it waits for a node: $when', ({ conditions, why }) => {
    const pod: Child = { ...aPod(job, { phase: 'Pending', conditions }), spec: {} }
    expect(says(jobProgress(job, [pod], 'Running'))).toBe(
      `Pending: Pod "j-x7k2p" waits for a node${why}`,
    )
  })

  test('a live Pod takes precedence over a failed one', () => {
    const pods = [
      aPod(job, ended(1, 'boom'), { name: 'j-1' }),
      aPod(job, { phase: 'Running' }, { name: 'j-2' }),
    ]
    expect(says(jobProgress(job, pods, 'Running'))).toBe('Running: Pod "j-2" is running')
  })

  test('the start of the next Pod is part of the retry', () => {
    const pods = [
      aPod(job, ended(1, 'boom'), { name: 'j-1' }),
      aPod(job, { phase: 'Pending' }, { name: 'j-2' }),
    ]
    expect(says(jobProgress(job, pods, 'Running'))).toBe(
      'Running: trying again after: container "seal" exited with 1: boom',
    )
  })

  test('a Pod of another Job is ignored', () => {
    const stranger = aPod({ ...job, metadata: { name: 'k' } }, ended(1, 'boom'))
    expect(says(jobProgress(job, [stranger], 'Running'))).toMatch(/^Pending: no Pod yet/)
  })
})

describe('a Job that failed', () => {
  const over = { ...job, status: failed() }
  test.each([
    {
      when: 'because it ran out of memory',
      pod: ended(137, undefined, 'OOMKilled'),
      verdict: 'OOMKilled: container "seal" was killed for using more memory than it may',
    },
    {
      when: 'with a long log, of which the last three lines are reported',
      pod: ended(2, 'one\ntwo\n\nthree\nfour\n'),
      verdict: 'Failed: container "seal" exited with 2: two | three | four',
    },
    { when: 'without a message', pod: ended(2), verdict: 'Failed: container "seal" exited with 2' },
  ])('$when', ({ pod, verdict }) => {
    expect(says(jobFailure(over, [aPod(job, pod)]))).toBe(verdict)
  })

  test('is explained by its own message if its Pod is gone', () => {
    expect(says(jobFailure(over, []))).toBe('Failed: Job "j": Job has failed')
  })

  test('a long message is cut', () => {
    const { message } = jobFailure(over, [aPod(job, ended(1, 'x'.repeat(5000)))])
    expect(message).toHaveLength(1025)
  })
})

test.each([
  { job: 'load', parent: aDataset({ source: 'https://example.com/squad' }) },
  { job: 'build', parent: aNotebook({ build: { git: { url: 'https://example.com/repo' } } }) },
])('a $job Job that fails before its Pod is observed gets one more sync', ({ parent }) => {
  const over = aJob(sync(parent), failed())
  const claims = applied(sync(parent)).filter(({ kind }) => kind === 'PersistentVolumeClaim')
  const pod = aPod(over, ended(1, 'boom'))
  const first = sync(parent, [over, ...claims])
  expect(readyOf(first)).toMatch(/^False Failed: Job ".*": Job has failed$/)
  expect(first.resyncAfterSeconds).toBe(10)
  const unseen = sync(stored(parent, first), [over, ...claims])
  expect([readyOf(unseen), unseen.resyncAfterSeconds]).toEqual([readyOf(first), undefined])
  const second = sync(stored(parent, first), [over, ...claims, pod])
  expect(readyOf(second)).toBe('False Failed: container "seal" exited with 1: boom')
  const third = sync(stored(parent, second), [over, ...claims, pod])
  expect([readyOf(third), third.resyncAfterSeconds]).toEqual([readyOf(second), undefined])
})

describe('the Pods of a server that does not answer', () => {
  const owner: Child = { ...job, kind: 'Deployment' }
  const pod = (name: string, second: number, status: object, labels = {}): Child =>
    aPod(owner, status, { name, creationTimestamp: `2026-01-01T00:00:0${second}Z`, labels })
  const evicted = { phase: 'Failed', reason: 'Evicted', message: 'low on disk' }
  const server = (more: object) => ({
    phase: 'Running',
    containerStatuses: [{ name: 'server', ready: false, ...more }],
  })
  const endedWell = { terminated: { exitCode: 0, reason: 'Completed', message: 'bye' } }
  const crashed = { terminated: { exitCode: 1, message: 'boom' } }
  test.each<{ when: string; pods: readonly Child[]; verdict: string }>([
    { when: 'there is none', pods: [], verdict: 'Pending: none' },
    {
      when: 'an evicted one has a successor',
      pods: [pod('new', 2, { phase: 'Pending' }), pod('old', 1, evicted)],
      verdict: 'Pending: Pod "new" is starting',
    },
    {
      when: 'an evicted one has no successor yet',
      pods: [pod('new', 2, evicted), pod('old', 1, server({ state: { running: {} } }))],
      verdict: 'Failed: Pod Evicted: low on disk',
    },
    {
      when: 'one is ready and another is not',
      pods: [pod('new', 2, server({ ready: true })), pod('old', 1, { phase: 'Running' })],
      verdict: 'Starting: Pod "old" runs and does not answer yet',
    },
    {
      when: 'it has just become ready',
      pods: [pod('p', 1, server({ ready: true }))],
      verdict: 'Starting: Pod "p" answers, and is counted in a moment',
    },
    {
      when: 'one of an older template crashes, and its successor is starting',
      pods: [
        pod('new', 2, { phase: 'Pending' }, { 'pod-template-hash': 'b' }),
        pod('old', 1, server({ restartCount: 3, lastState: crashed }), {
          'pod-template-hash': 'a',
        }),
      ],
      verdict: 'Pending: Pod "new" is starting',
    },
    {
      when: 'it exited with 0, and waits to be restarted',
      pods: [
        pod(
          'p',
          1,
          server({
            restartCount: 9,
            state: { waiting: { reason: 'CrashLoopBackOff' } },
            lastState: endedWell,
          }),
        ),
      ],
      verdict: 'CrashLooping: container "server" exited with 0: bye',
    },
    {
      when: 'the same, while it runs again: the message stays the same',
      pods: [
        pod('p', 1, server({ restartCount: 9, state: { running: {} }, lastState: endedWell })),
      ],
      verdict: 'CrashLooping: container "server" exited with 0: bye',
    },
    {
      when: 'the same, when it exits again: the message stays the same',
      pods: [pod('p', 1, server({ restartCount: 9, state: endedWell }))],
      verdict: 'CrashLooping: container "server" exited with 0: bye',
    },
    {
      when: 'an init container completed twice',
      pods: [
        pod('p', 1, {
          ...server({ state: { running: {} } }),
          initContainerStatuses: [{ name: 'copy-model', restartCount: 1, state: endedWell }],
        }),
      ],
      verdict: 'Starting: Pod "p" runs and does not answer yet',
    },
  ])('when $when', ({ pods, verdict }) => {
    expect(says(servingFault(pods, 'none'))).toBe(verdict)
  })
})

describe('a report', () => {
  test.each([
    {
      when: 'JSON',
      message: report({ bytes: 5, commit: 'c0ffee' }),
      means: { digest, bytes: 5, commit: 'c0ffee' },
    },
    { when: 'a bare digest', message: `${digest}\n`, means: { digest } },
    { when: 'a log', message: 'pushed the image', means: undefined },
    { when: 'JSON without a digest', message: '{"bytes":5}', means: undefined },
    {
      when: 'fields of a wrong type',
      message: report({ bytes: '5', commit: 7 }),
      means: { digest },
    },
    {
      when: 'a digest with trailing text',
      message: report({ digest: `${digest} --evil` }),
      means: undefined,
    },
  ])('$when', ({ message, means }) => {
    expect(reportOf(job, [aPod(job, ended(0, message))])).toEqual(means)
  })

  test('of a failed container is ignored', () => {
    expect(reportOf(job, [aPod(job, ended(1, report()))])).toBeUndefined()
  })
})
