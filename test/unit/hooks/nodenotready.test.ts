import { describe, expect, test } from 'vitest'
import { hooks } from '../../../hooks/hooks.ts'
import type { Child } from '../../objects.ts'
import {
  aConfig,
  aModel,
  aModelServer,
  aNotebook,
  aPod,
  applied,
  complete,
  observed,
  readyOf,
  requestFor,
  type Seen,
  stored,
  sync,
  theChild,
} from '../../objects.ts'

/** A Pod's last status is out of date when its node does not respond. */

const stopped = 'Kubelet stopped posting node status.'
const aNode = (status: string, message: string): Child => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'gpu-1' },
  status: { conditions: [{ type: 'Ready', status, message }] },
})
const onNode = (pod: Child): Child => ({ ...pod, spec: { ...pod.spec, nodeName: 'gpu-1' } })

function readyWith(
  parent: ReturnType<typeof aModel>,
  seen: readonly Seen[],
  node: Child | undefined,
) {
  const request = requestFor(parent, ...seen)
  const related = node ? { ...request.related, 'Node.v1': { 'gpu-1': node } } : request.related
  const hook = hooks.find(({ kind }) => kind.kind === parent.kind)
  const answer = hook?.sync({ ...request, related }, aConfig())
  return { ready: answer && readyOf(answer), again: answer?.resyncAfterSeconds }
}

describe('a training', () => {
  const model = aModel({ image: 'example.com/train:1', params: { epochs: 1 } }, { name: 'it' })
  const first = sync(model)
  const job = observed(theChild(first, 'Job'), { active: 1 })
  const others = applied(first).filter(({ kind }) => kind !== 'Job')
  const running = { initContainerStatuses: [{ name: 'run', state: { running: {} } }] }
  const at = (phase: string, node?: Child) =>
    readyWith(
      stored(model, first),
      [...others, job, onNode(aPod(job, { ...running, phase }))],
      node,
    )
  const pod = `Pod "${job.metadata.name}-x7k2p"`

  test.each([
    { when: 'nothing is known of nodes', ready: `False Running: ${pod} is running` },
    {
      when: 'its node is ready',
      node: aNode('True', 'kubelet is posting ready status'),
      ready: `False Running: ${pod} is running`,
    },
    {
      when: 'its node does not respond',
      node: aNode('Unknown', stopped),
      ready: `False NodeNotReady: ${pod}: node "gpu-1" is not ready: Kubelet stopped posting node status`,
    },
    {
      when: 'its node gives no message',
      node: {
        ...aNode('Unknown', ''),
        status: { conditions: [{ type: 'Ready', status: 'False' }] },
      },
      ready: `False NodeNotReady: ${pod}: node "gpu-1" is not ready: it does not say why`,
    },
    {
      when: 'its node is not well',
      node: aNode('False', 'container runtime is down'),
      ready: `False NodeNotReady: ${pod}: node "gpu-1" is not ready: container runtime is down`,
    },
  ])('$when', ({ node, ready }) => {
    // It is synced again soon, because changes of nodes trigger no sync.
    expect(at('Pending', node)).toEqual({ ready, again: 10 })
  })

  test('the status of a finished Pod stays valid', () => {
    expect(at('Succeeded', aNode('Unknown', stopped)).ready).toBe(
      `False Running: ${pod} is running`,
    )
  })
})

test('a server on a node that does not respond is not ready, although its Pod is', () => {
  const model = complete(aModel({}, { name: 'base' }), {
    image: 'example.com/base:1',
    inImage: true,
    program: true,
  })
  const server = aModelServer({ model: { name: 'base' } }, { name: 'it' })
  const first = sync(server, [model])
  const deployment = observed(theChild(first, 'Deployment'), { replicas: 1, updatedReplicas: 1 })
  const others = applied(first).filter(({ kind }) => kind !== 'Deployment')
  const status = {
    phase: 'Running',
    containerStatuses: [{ name: 'server', ready: true, state: { running: {} } }],
  }
  const seen = [model, ...others, deployment, onNode(aPod(deployment, status))]
  expect(readyWith(stored(server, first), seen, aNode('Unknown', stopped)).ready).toBe(
    'False NodeNotReady: Pod "it-server-x7k2p": node "gpu-1" is not ready: Kubelet stopped posting node status',
  )
})

test('a notebook reports that its Pod cannot be removed from its node', () => {
  const notebook = aNotebook({}, { name: 'it' })
  const first = sync(notebook)
  const set = observed(theChild(first, 'StatefulSet'), { replicas: 1 })
  const others = applied(first).filter(({ kind }) => kind !== 'StatefulSet')
  const leaving = { deletionTimestamp: '2026-01-01T00:05:00Z' }
  const pod = onNode(aPod(set, { phase: 'Running' }, leaving as object))
  const seen = [...others, set, pod]
  expect(readyWith(stored(notebook, first), seen, aNode('Unknown', stopped)).ready).toMatch(
    /^False NodeNotReady: /,
  )
  expect(readyWith(stored(notebook, first), seen, aNode('True', 'ready')).ready).toMatch(
    /^False Pending: the former Pod "it-notebook-x7k2p" still stops; the next Pod/,
  )
})
