import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { boundaryIn, formReader } from '../../../gateway/core/form.ts'
import { requestHeaders, responseHeaders } from '../../../gateway/core/headers.ts'
import { readJson, withLora, withModel } from '../../../gateway/core/jsonbody.ts'
import { routeOf } from '../../../gateway/core/path.ts'
import { endsAfter, noEnds, usageIn } from '../../../gateway/core/usage.ts'

const place = { address: '10.0.0.1:8080', prefix: '/team' }

const found = (route: ReturnType<typeof routeOf>): string =>
  'refusal' in route ? `${route.refusal.status}` : `${route.namespace} ${route.path} ${route.query}`

describe('an address', () => {
  test.each([
    { url: '/team/v1/chat/completions', to: 'team /v1/chat/completions ' },
    { url: '/team/v1/models?limit=1', to: 'team /v1/models ?limit=1' },
    { url: '/team/v1', to: 'team /v1 ' },
    { url: '/team/v1/a?b=/../c', to: 'team /v1/a ?b=/../c' },
    { url: '/v1/models', to: '404' },
    { url: '/Team/v1/models', to: '404' },
    { url: '/team/v2/models', to: '404' },
    { url: '/team/v1x', to: '404' },
    { url: '/', to: '404' },
    { url: '*', to: '404' },
    { url: 'http://other/team/v1/models', to: '400' },
    { url: '/team/v1/../metrics', to: '400' },
    { url: '/team/v1/%2e%2e/metrics', to: '400' },
    { url: '/team/v1/..%2fmetrics', to: '400' },
    { url: '/team/v1/.', to: '400' },
    { url: '/team/v1//x', to: '400' },
    { url: '/team/v1/\\x', to: '400' },
    { url: '/team/v1/..#', to: '400' },
    { url: '/team/v1/..#/x?y', to: '400' },
    { url: '/team/v1/models/org%2Fchat', to: '400' },
  ])('$url leads to $to', ({ url, to }) => {
    expect(found(routeOf('POST', url))).toBe(to)
  })

  test.each([
    { url: '/team/v1/models/org%2Fchat', to: 'team /v1/models/org/chat ' },
    { url: '/team/v1/models/org%2fchat?a', to: 'team /v1/models/org/chat ?a' },
    { url: '/team/v1/models/..%2f..%2fmetrics', to: '400' },
    { url: '/team/v1/models/%2e%2e%2fmetrics', to: '400' },
    { url: '/team/v1/models%2fx', to: '400' },
    { url: '/team/v1/files/a%2Fb', to: '400' },
  ])('of a model may have an encoded slash to read it: $url leads to $to', ({ url, to }) => {
    for (const method of ['GET', 'HEAD']) expect(found(routeOf(method, url))).toBe(to)
  })
})

test.each([
  { url: '/v1/models', to: 'team /v1/models ' },
  { url: '/v1/chat?a=b', to: 'team /v1/chat ?a=b' },
  { url: '/v1', to: 'team /v1 ' },
  { url: '/team/v1/models', to: '404' },
  { url: '/v1x', to: '404' },
  { url: '/', to: '404' },
  { url: '/v1/../metrics', to: '400' },
])('where there is one namespace, $url leads to $to', ({ url, to }) => {
  expect(found(routeOf('POST', url, 'team'))).toBe(to)
})

describe('a JSON body', () => {
  const read = (text: string, path = '/v1/chat/completions') => readJson(Buffer.from(text), path)
  test.each([
    { what: 'with a model', text: '{"model":"a"}', says: { model: 'a' } },
    { what: 'without one', text: '{}', says: { model: undefined } },
    { what: 'that is cut', text: '{"model":', says: expect.stringContaining('not JSON') },
    { what: 'that is a list', text: '[]', says: 'the body is not a JSON object' },
    { what: 'that is null', text: 'null', says: 'the body is not a JSON object' },
    { what: 'whose model is a number', text: '{"model":1}', says: '"model" is not a string' },
    { what: 'whose model is null', text: '{"model":null}', says: '"model" is not a string' },
  ])('$what is read', ({ text, says }) => {
    const found = read(text)
    expect(typeof found === 'string' ? found : { model: found.model }).toEqual(says)
  })

  test.each([
    { what: 'objects', part: '{},' },
    { what: 'lists', part: '[],' },
    { what: 'keys', part: '{"a":0},' },
    { what: 'lists in each other', part: '[' },
  ])(
    'of a million $what is not parsed, because they take far more memory than the body',
    ({ part }) => {
      expect(read(`{"model":"a","x":[${part.repeat(1_000_000)}`)).toBe(
        'the body has more than 500000 objects, lists and keys together',
      )
    },
  )

  test.each([
    { what: 'a million numbers', body: { model: 'a', input: Array(1_000_000).fill(0) } },
    { what: 'a long text full of brackets', body: { model: 'a', prompt: '[{:'.repeat(1_000_000) } },
  ])('with $what is read', ({ body }) => {
    expect(read(JSON.stringify(body))).toMatchObject({ model: 'a' })
  })

  test('whose messages are nested very deeply is read', () => {
    const nested = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    expect(read(`{"model":"a","messages":[${nested}]}`)).toMatchObject({ model: 'a' })
  })

  const keyOf = (body: object, path?: string) => {
    const found = read(JSON.stringify(body), path)
    return typeof found === 'string' ? found : found.key
  }
  const system = { role: 'system', content: 'be kind' }
  const user = (content: unknown) => ({ role: 'user', content })

  test('has the same key as its conversation grows, and another one for each conversation', () => {
    const begun = keyOf({ messages: [system, user('one')] })
    const grown = {
      messages: [system, user('one'), { role: 'assistant', content: 'x' }, user('y')],
    }
    expect(keyOf(grown)).toBe(begun)
    expect(keyOf({ messages: [system, user('two')] })).not.toBe(begun)
    expect(keyOf({ messages: [user('one')] })).not.toBe(begun)
    expect(keyOf({ messages: [user([{ type: 'text', text: 'a' }])] })).not.toBe(
      keyOf({ messages: [user([{ type: 'text', text: 'b' }])] }),
    )
  })

  test('has a key by its prompt, or its input to /responses, and none as an embedding', () => {
    expect(keyOf({ prompt: 'a' })).not.toBe(keyOf({ prompt: 'b' }))
    expect(keyOf({ input: 'a' }, '/v1/responses')).not.toBe(keyOf({ input: 'b' }, '/v1/responses'))
    expect(keyOf({ input: 'a' }, '/v1/embeddings')).toBeUndefined()
  })

  test('has a key whatever its messages are', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (messages) => {
        expect(keyOf({ messages })).toEqual(messages === null ? undefined : expect.any(Number))
      }),
    )
  })

  test.each([
    { what: 'alone', text: '{"model":"a"}', becomes: '{"model":"new"}' },
    {
      what: 'among spaces and others within',
      text: ' { "x" : {"model":"a"} , "model" : "a" } ',
      becomes: ' { "x" : {"model":"a"} , "model" : "new" } ',
    },
    {
      what: 'behind a list with its name',
      text: '{"a":["model","b"],"model":"a"}',
      becomes: '{"a":["model","b"],"model":"new"}',
    },
    {
      what: 'with quotes and braces',
      text: '{"a":"model","model":"}{\\"","z":1}',
      becomes: '{"a":"model","model":"new","z":1}',
    },
    { what: 'twice', text: '{"model":"a","model":"b"}', becomes: '{"model":"new","model":"new"}' },
    { what: 'under an escaped key', text: '{"\\u006dodel":"a"}', becomes: '{"\\u006dodel":"new"}' },
    {
      what: 'behind a large integer',
      text: '{"seed":12345678901234567890,"model":"ü"}',
      becomes: '{"seed":12345678901234567890,"model":"new"}',
    },
  ])('with its model $what gets another one', ({ text, becomes }) => {
    expect(withModel(Buffer.from(text), 'new').toString()).toBe(becomes)
  })

  const lora = [{ id: 1, scale: 1 }]
  test.each([
    { what: 'none', text: '{"model":"a"}', becomes: '{"lora":[{"id":1,"scale":1}],"model":"a"}' },
    {
      what: 'a list of its own',
      text: ' {"lora" : [{"id":"]","scale":[2]}] , "model":"a"}',
      becomes: ' {"lora" : [{"id":1,"scale":1}] , "model":"a"}',
    },
    {
      what: 'one that is no list',
      text: '{"a":{"lora":0},"lora":null,"model":"a"}',
      becomes: '{"a":{"lora":0},"lora":[{"id":1,"scale":1}],"model":"a"}',
    },
    {
      what: 'two, under an escaped key, at the end',
      text: '{"lora":"}","model":"a","l\\u006fra":{"x":{}}}',
      becomes: '{"lora":[{"id":1,"scale":1}],"model":"a","l\\u006fra":[{"id":1,"scale":1}]}',
    },
  ])('with $what gets the adapters of its server', ({ text, becomes }) => {
    expect(withLora(Buffer.from(text), lora).toString()).toBe(becomes)
  })

  test('keeps all but its adapters, whatever it is', () => {
    const objects = fc.dictionary(fc.string(), fc.jsonValue())
    fc.assert(
      fc.property(objects, fc.jsonValue(), fc.boolean(), (rest, own, has) => {
        const body = { ...rest, model: 'a', ...(has && { lora: own }), last: rest }
        const changed = withLora(Buffer.from(JSON.stringify(body, null, 1)), lora)
        expect(JSON.parse(changed.toString())).toEqual(
          JSON.parse(JSON.stringify({ ...body, lora })),
        )
      }),
    )
  })

  test('changes nothing else, whatever it is', () => {
    const objects = fc.dictionary(fc.string(), fc.jsonValue())
    fc.assert(
      fc.property(objects, fc.string(), fc.string(), (rest, model, other) => {
        const body = { ...rest, model, last: rest }
        const changed = withModel(Buffer.from(JSON.stringify(body, null, 1)), other)
        expect(JSON.parse(changed.toString())).toEqual(
          JSON.parse(JSON.stringify({ ...body, model: other })),
        )
      }),
    )
  })
})

describe('a form', () => {
  const part = (headers: string, content: string) => `--b\r\n${headers}\r\n\r\n${content}\r\n`
  const field = (name: string, value: string) =>
    part(`Content-Disposition: form-data; name="${name}"`, value)
  const file = part(
    'Content-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav',
    '--b in the middle of a line, \r\n--a and\r\n\r\n',
  )
  const form = (...parts: readonly string[]) => Buffer.from(`${parts.join('')}--b--\r\n`)
  const read = (body: Buffer, size = 7) => {
    const reader = formReader('b')
    for (let at = 0; at < body.length; at += size) reader.read(body.subarray(at, at + size))
    const found = reader.end()
    return typeof found === 'object' ? { ...found, at: body.subarray(found.from, found.to) } : found
  }

  test('names its model behind a file, whatever the pieces are', () => {
    const body = form(file, field('language', 'en'), field('model', 'whisper'), field('x', ''))
    for (const size of [1, 2, 3, 5, 64, 10_000])
      expect(read(body, size)).toMatchObject({ model: 'whisper', at: Buffer.from('whisper') })
  })

  test.each([
    { what: 'first', body: form(field('model', 'a'), file), says: 'a' },
    { what: 'empty', body: form(field('model', '')), says: '' },
    {
      what: 'behind other headers',
      body: form(
        part('Content-Type: text/plain\r\ncontent-disposition: form-data; name=model', 'a'),
      ),
      says: 'a',
    },
    { what: 'absent', body: form(file), says: undefined },
    {
      what: 'a file',
      body: form(part('Content-Disposition: form-data; name="model"; filename="x"', 'a')),
      says: undefined,
    },
    { what: 'another field', body: form(field('my model', 'a')), says: undefined },
    {
      what: 'given twice',
      body: form(field('model', 'a'), field('model', 'b')),
      says: 'the form has more than one "model"',
    },
    {
      what: 'endless',
      body: form(field('model', 'a'.repeat(2000))),
      says: '"model" in the form is too long',
    },
    {
      what: 'behind endless headers',
      body: form(part(`X: ${'a'.repeat(20_000)}`, '')),
      says: 'a part of the form has too long headers',
    },
    {
      what: 'in a form without an end',
      body: form(field('model', 'a')).subarray(0, -8),
      says: 'the form ends before its last boundary',
    },
  ])('whose model is $what', ({ body, says }) => {
    const found = read(body)
    expect(typeof found === 'object' ? found.model : found).toBe(says)
  })

  test.each([
    { type: 'multipart/form-data; boundary=abc', boundary: 'abc' },
    { type: 'multipart/form-data; charset=x; BOUNDARY="a b"', boundary: 'a b' },
    { type: 'multipart/form-data', boundary: undefined },
    { type: `multipart/form-data; boundary="${'a'.repeat(71)}"`, boundary: undefined },
  ])('has its boundary in the type $type', ({ type, boundary }) => {
    expect(boundaryIn(type)).toBe(boundary)
  })
})

describe('headers', () => {
  test('that say who asks reach no server', () => {
    const given = {
      authorization: 'Bearer secret',
      cookie: 'a=b',
      'x-forwarded-for': '10.0.0.1',
      'x-forwarded-user': 'ann',
      'x-remote-user': 'ann',
      'x-api-key': 'secret',
      'api-key': 'secret',
      'proxy-authorization': 'secret',
      'openai-organization': 'org',
      forwarded: 'for=10.0.0.1',
      host: 'gateway',
      connection: 'x-secret',
      'x-anything': 'else',
      'content-type': 'application/json',
      accept: 'text/event-stream',
    }
    expect(requestHeaders(given)).toEqual({
      'content-type': 'application/json',
      accept: 'text/event-stream',
    })
  })

  test('of an answer reach the client, except those of the connection and of other tenants', () => {
    const given = {
      'content-type': 'text/event-stream',
      'x-two': ['a', 'b'],
      'set-cookie': ['a=b'],
      connection: 'close',
      'transfer-encoding': 'chunked',
      'strict-transport-security': 'max-age=1',
      // By these, a browser reports all requests to this address, or tells it more about itself.
      nel: '{"report_to":"a","max_age":1,"success_fraction":1}',
      'report-to': '{"group":"a","max_age":1,"endpoints":[{"url":"https://tenant.example.com"}]}',
      'reporting-endpoints': 'a="https://tenant.example.com"',
      'accept-ch': 'Sec-CH-UA-Model',
    }
    expect(responseHeaders({ ...given, connection: 'X-Hop, close', 'x-hop': 'a' }, place)).toEqual({
      'content-type': 'text/event-stream',
      'x-two': ['a', 'b'],
    })
    expect(responseHeaders({ ...given, connection: ['a', 'x-hop'], 'x-hop': 'a' }, place)).toEqual({
      'content-type': 'text/event-stream',
      'x-two': ['a', 'b'],
    })
    expect(responseHeaders(given, place)).toEqual({
      'content-type': 'text/event-stream',
      'x-two': ['a', 'b'],
    })
  })
})

describe('a redirect of a server', () => {
  test.each([
    { location: 'http://10.0.0.1:8080/v1/files/?a=b', leads: '/team/v1/files/?a=b' },
    { location: 'https://10.0.0.1:8080', leads: '/team/' },
    { location: '//10.0.0.1:8080/v1/x', leads: '/team/v1/x' },
    { location: 'http://10.0.0.1:8080//other/x', leads: '/team/other/x' },
    { location: '/v1/x', leads: '/team/v1/x' },
    { location: 'x/', leads: 'x/' },
    { location: '../x', leads: '../x' },
    { location: '', leads: '' },
    { location: 'https://example.com/v1/x', leads: 'https://example.com/v1/x' },
    { location: 'http://10.0.0.1:8080.example.com/', leads: 'http://10.0.0.1:8080.example.com/' },
    { location: 'http://10.0.0.1:80/x', leads: 'http://10.0.0.1:80/x' },
  ])('to $location leads a client of the gateway to $leads', ({ location, leads }) => {
    expect(responseHeaders({ location }, place)).toEqual({ location: leads })
  })

  test.each([
    { address: '10.0.0.1:80', prefix: '/team', location: 'http://10.0.0.1/x', leads: '/team/x' },
    { address: '[fd00::1]:8080', prefix: '/a', location: 'http://[fd00::1]:8080/x', leads: '/a/x' },
    { address: 'chat-5f:8080', prefix: '', location: 'http://chat-5f:8080/v1/x', leads: '/v1/x' },
  ])('at $address to $location leads to $leads', ({ location, leads, ...place }) => {
    expect(responseHeaders({ location }, place)).toEqual({ location: leads })
  })
})

describe('the usage in an answer', () => {
  test('is found whatever the pieces of the answer are', () => {
    const answer = Buffer.from(
      `${'ü'.repeat(9000)}"usage":{"prompt_tokens":5,"completion_tokens":7}}`,
    )
    for (const size of [1, 13, 4096, 20_000]) {
      let ends = noEnds
      for (let at = 0; at < answer.length; at += size)
        ends = endsAfter(ends, answer.subarray(at, at + size))
      expect([ends.head.length, ends.tail.length]).toEqual([4096, 4096])
      expect(usageIn(ends)).toEqual({ prompt: 5, completion: 7 })
    }
  })

  test('is not a number that is cut off in the beginning', () => {
    const before = `{"usage":{"prompt_tokens":`
    const head = `${before.padStart(4093)}123`
    const ends = endsAfter(noEnds, Buffer.from(`${head}456},"data":[${'1,'.repeat(9000)}1]}`))
    expect([ends.head, usageIn(ends)]).toEqual([head, undefined])
  })

  test('is found before the vectors of an embedding, where llama.cpp writes it', () => {
    const vectors = Array.from({ length: 3 }, () => ({ embedding: Array(576).fill(0.125) }))
    const usage = { prompt_tokens: 9, total_tokens: 9 }
    const answer = Buffer.from(JSON.stringify({ model: 'm', object: 'list', usage, data: vectors }))
    expect(answer.length).toBeGreaterThan(8192)
    for (const size of [13, 4096, 20_000]) {
      let ends = noEnds
      for (let at = 0; at < answer.length; at += size)
        ends = endsAfter(ends, answer.subarray(at, at + size))
      expect(usageIn(ends)).toEqual({ prompt: 9, completion: 0 })
    }
  })

  test.each([
    {
      what: 'a chat',
      tail: '"}}],"usage":{"prompt_tokens":5,"total_tokens":12,"completion_tokens":7}}',
      usage: { prompt: 5, completion: 7 },
    },
    {
      what: 'a stream',
      tail: 'data: {"choices":[],"usage": { "prompt_tokens": 5, "completion_tokens": 7, "d": {"x":1}}}\n\ndata: [DONE]\n\n',
      usage: { prompt: 5, completion: 7 },
    },
    {
      what: 'a stream that counts in every event',
      tail: '"usage":{"prompt_tokens":5,"completion_tokens":1}}\n\ndata: {"usage":{"prompt_tokens":5,"completion_tokens":2}}\n\n',
      usage: { prompt: 5, completion: 2 },
    },
    {
      what: '/responses',
      tail: '"usage":{"input_tokens":3,"output_tokens":4}}',
      usage: { prompt: 3, completion: 4 },
    },
    {
      what: 'embeddings',
      tail: '0.5]}],"usage":{"prompt_tokens":9,"total_tokens":9}}',
      usage: { prompt: 9, completion: 0 },
    },
    {
      what: 'a text that pretends to have one',
      tail: '{"content":"\\"usage\\":{\\"prompt_tokens\\":5}"}',
      usage: undefined,
    },
    { what: 'a stream without any', tail: '"usage":null}\n\ndata: [DONE]', usage: undefined },
  ])('of $what', ({ tail, usage }) => {
    expect(usageIn({ ...noEnds, tail })).toEqual(usage)
  })
})
