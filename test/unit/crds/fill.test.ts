import { describe, expect, test } from 'vitest'
import { fill } from '../../../crds/fill.ts'
import { kinds } from '../../../crds/kinds.ts'
import { Model } from '../../../crds/model.ts'
import { ModelServer } from '../../../crds/modelserver.ts'

const l4 = { type: 'nvidia-l4' }

describe('defaults that are the same on every cluster are filled in', () => {
  test.each([
    { what: 'a Model without a GPU is left as it is', kind: Model, spec: {}, filled: {} },
    {
      what: 'a type of GPU without a count means one',
      kind: Model,
      spec: { resources: { gpu: l4 } },
      filled: { resources: { gpu: { ...l4, count: 1 } } },
    },
    {
      what: 'no GPU stays no GPU',
      kind: Model,
      spec: { resources: { gpu: { ...l4, count: 0 } } },
      filled: { resources: { gpu: { ...l4, count: 0 } } },
    },
    // The administrator chooses the type, so it is not written to the object.
    {
      what: 'GPUs of any type get no type',
      kind: Model,
      spec: { resources: { gpu: { count: 2 } } },
      filled: { resources: { gpu: { count: 2 } } },
    },
    {
      what: 'resources without a GPU are left as they are',
      kind: Model,
      spec: { resources: { memory: 4 } },
      filled: { resources: { memory: 4 } },
    },
    { what: 'a ModelServer has one replica', kind: ModelServer, spec: {}, filled: { replicas: 1 } },
    {
      what: 'a ModelServer of no replicas keeps none',
      kind: ModelServer,
      spec: { replicas: 0 },
      filled: { replicas: 0 },
    },
  ])('$what', ({ kind, spec, filled }) => {
    expect(fill(kind, { spec })).toEqual({ spec: filled })
  })

  test.each([
    { what: 'a missing spec', spec: undefined },
    { what: 'a spec of null', spec: null },
    { what: 'a spec that is text', spec: 'text' },
    { what: 'a spec that is a list', spec: [] },
    { what: 'resources that are text', spec: { resources: 'text' } },
    { what: 'a GPU that is a list', spec: { resources: { gpu: [] } } },
  ])('$what: left as it is, for the schema to refuse', ({ spec }) => {
    for (const kind of kinds.filter((it) => it !== ModelServer))
      expect(fill(kind, { spec })).toEqual({ spec })
  })
})
