import { describe, expect, test } from 'vitest'
import type { Parent } from '../../../crds/kind.ts'
import type { Facts } from '../../../webhooks/facts.ts'
import {
  type AdmissionRequest,
  admissionRequest,
  mutate,
  validate,
} from '../../../webhooks/review.ts'
import { passedOn } from '../../../webhooks/warnings.ts'
import { aConfig, aModel, aModelServer, type Json } from '../../objects.ts'
import { expectDocumented, reviewOf } from '../../reviews.ts'

/** AdmissionReview, field by field: https://kubernetes.io/docs/reference/config-api/apiserver-admission.v1/ */

const image = { image: 'example.com/train:1' }
const named = (kind: string) => ({ group: 'substratus.ai', version: 'v1', kind })
const of = (resource: string) => ({ group: 'substratus.ai', version: 'v1', resource })

/** A request with every field of the API. */
const full = {
  uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
  kind: named('Model'),
  resource: of('models'),
  subResource: '',
  requestKind: named('Model'),
  requestResource: of('models'),
  requestSubResource: '',
  name: 'falcon',
  namespace: 'default',
  operation: 'UPDATE',
  userInfo: {
    username: 'jane',
    uid: '014fbff9a07c',
    groups: ['system:authenticated', 'my-admin-group'],
    extra: { 'some-key': ['some-value1', 'some-value2'] },
  },
  object: aModel(image),
  oldObject: aModel(image),
  dryRun: true,
  options: { apiVersion: 'meta.k8s.io/v1', kind: 'UpdateOptions', fieldManager: 'kubectl' },
}

const readOf = (request: object): AdmissionRequest => {
  const read = admissionRequest(reviewOf(request))
  if (typeof read === 'string') throw new Error(read)
  return read
}
const answersTo = (request: object, facts: Facts = {}): readonly Json[] => {
  const read = readOf(request)
  return [mutate(read), validate(read, aConfig(), facts)]
}

describe('a request is taken', () => {
  const { object } = full
  const without = { object: null, oldObject: null }
  const generated = { ...object, metadata: { name: 'run-x7k2p', generateName: 'run-' } }
  test.each<{ when: string; request: object }>([
    { when: 'with every field', request: full },
    {
      when: 'with only those that are required',
      request: { uid: '1', operation: 'CREATE', object },
    },
    {
      when: 'of a creation',
      request: {
        ...full,
        operation: 'CREATE',
        oldObject: null,
        options: { apiVersion: 'meta.k8s.io/v1', kind: 'CreateOptions' },
      },
    },
    {
      when: 'of a creation with generateName, which has no name itself',
      request: { ...full, operation: 'CREATE', name: '', object: generated, oldObject: null },
    },
    {
      when: 'of a deletion, which has only the old object',
      request: {
        ...full,
        operation: 'DELETE',
        object: null,
        options: { apiVersion: 'meta.k8s.io/v1', kind: 'DeleteOptions', gracePeriodSeconds: 0 },
      },
    },
    {
      when: 'of a deletion without objects',
      request: { ...full, ...without, operation: 'DELETE' },
    },
    {
      when: 'that somebody sent in another version',
      request: { ...full, requestKind: { ...named('Model'), version: 'v2' } },
    },
    { when: 'without a user', request: { ...full, userInfo: {} } },
    { when: 'that is no dry run', request: { ...full, dryRun: false } },
    { when: 'without options', request: { ...full, options: null } },
    {
      when: 'with fields of a later version of the API',
      request: { ...full, selector: { any: ['thing'] }, userInfo: { ...full.userInfo, new: 1 } },
    },
  ])('$when', ({ request }) => {
    for (const answer of answersTo(request)) {
      expectDocumented(reviewOf(request), answer)
      expect(answer.response.allowed).toBe(true)
    }
  })
})

test('mutate is asked before the API server has generated a name', () => {
  const object = { ...aModel(image), metadata: { generateName: 'run-', namespace: 'default' } }
  const request = { ...full, operation: 'CREATE', name: '', object, oldObject: null }
  expect(mutate(readOf(request)).response).toEqual({ uid: full.uid, allowed: true })
})

describe('what is not a whole object of ours is admitted unread', () => {
  const scale = {
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: { name: 'falcon', namespace: 'default' },
    spec: { replicas: 3 },
  }
  const wrong = aModel({ comand: ['x'] })
  test.each<{ what: string; request: object }>([
    {
      what: 'a Scale',
      request: {
        kind: { ...named('Scale'), group: 'autoscaling' },
        subResource: 'scale',
        object: scale,
        oldObject: scale,
      },
    },
    { what: 'a status', request: { subResource: 'status', object: wrong, oldObject: wrong } },
    {
      what: 'the options of a connection',
      request: {
        operation: 'CONNECT',
        object: { apiVersion: 'v1', kind: 'PodExecOptions', command: ['sh'] },
        oldObject: null,
      },
    },
  ])('$what', ({ request }) => {
    for (const { response } of answersTo({ ...full, ...request }))
      expect(response).toEqual({ uid: full.uid, allowed: true })
  })
})

describe('a response has the documented shape', () => {
  test('with a patch', () => {
    const object = aModelServer({ model: { name: 'm' }, resources: { gpu: { type: 'nvidia-l4' } } })
    const request = { ...full, operation: 'CREATE', object, oldObject: null }
    const [mutated] = answersTo(request)
    expect(mutated.response).toHaveProperty('patch')
    expectDocumented(reviewOf(request), mutated)
  })

  test('with a refusal and with warnings', () => {
    const object = aModelServer({ model: { name: 'm' }, comand: ['x'] })
    const request = { ...full, operation: 'CREATE', dryRun: false, object, oldObject: null }
    for (const facts of [{}, { 'Model/m': null }] as readonly Facts[]) {
      const [, validated] = answersTo(request, facts)
      expect(validated.response.allowed).toBe(false)
      expectDocumented(reviewOf(request), validated)
      const { causes } = validated.response.status.details
      expect(causes).toContainEqual({
        reason: 'FieldValueInvalid',
        field: 'spec.comand',
        message: expect.stringContaining('unknown field'),
      })
    }
  })

  test('with as many warnings as an old object can cause', () => {
    const many = Object.fromEntries(
      Array.from({ length: 90 }, (_, at) => [`${'wrong'.repeat(10)}${at}`, at]),
    )
    const object: Parent = aModel({ ...image, ...many })
    const request = {
      ...full,
      object: { ...object, spec: { ...(object.spec as object), suspend: true } },
      oldObject: object,
    }
    const [, validated] = answersTo(request)
    expect(validated.response.allowed).toBe(true)
    expect(validated.response.warnings.at(-1)).toMatch(/^and \d+ more$/)
    expectDocumented(reviewOf(request), validated)
  })
})

describe('the API server passes on', () => {
  const long = (length: number) => 'x'.repeat(length)
  test.each<{ what: string; given: readonly string[]; passed: readonly string[] }>([
    { what: 'a long warning', given: [long(4096)], passed: [long(4096)] },
    { what: 'a warning of several lines, as one', given: ['a\nb'], passed: ['a b'] },
    { what: 'the beginning of a longer one', given: [long(5000)], passed: [`${long(255)}…`] },
    {
      what: 'what fits of many, and their number',
      given: Array.from({ length: 30 }, () => long(300)),
      passed: [...Array.from({ length: 15 }, () => `${long(255)}…`), 'and 15 more'],
    },
  ])('$what', ({ given, passed }) => {
    expect(passedOn(given)).toEqual(passed)
  })
})
