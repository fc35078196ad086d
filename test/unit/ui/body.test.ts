import { describe, expect, test } from 'vitest'
import { bodyFrom } from '../../../ui/body.ts'

const change = (value: unknown) => bodyFrom('change', JSON.stringify(value), 'team')
const annotated = (annotations: object) => ({ metadata: { annotations } })

describe('a change is one of those that the page makes', () => {
  test.each([
    { what: 'suspend', body: { spec: { suspend: true } } },
    { what: 'resume', body: { spec: { suspend: false } } },
    { what: 'run again', body: annotated({ 'substratus.ai/rerun': '2026-11-27T10:00:00.000Z' }) },
    { what: 'roll out', body: annotated({ 'substratus.ai/rollout': 'now' }) },
    { what: 'wake', body: annotated({ 'substratus.ai/opened': 'now' }) },
  ])('$what', ({ body }) => {
    expect(change(body)).toEqual({ body: JSON.stringify(body) })
  })

  test.each([
    { what: 'another field', body: { spec: { image: 'evil' } } },
    { what: 'a second field', body: { spec: { suspend: true, image: 'evil' } } },
    { what: 'two changes', body: { spec: { suspend: true }, metadata: { annotations: {} } } },
    { what: 'a status', body: { status: { ready: true } } },
    { what: 'no boolean', body: { spec: { suspend: 'true' } } },
    { what: 'a removal', body: { spec: null } },
    { what: 'an annotation of somebody else', body: annotated({ 'example.com/a': 'b' }) },
    {
      what: 'two annotations',
      body: annotated({ 'substratus.ai/rerun': 'a', 'example.com/a': 'b' }),
    },
    { what: 'no text', body: annotated({ 'substratus.ai/rerun': 1 }) },
    { what: 'a removed annotation', body: annotated({ 'substratus.ai/rerun': null }) },
    { what: 'control characters', body: annotated({ 'substratus.ai/rerun': 'a\nb' }) },
    { what: 'a long value', body: annotated({ 'substratus.ai/rerun': 'a'.repeat(64) }) },
    { what: 'a label', body: { metadata: { labels: { a: 'b' } } } },
    { what: 'a finalizer', body: { metadata: { finalizers: [] } } },
    { what: 'a list', body: [{ op: 'remove', path: '/spec' }] },
    { what: 'nothing', body: {} },
    { what: 'null', body: null },
  ])('not $what', ({ body }) => {
    expect(change(body)).toEqual({ wrong: expect.stringMatching(/^the page changes only /) })
  })

  test('not what is no JSON', () => {
    expect(bodyFrom('change', '{', 'team')).toEqual({ wrong: 'the body is not JSON' })
  })

  test('of a key twice, what was understood is passed on', () => {
    const text = '{"spec":{"image":"evil"},"spec":{"suspend":true}}'
    expect(bodyFrom('change', text, 'team')).toEqual({ body: '{"spec":{"suspend":true}}' })
  })
})

describe('a question is one of those that the page asks', () => {
  const review = (resourceAttributes: object) =>
    bodyFrom('review', JSON.stringify({ spec: { resourceAttributes } }), 'team')
  const patch = { namespace: 'team', verb: 'patch', group: 'substratus.ai', resource: 'models' }
  const logs = { namespace: 'team', verb: 'get', group: '', resource: 'pods', subresource: 'log' }

  test.each([
    { what: 'may I change this Model', attributes: { ...patch, name: 'falcon' } },
    { what: 'the longest name', attributes: { ...patch, name: 'n'.repeat(253) } },
    { what: 'may I read logs', attributes: logs },
    {
      what: 'may I forward ports',
      attributes: { ...logs, verb: 'create', subresource: 'portforward' },
    },
  ])('$what', ({ attributes }) => {
    expect(review(attributes)).toEqual({
      body: expect.stringContaining('"kind":"SelfSubjectAccessReview"'),
    })
  })

  test.each([
    { what: 'about another namespace', attributes: { ...patch, namespace: 'kube-system' } },
    { what: 'about all namespaces', attributes: { ...patch, namespace: undefined } },
    { what: 'about Secrets', attributes: { ...logs, resource: 'secrets', subresource: undefined } },
    { what: 'about everything', attributes: { ...patch, verb: '*' } },
    { what: 'about a name that is none', attributes: { ...patch, name: { a: 1 } } },
  ])('not $what', ({ attributes }) => {
    expect(review(attributes)).toEqual({ wrong: 'the page does not ask about this right' })
  })
})
