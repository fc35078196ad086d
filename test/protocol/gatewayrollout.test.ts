import type { RequestListener } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Parent } from '../../crds/kind.ts'
import { podsIn, type ServerObject, serverFrom, withPods } from '../../gateway/core/servers.ts'
import type { SyncResponse } from '../../hooks/observe/protocol.ts'
import {
  aModel,
  aModelServer,
  aPod,
  applied,
  type Child,
  complete,
  observed,
  type Seen,
  stored,
  sync,
  theChild,
} from '../objects.ts'
import {
  type Bed,
  bodyOf,
  endUpstreams,
  errorIn,
  gatewayBed,
  soon,
  upstream,
} from './gatewaybed.ts'

/**
 * A ModelServer on vLLM is changed to another Model or another name while it serves. Each of its Pods knows its
 * model by the name in its arguments, and answers 404 to any other.
 */

let bed: Bed
beforeEach(async () => {
  bed = await gatewayBed({ limits: { holdSeconds: 0.4 } })
})
afterEach(async () => {
  await bed.end()
  endUpstreams()
})

const model = (name: string) =>
  complete(aModel({ source: `hf://acme/${name}` }, { name }), {
    url: `pvc://${name}-model-artifacts/run/1`,
    id: name,
  })
const models = [model('falcon'), model('eagle')]

/** The names that vLLM reads: `--flag=a`, or `--flag a b`. */
function namesIn(words: readonly string[]): readonly string[] {
  const at = words.findLastIndex((word) => /^--served-model-name(=|$)/.test(word))
  const [, given] = (words[at] ?? '').split(/=(.*)/s)
  if (given) return [given]
  const values = words.slice(at + 1)
  const end = values.findIndex((word) => word.startsWith('-'))
  return end < 0 ? values : values.slice(0, end)
}

/** A Pod of the template in an answer, and the program in it: what it was asked, and under which name. */
async function podOf(answer: SyncResponse, revision: string) {
  const pod = aPod(
    theChild(answer, 'Deployment'),
    { phase: 'Running', containerStatuses: [{ name: 'server', ready: true }] },
    { name: `support-server-${revision}-x7k2p`, labels: { 'pod-template-hash': revision } },
  )
  const words: readonly string[] = pod.spec.containers[0].args
  const known = namesIn(words)
  const asked: string[] = []
  const vllm: RequestListener = async (req, res) => {
    const { model: name } = JSON.parse(await bodyOf(req))
    asked.push(name)
    res.writeHead(known.includes(name) ? 200 : 404).end(JSON.stringify({ revision }))
  }
  return { pod, asked, address: await upstream(vllm) }
}
type Running = Awaited<ReturnType<typeof podOf>>

/** What the gateway knows of an object and its ready Pods, as their EndpointSlices list them. */
const seen = (object: Parent, ...pods: readonly Running[]) => {
  const server = serverFrom(object as ServerObject)
  if (!server) throw new Error('it is being deleted')
  const slices = pods.map(({ pod, address }) => ({
    metadata: { name: pod.metadata.name },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: Number(address.split(':')[1]) }],
    endpoints: [{ addresses: ['127.0.0.1'], targetRef: { name: pod.metadata.name } }],
  }))
  bed.set(withPods(server, podsIn(slices)))
}

const childrenOf = (answer: SyncResponse): readonly Child[] =>
  applied(answer).map((child) =>
    child.kind === 'Deployment'
      ? observed(child, {
          observedGeneration: 1,
          replicas: 1,
          updatedReplicas: 1,
          availableReplicas: 1,
          conditions: [{ type: 'Available', status: 'True' }],
        })
      : child,
  )

const spec = { model: { name: 'falcon' }, runtime: 'vllm', aliases: ['chat'] }

/** A server of "falcon" that has answered, as the API server has it. */
async function serving(more: object = {}) {
  const parent = aModelServer({ ...spec, ...more }, { name: 'support' })
  const first = sync(parent, models)
  const children = childrenOf(first)
  const old = await podOf(first, '5c9f7d8b64')
  const answer = sync(stored(parent, first), [...models, ...children, old.pod])
  return { children, old, object: stored(parent, answer) }
}

const changedTo = (object: Parent, more: object): Parent => ({
  ...object,
  spec: { ...(object.spec as object), ...more },
})

const statusOf = async (name: string) => (await bed.post({ model: name })).status
/** How often requests by a name are answered with each status. */
async function statuses(name: string, requests = 6) {
  const all = await Promise.all(Array.from({ length: requests }, () => statusOf(name)))
  return [...new Set(all)]
}

describe('while a server is rolled out to another', () => {
  test.each([
    { what: 'Model', more: { model: { name: 'eagle' } }, own: 'eagle' },
    { what: 'name', more: { args: ['--served-model-name=eagle'] }, own: 'falcon' },
    {
      what: 'Model and name',
      more: { model: { name: 'eagle' }, args: ['--served-model-name', 'eagle', 'hawk'] },
      own: 'eagle',
    },
  ])('$what, each Pod is asked by the name that it knows', async ({ more, own }) => {
    const before = await serving()
    const { old, children } = before
    const object = changedTo(before.object, more)
    // The spec is changed, and nothing else has happened yet.
    seen(object, old)
    expect(await statuses('support')).toEqual([200])
    const second = sync(object, [...models, ...children, old.pod])
    const young = await podOf(second, '77bcd4f9x2')
    // The new Pod is ready before the status says so, and then it does.
    const third = stored(
      object,
      sync(stored(object, second), [...models, ...children, old.pod, young.pod]),
    )
    for (const one of [stored(object, second), third]) {
      seen(one, old, young)
      expect(await statuses('support')).toEqual([200])
      expect(await statuses('chat')).toEqual([200])
      expect(await statuses(own)).toEqual([200])
    }
    expect(new Set(old.asked)).toEqual(new Set(['falcon']))
    expect(new Set(young.asked)).toEqual(new Set(['eagle']))
  })
})

describe('a request by the name of the new Model', () => {
  const toEagle = { model: { name: 'eagle' } }

  test('is held until a Pod serves it, and reaches no Pod of the old one', async () => {
    const { old, children, object } = await serving()
    const changed = changedTo(object, toEagle)
    seen(changed, old)
    expect(await errorIn(await bed.post({ model: 'eagle' }))).toBe(
      '503 model_not_ready: ModelServer "support": Model "eagle" is not served yet: Serving: 1 of 1 replicas available',
    )
    const second = sync(changed, [...models, ...children, old.pod])
    const young = await podOf(second, '77bcd4f9x2')
    const held = statuses('eagle')
    await soon(async () => (await bed.metrics()).includes('model="eagle"} 6'))
    seen(stored(changed, second), old, young)
    expect(await held).toEqual([200])
    expect([old.asked, new Set(young.asked)]).toEqual([[], new Set(['eagle'])])
  })

  test('is refused while the update waits, and other names go on', async () => {
    const { old, children, object } = await serving()
    const changed = changedTo(object, toEagle)
    const waiting: readonly Seen[] = [
      model('falcon'),
      aModel({ source: 'hf://acme/eagle' }, { name: 'eagle' }),
    ]
    const answer = stored(changed, sync(changed, [...waiting, ...children, old.pod]))
    const again = stored(changed, sync(answer, [...waiting, ...children, old.pod]))
    seen(again, old)
    expect(await statuses('support')).toEqual([200])
    expect(await statuses('chat')).toEqual([200])
    expect(new Set(old.asked)).toEqual(new Set(['falcon']))
    expect(await errorIn(await bed.post({ model: 'eagle' }))).toMatch(
      /^503 model_not_ready: ModelServer "support": Model "eagle" is not served yet: Waiting: waiting for Model "eagle"/,
    )
    expect(await errorIn(await bed.post({ model: 'falcon' }))).toMatch(/^404 model_not_found/)
  })

  test('reaches the Pods as before, if the status is an older one', async () => {
    const { old, object } = await serving()
    const { served: _, ...status } = object.status as { readonly served: unknown }
    seen({ ...changedTo(object, toEagle), status }, old)
    expect(await statuses('eagle')).toEqual([404])
    expect(new Set(old.asked)).toEqual(new Set(['eagle']))
  })
})
