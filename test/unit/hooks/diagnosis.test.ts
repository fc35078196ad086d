import { describe, expect, test } from 'vitest'
import { jobFailure, jobProgress, reportOf } from '../../../hooks/diagnosis.ts'
import type { Child } from '../../../hooks/protocol.ts'
import { aPod, digest, ended, failed, report } from '../../objects.ts'

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

const says = ({ reason, message }: { reason: string; message: string }) => `${reason}: ${message}`

describe('a Pod of a Job that is not finished', () => {
  const pulling = (reason: string, message?: string) => waiting(reason, message)
  test.each([
    {
      when: 'the kubelet pulled and failed',
      pod: pulling('ErrImagePull', 'failed to resolve reference: not found'),
      verdict:
        'ImagePullFailed: container "main": cannot pull image "example.com/a:1": failed to resolve reference: not found',
    },
    {
      when: 'it waits before it pulls again: the same words',
      pod: pulling(
        'ImagePullBackOff',
        'Back-off pulling image "example.com/a:1": ErrImagePull: failed to resolve reference: not found',
      ),
      verdict:
        'ImagePullFailed: container "main": cannot pull image "example.com/a:1": failed to resolve reference: not found',
    },
    {
      when: 'a Secret is missing',
      pod: waiting('CreateContainerConfigError', 'secret "hub" not found'),
      verdict: 'ContainerConfigError: container "main": secret "hub" not found',
    },
    {
      when: 'it only starts',
      pod: waiting('ContainerCreating'),
      verdict: 'Pending: Pod "j-x7k2p" is starting',
    },
    {
      when: 'an init container of it runs',
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
      when: 'no node has room',
      pod: {
        phase: 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }],
      },
      verdict: 'Unschedulable: no node can take the Pod',
    },
    {
      when: 'its claim is not bound yet',
      pod: {
        phase: 'Pending',
        conditions: [
          {
            type: 'PodScheduled',
            status: 'False',
            reason: 'Unschedulable',
            message: '0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims.',
          },
        ],
      },
      verdict:
        'Pending: 0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims.: kubectl describe pvc j-artifacts says why',
    },
    {
      when: 'the claim of an earlier object is not gone yet',
      pod: {
        phase: 'Pending',
        conditions: [
          {
            type: 'PodScheduled',
            status: 'False',
            reason: 'Unschedulable',
            message:
              '0/2 nodes are available: persistentvolumeclaim "j" is being deleted. not found',
          },
        ],
      },
      verdict:
        'Pending: 0/2 nodes are available: persistentvolumeclaim "j" is being deleted. not found: it goes once no Pod uses it',
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

  test('a Pod that lives speaks before one that failed', () => {
    const pods = [
      aPod(job, ended(1, 'boom'), { name: 'j-1' }),
      aPod(job, { phase: 'Running' }, { name: 'j-2' }),
    ]
    expect(says(jobProgress(job, pods, 'Running'))).toBe('Running: Pod "j-2" is running')
  })

  test('the start of the next Pod is part of trying again', () => {
    const pods = [
      aPod(job, ended(1, 'boom'), { name: 'j-1' }),
      aPod(job, { phase: 'Pending' }, { name: 'j-2' }),
    ]
    expect(says(jobProgress(job, pods, 'Running'))).toBe(
      'Running: trying again after: container "seal" exited with 1: boom',
    )
  })

  test('a Pod of another Job says nothing', () => {
    const stranger = aPod({ ...job, metadata: { name: 'k' } }, ended(1, 'boom'))
    expect(says(jobProgress(job, [stranger], 'Running'))).toMatch(/^Pending: no Pod yet/)
  })
})

describe('a Job that failed', () => {
  const over = { ...job, status: failed() }
  test.each([
    {
      when: 'for its memory',
      pod: ended(137, undefined, 'OOMKilled'),
      verdict: 'OOMKilled: container "seal" was killed for using more memory than it may',
    },
    {
      when: 'with the last three lines alone',
      pod: ended(2, 'one\ntwo\n\nthree\nfour\n'),
      verdict: 'Failed: container "seal" exited with 2: two | three | four',
    },
    { when: 'silently', pod: ended(2), verdict: 'Failed: container "seal" exited with 2' },
  ])('$when', ({ pod, verdict }) => {
    expect(says(jobFailure(over, [aPod(job, pod)]))).toBe(verdict)
  })

  test('and its Pod is gone: the Job’s own words', () => {
    expect(says(jobFailure(over, []))).toBe('Failed: Job "j": Job has failed')
  })

  test('a message of any length is cut', () => {
    const { message } = jobFailure(over, [aPod(job, ended(1, 'x'.repeat(5000)))])
    expect(message).toHaveLength(1025)
  })
})

describe('a report', () => {
  test.each([
    {
      when: 'JSON',
      said: report({ bytes: 5, commit: 'c0ffee' }),
      means: { digest, bytes: 5, commit: 'c0ffee' },
    },
    { when: 'a bare digest', said: `${digest}\n`, means: { digest } },
    { when: 'a log', said: 'pushed the image', means: undefined },
    { when: 'JSON without a digest', said: '{"bytes":5}', means: undefined },
    { when: 'fields of a wrong type', said: report({ bytes: '5', commit: 7 }), means: { digest } },
    {
      when: 'a digest with something behind it',
      said: report({ digest: `${digest} --evil` }),
      means: undefined,
    },
  ])('$when', ({ said, means }) => {
    expect(reportOf(job, [aPod(job, ended(0, said))])).toEqual(means)
  })

  test('of a container that failed is none', () => {
    expect(reportOf(job, [aPod(job, ended(1, report()))])).toBeUndefined()
  })
})
