import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { asApplied, lastApplied } from '../../../hooks/observe/applied.ts'
import { merge } from '../../../platform/runner/merge.ts'
import type { Child } from '../../objects.ts'

const child = (spec: object, applied: unknown): Child => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'it', annotations: { [lastApplied]: JSON.stringify({ spec: applied }) } },
  spec,
})

describe('the applied spec is emitted again if the observed spec contains it', () => {
  const spec = {
    replicas: 1,
    template: { spec: { containers: [{ name: 'a', args: ['x', 'y'] }] } },
  }
  const withContainer = (container: object) => ({
    replicas: 1,
    template: { spec: { containers: [{ name: 'a', args: ['x', 'y'], ...container }] } },
  })

  test.each([
    { when: 'defaults were added', observed: withContainer({ imagePullPolicy: 'Always' }) },
    {
      when: 'another container was added before it',
      observed: {
        template: {
          spec: { containers: [{ name: 'b' }, withContainer({}).template.spec.containers[0]] },
        },
        replicas: 1,
      },
    },
  ])('$when', ({ observed }) => {
    expect(asApplied(child(observed, spec)).spec).toEqual(spec)
  })

  test.each([
    { when: 'a value differs', observed: withContainer({ args: ['x', 'z'] }) },
    { when: 'the order of arguments differs', observed: withContainer({ args: ['y', 'x'] }) },
    {
      when: 'the container is gone',
      observed: { replicas: 1, template: { spec: { containers: [] } } },
    },
    { when: 'a field is gone', observed: { template: spec.template } },
  ])('and the observed spec is, where $when', ({ observed }) => {
    expect(asApplied(child(observed, spec)).spec).toEqual(observed)
  })

  test('fields that are overridden may differ', () => {
    const observed = { ...spec, replicas: 5 }
    expect(asApplied(child(observed, spec), { replicas: 0 }).spec).toEqual({ ...spec, replicas: 0 })
    expect(asApplied(child(observed, spec), { replicas: undefined }).spec).toEqual({
      template: spec.template,
    })
  })
})

const word = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const env = fc.uniqueArray(fc.record({ name: word, value: word }), { selector: ({ name }) => name })
const volumeMounts = fc.uniqueArray(fc.record({ mountPath: word, name: word }), {
  selector: ({ mountPath }) => mountPath,
})
const aSpec = fc.record({
  template: fc.record({
    labels: fc.dictionary(word, word),
    containers: fc.uniqueArray(
      fc.record(
        { name: word, args: fc.array(word), env, volumeMounts },
        { requiredKeys: ['name'] },
      ),
      { selector: ({ name }) => name },
    ),
    tolerations: fc.array(fc.record({ key: word, operator: word })),
  }),
})

test('whatever Metacontroller merged, the last applied spec is emitted again', () => {
  fc.assert(
    fc.property(fc.array(aSpec, { minLength: 1, maxLength: 5 }), (specs) => {
      let observed: unknown = {}
      let before: unknown = {}
      for (const spec of specs) {
        observed = merge(observed, before, spec)
        before = spec
      }
      expect(asApplied(child(observed as object, before)).spec).toEqual(before)
    }),
  )
})
