import { describe, expect, test } from 'vitest'
import { answerReader, whyIn } from '../../../page/core/answer.ts'
import { hashOf, placeOf } from '../../../page/core/place.ts'

describe('an address is a place', () => {
  test.each([
    { hash: '#/list', place: { view: 'list' } },
    { hash: '#/graph', place: { view: 'graph' } },
    { hash: '#/graph/models/falcon', place: { view: 'graph', plural: 'models', name: 'falcon' } },
    { hash: '#/compare/a/b', place: { view: 'compare', plural: 'models', name: 'a', other: 'b' } },
  ] as const)('$hash', ({ hash, place }) => {
    expect(placeOf(hash)).toEqual(place)
    expect(hashOf(place)).toBe(hash)
  })

  test.each(['', '#', '#token=abc', '#/list/models/<b>', '#/list/models/a/b', '#/compare/a/..'])(
    '"%s" is the list',
    (hash) => {
      expect(placeOf(hash)).toEqual({ view: 'list' })
    },
  )
})

describe('the text of a streamed answer', () => {
  const event = (content: string) =>
    `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`

  test.each([1, 3, 7, 1000])('in pieces of %i characters', (size) => {
    const stream = `${event('Hel')}: comment\r\n${event('lo')}data: [DONE]\n\n`
    const read = answerReader()
    let text = ''
    for (let at = 0; at < stream.length; at += size) text += read(stream.slice(at, at + size))
    expect(text).toBe('Hello')
  })

  test('an error in the stream is told', () => {
    expect(answerReader()('data: {"error":{"message":"out of memory"}}\n')).toBe('out of memory')
  })

  test('what is nothing adds nothing', () => {
    const read = answerReader()
    for (const line of ['data: null', 'data: {"choices":[]}', 'data: {', 'event: x'])
      expect(read(`${line}\n`)).toBe('')
  })
})

describe('why a request was refused', () => {
  test.each([
    { by: 'the API server', body: '{"message":"models is forbidden"}', why: 'models is forbidden' },
    { by: 'the gateway', body: '{"error":{"message":"no model"}}', why: 'no model' },
    { by: 'another server', body: '{"error":"bad"}', why: 'bad' },
    { by: 'a proxy', body: '<html>', why: 'the answer was 502' },
    { by: 'nobody', body: 'null', why: 'the answer was 502' },
  ])('by $by', ({ body, why }) => {
    expect(whyIn(body, 502)).toBe(why)
  })
})
