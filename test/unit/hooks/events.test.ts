import { describe, expect, test } from 'vitest'
import type { Child } from '../../objects.ts'
import {
  aModel,
  aModelServer,
  aNotebook,
  anEvent,
  aPod,
  applied,
  complete,
  observed,
  readyOf,
  running,
  stored,
  sync,
  theChild,
} from '../../objects.ts'

/** Ready says what Kubernetes reports only in Events, until that is over. */

const model = aModel({ image: 'example.com/train:1', params: { epochs: 1 } }, { name: 'it' })
const first = sync(model)
const others = applied(first).filter(({ kind }) => kind !== 'Job')
const jobWith = (status: unknown = running) => observed(theChild(first, 'Job'), status)
const job = jobWith()
const jobPod = (status: unknown) => aPod(job, status, { uid: 'p1' })
const pod = jobPod({ phase: 'Pending' })
const podName = pod.metadata.name

const ready = (...seen: readonly Child[]) =>
  readyOf(sync(stored(model, first), [...others, ...seen]))

const noSecret = 'MountVolume.SetUp failed for volume "hub" : secret "hub" not found'
const multiAttach =
  'Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) falcon-server-1'
const summary =
  'Unable to attach or mount volumes: unmounted volumes=[hub], unattached volumes=[], failed to process volumes=[]: timed out waiting for the condition'
const later = { lastTimestamp: '2026-01-01T00:05:00Z' }

describe('a Pod that is starting', () => {
  const mount = (message: string, more = {}) => anEvent(pod, 'FailedMount', message, more)
  const attach = (message: string, more = {}) => anEvent(pod, 'FailedAttachVolume', message, more)

  test.each([
    {
      when: 'a Secret is missing',
      events: [mount(noSecret)],
      says: 'MountVolume.SetUp failed for volume "hub": secret "hub" not found',
    },
    {
      when: 'another node has the volume',
      events: [attach(multiAttach), mount(summary, later)],
      says: multiAttach,
    },
    {
      when: 'the kubelet reports only a summary',
      events: [mount(summary)],
      says: summary,
    },
    {
      when: 'two volumes are reported in turn, the first last',
      events: [mount(noSecret, later), attach(multiAttach)],
      says: `MountVolume.SetUp failed for volume "hub": secret "hub" not found; ${multiAttach}`,
    },
    {
      when: 'two volumes are reported in turn, the second last',
      events: [attach(multiAttach, later), mount(noSecret)],
      says: `MountVolume.SetUp failed for volume "hub": secret "hub" not found; ${multiAttach}`,
    },
    {
      when: 'a volume is attached, and then cannot be mounted',
      events: [
        attach(multiAttach),
        mount('MountVolume.MountDevice failed for volume "pvc-1" : fsck found errors', later),
      ],
      says: 'MountVolume.MountDevice failed for volume "pvc-1": fsck found errors',
    },
    {
      when: 'a message has another id in each attempt',
      events: [
        mount(
          'MountVolume.SetUp failed for volume "nfs" : exit status 32\nRunning scope as unit: run-r8f2.scope\nrequest id: 77-a1',
        ),
      ],
      says: 'MountVolume.SetUp failed for volume "nfs": exit status 32 Running scope as unit: run-….scope request id: …',
    },
    {
      when: 'a message would control a terminal',
      events: [mount('\u001b[31mMountVolume.SetUp failed for volume "hub"\u202e')],
      says: 'MountVolume.SetUp failed for volume "hub"',
    },
  ])('$when', ({ events, says }) => {
    expect(ready(job, pod, ...events)).toBe(`False VolumeUnavailable: Pod "${podName}": ${says}`)
  })

  const started = { name: 'run', state: { running: {} } }
  const sandbox = { type: 'PodReadyToStartContainers', status: 'True' }

  test.each([
    { when: 'a container runs', status: { phase: 'Pending', initContainerStatuses: [started] } },
    { when: 'its sandbox is ready', status: { phase: 'Pending', conditions: [sandbox] } },
  ])('an Event is outdated when $when', ({ status }) => {
    expect(ready(job, jobPod(status), mount(noSecret))).not.toMatch(/VolumeUnavailable|hub/)
  })

  test.each([
    { what: 'another namespace', metadata: { name: 'e', namespace: 'kube-system' } },
    { what: 'no namespace', metadata: { name: 'e' } },
    { what: 'a Pod with another uid', involvedObject: { kind: 'Pod', uid: 'p2' } },
    { what: 'an object of another kind', involvedObject: { kind: 'Job', uid: 'p1' } },
    { what: 'no object', involvedObject: {} },
  ])('an Event of $what is ignored', ({ what: _, ...more }) => {
    expect(ready(job, pod, mount(noSecret, more))).toMatch(/^False Pending: /)
  })
})

describe('a Job without a Pod', () => {
  const refused = (quota: string, more = {}) =>
    anEvent(
      job,
      'FailedCreate',
      `Error creating: pods "${job.metadata.name}-x7k2p" is forbidden: exceeded quota: ${quota}`,
      more,
    )
  const { name } = job.metadata

  test('quotes the API server, without the name that changes with each attempt', () => {
    expect(ready(job, refused('gpus'))).toBe(
      `False PodRefused: pods "${name}" is forbidden: exceeded quota: gpus`,
    )
    expect(
      ready(
        job,
        anEvent(
          job,
          'FailedCreate',
          `(combined from similar events): Error creating: pods "${name}-b2" is forbidden: exceeded quota: gpus`,
        ),
      ),
    ).toBe(`False PodRefused: pods "${name}" is forbidden: exceeded quota: gpus`)
  })

  test('quotes the newest refusal', () => {
    expect(ready(job, refused('old'), refused('new', later))).toMatch(/quota: new$/)
  })

  test('quotes nothing from before it was suspended', () => {
    const resumed = jobWith({ active: 0, startTime: '2026-01-01T00:04:00Z' })
    expect(ready(resumed, refused('old'))).toMatch(/^False Pending: no Pod yet/)
    expect(ready(resumed, refused('new', later))).toMatch(/quota: new$/)
  })

  test('quotes nothing once it has a Pod', () => {
    expect(ready(job, pod, refused('gpus'))).toMatch(/^False Pending: Pod /)
  })
})

test('a notebook without a Pod quotes the API server', () => {
  const notebook = aNotebook({}, { name: 'it' })
  const answer = sync(notebook)
  const set = observed(theChild(answer, 'StatefulSet'), { replicas: 0 })
  const event = anEvent(
    set,
    'FailedCreate',
    'create Pod it-notebook-0 in StatefulSet it-notebook failed error: pods "it-notebook-0" is forbidden: violates PodSecurity "restricted:latest": privileged',
  )
  const rest = applied(answer).filter(({ kind }) => kind !== 'StatefulSet')
  expect(readyOf(sync(stored(notebook, answer), [...rest, set, event]))).toBe(
    'False PodRefused: pods "it-notebook-0" is forbidden: violates PodSecurity "restricted:latest": privileged',
  )
})

test('a server that answers stays ready while its next Pod cannot get the volume', () => {
  const base = complete(aModel({}, { name: 'base' }), {
    image: 'example.com/base:1',
    inImage: true,
    program: true,
  })
  const server = aModelServer({ model: { name: 'base' } }, { name: 'it' })
  const answer = sync(server, [base])
  const deployment = observed(theChild(answer, 'Deployment'), {
    replicas: 2,
    availableReplicas: 1,
    updatedReplicas: 1,
    conditions: [{ type: 'Available', status: 'True' }],
  })
  const rest = applied(answer).filter(({ kind }) => kind !== 'Deployment')
  const next = aPod(deployment, { phase: 'Pending' }, { uid: 'p2' })
  const seen = [base, ...rest, deployment, next, anEvent(next, 'FailedAttachVolume', multiAttach)]
  expect(readyOf(sync(stored(server, answer), seen))).toBe(
    `True Serving: rolling out: 1 of 2 Pods are new; Pod "${next.metadata.name}": ${multiAttach}`,
  )
})
