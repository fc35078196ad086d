import { describe, expect, test } from 'vitest'
import { offlineConfig } from '../../../cli/configfile.ts'
import { readManifests } from '../../../cli/manifests.ts'
import { simulate } from '../../../cli/simulate.ts'
import type { Parent } from '../../../crds/kind.ts'

describe('every example becomes Ready', () => {
  const { manifests } = readManifests('examples')
  const simulations = simulate(
    manifests.map(({ object }) => object),
    offlineConfig(undefined),
    false,
  )
  test.each(
    simulations.map(({ parent, children }) => ({
      title: `${parent.kind} ${parent.metadata.name}`,
      parent,
      children,
    })),
  )('$title', ({ parent, children }) => {
    expect(parent.status).toMatchObject({ ready: true })
    expect(children.length).toBeGreaterThan(0)
  })
})

const image = 'example.com/train:1'

const inNamespace = (kind: string, name: string, namespace: string | undefined, spec: object) =>
  ({
    apiVersion: 'substratus.ai/v1',
    kind,
    metadata: { name, ...(namespace && { namespace }) },
    spec,
  }) as Parent

/** The namespaces in which Model "x" becomes an adapter, because a server in `namespace` lists an "x". */
function adaptersFor(namespace: string | undefined): readonly unknown[] {
  const objects = [
    inNamespace('ModelServer', 's', namespace, {
      model: { name: 'base' },
      adapters: [{ name: 'x' }],
    }),
    ...['a', 'default'].map((where) =>
      inNamespace('Model', 'x', where, { image, model: { name: 'base' }, params: { a: 1 } }),
    ),
    ...['a', 'default'].map((where) => inNamespace('Model', 'base', where, { image })),
  ]
  return simulate(objects, offlineConfig(undefined), false)
    .map(({ parent }) => parent as Shown)
    .filter(({ status }) => status?.artifacts?.adapter)
    .map(({ metadata }) => metadata.namespace)
}

type Shown = Parent & { readonly status?: { readonly artifacts?: { readonly adapter?: object } } }

test.each([
  { when: 'it names one', namespace: 'a', expected: ['a'] },
  { when: 'it names none, which is "default"', namespace: undefined, expected: ['default'] },
])(
  'a server makes adapters of the Models in its namespace alone: $when',
  ({ namespace, expected }) => {
    expect(adaptersFor(namespace)).toEqual(expected)
  },
)
