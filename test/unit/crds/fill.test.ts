import { describe, expect, test } from 'vitest'
import { fill } from '../../../crds/fill.ts'
import { kinds } from '../../../crds/kinds.ts'
import { Model } from '../../../crds/model.ts'
import { ModelServer } from '../../../crds/modelserver.ts'

const l4 = { type: 'nvidia-l4' }

describe('what is left out is filled in where it is the same for everybody', () => {
  test.each([
    { kind: Model, spec: {}, filled: {} },
    {
      kind: Model,
      spec: { resources: { gpu: l4 } },
      filled: { resources: { gpu: { ...l4, count: 1 } } },
    },
    {
      kind: Model,
      spec: { resources: { gpu: { ...l4, count: 0 } } },
      filled: { resources: { gpu: { ...l4, count: 0 } } },
    },
    // Which type it is, is the administrator's choice: it stays out of the object.
    {
      kind: Model,
      spec: { resources: { gpu: { count: 2 } } },
      filled: { resources: { gpu: { count: 2 } } },
    },
    { kind: Model, spec: { resources: { memory: 4 } }, filled: { resources: { memory: 4 } } },
    { kind: ModelServer, spec: {}, filled: { replicas: 1 } },
    { kind: ModelServer, spec: { replicas: 0 }, filled: { replicas: 0 } },
  ])('$kind.kind $spec', ({ kind, spec, filled }) => {
    expect(fill(kind, { spec })).toEqual({ spec: filled })
  })

  test.each([undefined, null, 'text', [], { resources: 'text' }, { resources: { gpu: [] } }])(
    'what has another shape is left as it is: %o',
    (spec) => {
      for (const kind of kinds.filter((it) => it !== ModelServer))
        expect(fill(kind, { spec })).toEqual({ spec })
    },
  )
})
