import { createServer, type IncomingMessage, type RequestListener, request } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { clusterOf } from '../../cluster/kubeconfig.ts'
import { openModels } from '../../open/models.ts'
import type { Stored } from './fakeapi.ts'
import { bodyOf, errorIn } from './gatewaybed.ts'
import { owners, replica, server } from './modelservers.ts'
import { api, controlledBy, listening, soon, withApi } from './person.ts'

/** `kubectl open models` before a fake API server with a kubelet: a gateway of one person. */

withApi()

const unready = (of: Stored): Stored => ({ ...of, status: { phase: 'Running', conditions: [] } })

/** Starts the programs in Pods: each is a listener, by the Pod's name. */
async function programs(all: Readonly<Record<string, RequestListener>>): Promise<void> {
  const ports = new Map<string, number>()
  for (const [name, listener] of Object.entries(all))
    ports.set(name, await listening(createServer(listener)))
  api.backend = (name) => ports.get(name) ?? 1
}

/** Answers with what it got, and the name of the Pod. */
const echo =
  (name: string): RequestListener =>
  async (req, res) => {
    const { model } = JSON.parse(await bodyOf(req))
    res.setHeader('content-type', 'application/json')
    res.end(JSON.stringify({ pod: name, model, path: req.url, headers: req.headers }))
  }

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

function person(given: { readonly port?: number; readonly pingMilliseconds?: number } = {}) {
  const messages: string[] = []
  const printed: string[] = []
  const listeners: (() => void)[] = []
  const add = (lines: string[]) => (text: string) => void lines.push(...text.trim().split('\n'))
  const code = openModels(
    { cluster: clusterOf({ kubeconfig: api.kubeconfig }), port: 0, ...given },
    {
      stdout: { write: add(printed) },
      stderr: { write: add(messages) },
      interrupted: () => new Promise((resolve) => listeners.push(() => resolve('SIGINT'))),
    },
  )
  const interrupt = () => listeners.shift()?.()
  ends.push(async () => {
    interrupt()
    await code
  })
  return { messages, printed, code, interrupt }
}

/** A person whose address is there, and requests to it. */
async function opened(given: Parameters<typeof person>[0] = {}) {
  const one = person(given)
  await soon(() => expect(one.printed).toHaveLength(1))
  const [base = ''] = one.printed
  const post = (model: string, init: RequestInit = {}) =>
    fetch(`${base}/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model, messages: [] }),
      ...init,
      headers: { 'content-type': 'application/json', ...init.headers },
    })
  const podOf = async (model: string) =>
    ((await (await post(model)).json()) as { readonly pod?: string }).pod
  return { ...one, base, post, podOf }
}

const forwards = () => api.requests.filter((line) => line.includes('/portforward'))
const patches = () => api.requests.filter((line) => line.startsWith('PATCH'))

describe('models that serve', () => {
  beforeEach(async () => {
    await programs({ 'chat-1': echo('chat-1'), 'chat-2': echo('chat-2') })
    api.put(...owners('chat'), server('chat', undefined, { aliases: ['gpt-4o'] }), replica('chat'))
  })

  test('the address is printed, and a line each to ask by curl and by Python', async () => {
    const { base, printed, messages } = await opened()
    expect(base).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/)
    await soon(() => expect(messages).toHaveLength(4))
    expect(printed).toHaveLength(1)
    expect(messages).toEqual([
      'Ctrl-C ends; the base address of the models in namespace "team" is',
      `curl ${base}/chat/completions -H 'content-type: application/json' -d '{"model":"chat","messages":[{"role":"user","content":"Hello"}]}'`,
      `python3 -c 'from openai import OpenAI; print(OpenAI(base_url="${base}", api_key="none").chat.completions.create(model="chat", messages=[{"role": "user", "content": "Hello"}]).choices[0].message.content)'`,
      'chat (falcon, gpt-4o): ready',
    ])
  })

  test('a request is answered without a key, by the Pod’s port, under the name that it knows', async () => {
    const { post } = await opened()
    const answer = await post('gpt-4o', {
      headers: { authorization: 'Bearer secret', cookie: 'a=b' },
    })
    const { headers, ...rest } = (await answer.json()) as { headers: object }
    expect(rest).toEqual({ pod: 'chat-1', model: 'falcon', path: '/v1/chat/completions' })
    expect(headers).not.toHaveProperty('authorization')
    expect(headers).not.toHaveProperty('cookie')
    expect(forwards()).toEqual([
      'UPGRADE /api/v1/namespaces/team/pods/chat-1/portforward?ports=9000',
    ])
    expect(patches()).toEqual([])
  })

  test('GET /v1/models lists all names; a wrong name is told the near ones', async () => {
    const { base, post } = await opened()
    const { data } = (await (await fetch(`${base}/models`)).json()) as {
      data: readonly { id: string; status: string }[]
    }
    expect(data.map(({ id, status }) => `${id} ${status}`)).toEqual([
      'chat ready',
      'falcon ready',
      'gpt-4o ready',
    ])
    expect(await errorIn(await post('chatt'))).toBe(
      '404 model_not_found: no model "chatt" in namespace "team": did you mean "chat"?',
    )
    expect(await errorIn(await fetch(base.replace('/v1', '/team/v1/models')))).toBe(
      '404 unknown_url: no such path: the base address is /v1',
    )
  })

  test('a connection to a Pod is used for one request after the other', async () => {
    const { podOf } = await opened()
    for (let turn = 0; turn < 5; turn++) expect(await podOf('chat')).toBe('chat-1')
    expect(forwards()).toHaveLength(1)
    await Promise.all(Array.from({ length: 4 }, () => podOf('chat')))
    expect(forwards().length).toBeLessThanOrEqual(4)
  })

  test('a Pod with a relay is reached through it', async () => {
    const relay = { name: 'relay', ports: [{ name: 'relay', containerPort: 18080 }] }
    const one = replica('chat')
    api.put({ ...one, spec: { ...one.spec, initContainers: [relay] } })
    const { podOf } = await opened()
    expect(await podOf('chat')).toBe('chat-1')
    expect(forwards()[0]).toContain('ports=18080')
  })

  test('when its Pod goes, requests go to the next one', async () => {
    const { podOf } = await opened()
    expect(await podOf('chat')).toBe('chat-1')
    api.put(replica('chat', 'chat-2'))
    api.remove('Pod', 'chat-1')
    await soon(async () => expect(await podOf('chat')).toBe('chat-2'))
  })

  test('a Pod that refuses the connection gets no request: another one does', async () => {
    const { podOf } = await opened()
    api.put(replica('chat', 'chat-0'))
    await soon(async () => {
      await podOf('chat')
      expect(forwards().join()).toContain('/chat-0/')
    })
    for (let turn = 0; turn < 4; turn++) expect(await podOf('chat')).toBe('chat-1')
  })

  test('while its Pods are replaced, each is asked by the name that it knows', async () => {
    const pods = ['chat-server-5f-x7k2p', 'chat-server-77-x7k2p'] as const
    await programs(Object.fromEntries(pods.map((pod) => [pod, echo(pod)])))
    const changed = server('chat', undefined, { model: { name: 'eagle' } })
    const served = [{ revision: '5f', name: 'own', model: 'falcon' }]
    api.put({ ...changed, status: { ...changed.status, served } })
    api.put(replica('chat', pods[0]))
    api.remove('Pod', 'chat-1')
    const { post } = await opened()
    const answer = async (model: string) =>
      (await (await post(model)).json()) as { readonly pod?: string; readonly model?: string }
    expect(await answer('chat')).toMatchObject({ pod: pods[0], model: 'own' })
    const waiting = answer('eagle')
    api.put(replica('chat', pods[1]))
    expect(await waiting).toMatchObject({ pod: pods[1], model: 'eagle' })
    api.remove('Pod', pods[1])
    await soon(async () =>
      expect(await answer('chat')).toMatchObject({ pod: pods[0], model: 'own' }),
    )
  })

  test('a foreign Pod with the labels of a server gets no request, and a note says so', async () => {
    api.remove('Pod', 'chat-1')
    const foreign = controlledBy('ReplicaSet', 'eve', 'replicas-eve')
    api.put(replica('chat', 'chat-2', foreign))
    const { messages, podOf } = await opened()
    const note =
      'note: Pod "chat-2" has the labels of ModelServer "chat" but is not its own, so it is ignored: kubectl describe pod chat-2 names its owner'
    await soon(() => expect(messages).toContain(note))
    api.put(replica('chat'))
    expect(await podOf('chat')).toBe('chat-1')
    expect(forwards().join()).not.toContain('chat-2')
    expect(messages.filter((line) => line === note)).toHaveLength(1)
  })

  test('an alias works as soon as it is there, and a server that is deleted is told', async () => {
    const { messages, post } = await opened()
    api.put(server('chat', undefined, { aliases: ['o1'] }))
    await soon(async () => expect((await post('o1')).status).toBe(200))
    await soon(() => expect(messages.at(-1)).toBe('chat (falcon, o1): ready'))
    api.remove('ModelServer', 'chat')
    await soon(() => expect(messages.at(-1)).toBe('chat: deleted'))
    expect((await post('o1')).status).toBe(404)
  })

  test('without the right to forward ports, the answer has the API server’s words at once', async () => {
    const message = 'pods "chat-1" is forbidden: User "eve" cannot create pods/portforward'
    api.refusals.set('/portforward', { code: 403, message })
    const { post } = await opened()
    expect(await errorIn(await post('chat'))).toBe(
      `502 server_unreachable: ModelServer "chat" did not answer: ${message}`,
    )
    expect(forwards()).toHaveLength(1)
  })

  test('the API server goes away and comes back', async () => {
    const { messages, podOf, post } = await opened()
    await api.down()
    await soon(() =>
      expect(messages.at(-1)).toMatch(/^cannot read from the API server: .*; trying/),
    )
    const waiting = post('chat')
    await api.up()
    expect((await waiting).status).toBe(200)
    await soon(() => expect(messages.at(-1)).toBe('the API server answers again'))
    expect(await podOf('chat')).toBe('chat-1')
  })
})

describe('a request for a model that sleeps', () => {
  const idle = 'True Idle: idle for 30m'

  test('wakes it by the user’s own right, and is answered; each step is told', async () => {
    await programs({ 'chat-1': echo('chat-1') })
    api.put(...owners('chat'), server('chat', idle))
    const { messages, podOf } = await opened()
    await soon(() => expect(messages.at(-1)).toBe('chat (falcon): asleep; a request wakes it'))
    const waiting = podOf('falcon')
    await soon(() => expect(patches()).toHaveLength(1))
    expect(patches()[0]).toMatch(
      /^PATCH \/apis\/substratus\.ai\/v1\/namespaces\/team\/modelservers\/chat \{"metadata":\{"annotations":\{"substratus\.ai\/opened":"[-0-9]{10}T[:0-9]{8}Z"\}\}\}$/,
    )
    api.put(unready(replica('chat')), server('chat', 'False Starting: Pod "chat-1" loads'))
    await soon(() => expect(messages.at(-1)).toBe('chat (falcon): Starting: Pod "chat-1" loads'))
    api.put(server('chat'), replica('chat'))
    expect(await waiting).toBe('chat-1')
    await soon(() => expect(messages.at(-1)).toBe('chat (falcon): ready'))
    api.remove('Pod', 'chat-1')
    api.put(server('chat', idle))
    await soon(() => expect(messages.at(-1)).toBe('chat (falcon): asleep; a request wakes it'))
    expect(patches()).toHaveLength(1)
  })

  test('that was suspended is refused, and wakes nothing', async () => {
    api.put(server('chat', 'True Suspended: spec.suspend is true', { suspend: true }))
    const { messages, post } = await opened()
    expect(await errorIn(await post('chat'))).toContain(
      '503 model_stopped: ModelServer "chat": Susp',
    )
    await soon(() => expect(messages.at(-1)).toBe('chat (falcon): Suspended: spec.suspend is true'))
    expect(patches()).toEqual([])
  })

  test('without the right to wake it, has the API server’s words', async () => {
    const message = 'modelservers "chat" is forbidden: User "eve" cannot patch resource'
    api.put(server('chat', idle))
    api.refusals.set('PATCH', { code: 403, message })
    const { post } = await opened()
    expect(await errorIn(await post('chat'))).toContain(`could not be woken: ${message}`)
  })
})

describe('answers', () => {
  beforeEach(() => api.put(...owners('chat'), server('chat'), replica('chat')))

  test('arrive piece by piece, and a client that goes away frees the server', async () => {
    let next = () => {}
    let isGone = false
    await programs({
      'chat-1': (req, res) => {
        req.resume()
        res.write('one ')
        next = () => res.write('two ')
        res.on('close', () => {
          isGone = true
        })
      },
    })
    const { post } = await opened()
    const leaving = new AbortController()
    const { body } = await post('chat', { signal: leaving.signal })
    const reader = body?.getReader()
    const piece = async () => Buffer.from((await reader?.read())?.value ?? []).toString()
    expect(await piece()).toBe('one ')
    next()
    expect(await piece()).toBe('two ')
    expect(isGone).toBe(false)
    leaving.abort()
    await soon(() => expect(isGone).toBe(true))
  })

  test('and requests of many megabytes arrive whole', async () => {
    const big = Buffer.alloc(8 * 1024 * 1024, 'x')
    await programs({
      'chat-1': (req, res) => {
        let bytes = 0
        req.on('data', (chunk: Buffer) => {
          bytes += chunk.length
        })
        req.on('end', () => res.setHeader('x-bytes', bytes).end(big))
      },
    })
    const { base } = await opened()
    const form = new FormData()
    form.set('file', new Blob([big]))
    form.set('model', 'chat')
    const sent = await fetch(`${base}/audio/transcriptions`, { method: 'POST', body: form })
    expect(Number(sent.headers.get('x-bytes'))).toBeGreaterThan(big.length)
    expect(Buffer.from(await sent.arrayBuffer()).equals(big)).toBe(true)
  })

  test('wait for a client that does not read, so that memory stays flat', async () => {
    const big = Buffer.alloc(64 * 1024 * 1024, 'x')
    await programs({ 'chat-1': (req, res) => req.resume() && res.end(big) })
    const { post } = await opened()
    const answer = await post('chat')
    await soon(() => expect(api.untaken()).toBeGreaterThan(big.length / 2))
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(api.untaken()).toBeGreaterThan(big.length / 2)
    expect((await answer.arrayBuffer()).byteLength).toBe(big.length)
    expect(api.untaken()).toBe(0)
  })

  test('that take long survive a load balancer which cuts silent connections', async () => {
    await programs({
      'chat-1': (req, res) => {
        req.resume()
        setTimeout(() => res.end('{"pod":"chat-1"}'), 1500)
      },
    })
    api.cutIdleMilliseconds = 500
    const { podOf } = await opened({ pingMilliseconds: 100 })
    expect(await podOf('chat')).toBe('chat-1')
  })

  test('that were cut are an error, are not asked for again, and the next request is answered', async () => {
    let asked = 0
    await programs({
      'chat-1': (req, res) => {
        asked++
        req.resume()
        if (asked > 1) res.end('{"pod":"chat-1"}')
      },
    })
    const { post, podOf } = await opened()
    const cut = post('chat')
    await soon(() => expect(asked).toBe(1))
    api.cut()
    expect(await errorIn(await cut)).toBe(
      '502 server_unreachable: ModelServer "chat" did not answer: it was cut off',
    )
    expect(asked).toBe(1)
    expect(await podOf('chat')).toBe('chat-1')
  })

  test('that a dead network swallows are an error, soon', async () => {
    let asked = 0
    await programs({
      'chat-1': (req) => {
        asked++
        req.resume()
      },
    })
    const { post } = await opened({ pingMilliseconds: 100 })
    const lost = post('chat')
    await soon(() => expect(asked).toBe(1))
    api.freeze()
    expect(await errorIn(await lost)).toBe(
      '502 server_unreachable: ModelServer "chat" did not answer: the network does not answer',
    )
  })

  test('are cut by Ctrl-C, which closes the address', async () => {
    await programs({ 'chat-1': (req, res) => req.resume() && res.write('begun') })
    const { base, post, messages, code, interrupt } = await opened()
    const { body } = await post('chat')
    interrupt()
    expect(await code).toBe(0)
    await expect(new Response(body).text()).rejects.toThrow()
    expect(messages.at(-1)).toBe('the address is closed; the models are left as they are')
    await expect(fetch(`${base}/models`)).rejects.toThrow()
  })
})

describe('web pages', () => {
  /** fetch would refuse to send these headers. */
  const asked = (base: string, headers: Readonly<Record<string, string>>) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const url = new URL(`${base}/chat/completions`)
      const body = JSON.stringify({ model: 'chat' })
      const given = { 'content-type': 'application/json', ...headers }
      request(url, { method: 'POST', headers: given }, resolve).on('error', reject).end(body)
    })

  test.each([
    { what: 'a name that leads here', headers: { host: 'evil.example:PORT' }, status: 403 },
    { what: 'any other name', headers: { host: '127.0.0.1.evil.example' }, status: 403 },
    { what: '0.0.0.0', headers: { host: '0.0.0.0:PORT' }, status: 403 },
    { what: 'a foreign page', headers: { origin: 'https://evil.example' }, status: 403 },
    { what: 'a page of no origin', headers: { origin: 'null' }, status: 403 },
    { what: 'a notebook at another port', headers: { origin: 'http://127.0.0.1:1' }, status: 403 },
    { what: 'an image in a page', headers: { 'sec-fetch-site': 'cross-site' }, status: 403 },
    { what: 'this address', headers: { origin: 'http://127.0.0.1:PORT' }, status: 200 },
    { what: 'a program', headers: {}, status: 200 },
    { what: 'a program, by localhost', headers: { host: 'localhost:PORT' }, status: 200 },
    { what: 'a program, by ::1', headers: { host: '[::1]:PORT' }, status: 200 },
  ])('a request of $what is answered with $status', async ({ headers, status }) => {
    await programs({ 'chat-1': echo('chat-1') })
    api.put(...owners('chat'), server('chat'), replica('chat'))
    const { base } = await opened()
    const { port } = new URL(base)
    const filled = Object.entries(headers).map(([name, value]) => [
      name,
      value.replace('PORT', port),
    ])
    const answer = await asked(base, Object.fromEntries(filled))
    expect(answer.statusCode).toBe(status)
    const text = await bodyOf(answer)
    if (status === 403) expect(text).toContain('web pages may not use this gateway')
    expect(forwards()).toHaveLength(status === 403 ? 0 : 1)
  })

  test('get no leave by a preflight either, whatever a server allows', async () => {
    api.put(server('chat'))
    const { base } = await opened()
    const answer = await fetch(`${base}/chat/completions`, {
      method: 'OPTIONS',
      headers: { 'access-control-request-method': 'POST', origin: 'https://evil.example' },
    })
    expect(answer.status).toBe(403)
    expect(answer.headers.has('access-control-allow-origin')).toBe(false)
  })
})

describe('an error says why there is no address', () => {
  const who = 'is forbidden: User "eve" cannot list resource'
  const viewRemedy = [
    'to allow it, an administrator of the namespace runs:',
    'kubectl create rolebinding eve-view -n team --clusterrole=view --user=eve',
  ]
  test.each([
    {
      when: 'without the right to list ModelServers',
      piece: '/modelservers',
      refusal: { code: 403, message: `modelservers ${who}` },
      says: [`error: modelservers ${who}`, ...viewRemedy],
    },
    {
      when: 'without the right to list Pods',
      piece: '/pods',
      refusal: { code: 403, message: `pods ${who}` },
      says: [`error: pods ${who}`, ...viewRemedy],
    },
    {
      when: 'in a cluster without Substratus',
      piece: '/modelservers',
      refusal: { code: 404, message: 'the server could not find the requested resource' },
      says: ['error: this cluster has no substratus.ai kinds: Substratus is not installed there'],
    },
  ])('$when', async ({ piece, refusal, says }) => {
    api.refusals.set(piece, refusal)
    const { messages, printed, code } = person()
    expect(await code).toBe(1)
    expect(messages).toEqual(says)
    expect(printed).toEqual([])
  })

  test('where the API server cannot be reached', async () => {
    await api.down()
    const { messages, code } = person()
    expect(await code).toBe(1)
    expect(messages[0]).toMatch(/^error: the connection to .* was refused/)
    await api.up()
  })

  test('where the port is in use', async () => {
    const port = await listening(createServer())
    const { messages, code } = person({ port })
    expect(await code).toBe(1)
    expect(messages).toEqual([
      `error: port ${port} of this machine is in use: choose another, or leave --port out for a free one`,
    ])
  })
})

test('in an empty namespace, each model is told when it comes', async () => {
  const { messages } = await opened()
  await soon(() => expect(messages.at(-1)).toMatch(/^there is no ModelServer yet/))
  expect(messages[1]).toContain('"model":"NAME"')
  api.put(server('chat', 'False Starting: loads'))
  await soon(() => expect(messages.at(-1)).toBe('chat (falcon): Starting: loads'))
})

test('Ctrl-C before the models are known ends it', async () => {
  const { code, interrupt, printed } = person()
  interrupt()
  expect(await code).toBe(0)
  expect(printed).toEqual([])
})
