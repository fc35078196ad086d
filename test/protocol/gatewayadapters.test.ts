import type { RequestListener } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { type ServerObject, serverFrom, withPods } from '../../gateway/core/servers.ts'
import {
  aConfig,
  aModel,
  aModelServer,
  aPod,
  applied,
  type Child,
  complete,
  type Json,
  observed,
  statusOf,
  stored,
  sync,
  theChild,
} from '../objects.ts'
import { type Bed, bodyOf, endUpstreams, errorIn, gatewayBed, upstream } from './gatewaybed.ts'

/** The gateway asks vLLM by the names that are in vLLM's arguments. */

let bed: Bed
afterEach(async () => {
  await bed.end()
  endUpstreams()
})

const config = aConfig({ imageVolumes: 'Enabled' })
const models = [
  complete(aModel({ source: 'hf://acme/falcon' }), {
    url: 'pvc://falcon-model-artifacts/run/1',
    id: 'one',
  }),
  ...['polite', 'legal'].map((name) =>
    complete(aModel({ image: 'example.com/trainer:1', model: { name: 'falcon' } }, { name }), {
      url: `pvc://${name}-model-artifacts/run/1`,
      image: `registry.test/${name}@sha256:1`,
      inImage: true,
      program: true,
      id: name,
      adapter: { format: 'peft', rank: 16, base: 'one' },
    }),
  ),
]

/** A ModelServer whose Pod answers, as the API server has it, and the arguments of its program. */
function served(args: readonly string[]) {
  const parent = aModelServer(
    {
      model: { name: 'falcon' },
      runtime: 'vllm',
      adapters: [{ name: 'polite' }, { name: 'legal' }],
      aliases: ['org/chat'],
      args: [...args],
    },
    { name: 'support' },
  )
  const first = sync(parent, models, config)
  const children = applied(first).map((child) =>
    child.kind === 'Deployment' ? observed(child, { availableReplicas: 1 }) : child,
  )
  const deployment = children.find(({ kind }) => kind === 'Deployment') as Child
  const { annotations } = deployment.spec.template.metadata
  const pod = aPod(
    deployment,
    { phase: 'Running', containerStatuses: [{ name: 'server', ready: true }] },
    { annotations },
  )
  const answer = sync(stored(parent, first), [...models, ...children, pod], config)
  const [container] = theChild(first, 'Deployment').spec.template.spec.containers
  return {
    object: { ...parent, status: statusOf(answer) } as ServerObject,
    words: container.args as readonly string[],
  }
}

/** Behaves as vLLM does here: it refuses a model that its arguments do not name, and ignores other fields. */
function vllm(words: readonly string[], bodies: Json[]): RequestListener {
  const base = words.flatMap((word) => /^--served-model-name=(.*)$/.exec(word)?.[1] ?? [])
  const modules = words.slice(words.indexOf('--lora-modules') + 1)
  const adapters = modules.flatMap((word) => /^([^-=][^=]*)=/.exec(word)?.[1] ?? [])
  return async (req, res) => {
    const body = JSON.parse(await bodyOf(req))
    bodies.push(body)
    const isKnown = [...base, ...adapters].includes(body.model)
    res.writeHead(isKnown ? 200 : 404).end(JSON.stringify({ model: body.model }))
  }
}

describe('base and adapters of vLLM, asked alternately, are asked by the names of its arguments', () => {
  test.each([
    { what: 'as the preset has them', args: [], base: 'falcon' },
    { what: 'with a name of its own', args: ['--served-model-name=own'], base: 'own' },
  ])('$what', async ({ args, base }) => {
    const { object, words } = served(args)
    const bodies: Json[] = []
    const address = await upstream(vllm(words, bodies))
    const server = serverFrom(object)
    if (!server) throw new Error('it is being deleted')
    bed = await gatewayBed()
    bed.set(withPods(server, [{ name: undefined, address }]))
    // vLLM ignores the field of llama.cpp; so does the gateway.
    const chat = { messages: [{ role: 'user', content: 'hello' }], lora: [{ id: 0, scale: 1 }] }
    const asked = ['support', 'polite', 'org/chat', 'legal', 'polite', 'falcon']
    for (const model of asked) expect((await bed.post({ ...chat, model })).status).toBe(200)
    const knows = [base, 'polite', base, 'legal', 'polite', base]
    expect(bodies).toEqual(knows.map((model) => ({ ...chat, model })))
    expect(await errorIn(await bed.post({ ...chat, model: 'own' }))).toMatch(/^404 model_not_found/)
  })
})
