import fc from 'fast-check'
import type { Kind } from '../crds/kind.ts'
import type { Schema } from '../crds/schema/builders.ts'
import type { Json } from './objects.ts'

/** Objects around the schema of a kind: valid ones with a few fields that are changed, removed or added. */

interface Place {
  readonly path: readonly (string | number)[]
  readonly schema: Schema
}

/** Every place of a value in a schema. A list has one item, and a map the keys that people write. */
function* placesIn(schema: Schema, path: Place['path'] = []): Iterable<Place> {
  yield { path, schema }
  for (const [name, field] of Object.entries(schema.properties ?? {}))
    yield* placesIn(field, [...path, name])
  if (schema.items) yield* placesIn(schema.items, [...path, 0])
  const { additionalProperties } = schema
  if (additionalProperties)
    for (const key of ['a', 'A_B', 'example.com/a'])
      yield* placesIn(additionalProperties, [...path, key])
}

const long = (length: number): string => 'a'.repeat(length)

/** Values that are wrong in most places, and right in some. */
const odd: readonly unknown[] = [
  ...[null, true, false, 0, 1, -1, 1.5, 2 ** 31, 2 ** 53, 1e300, '', ' ', 'a', 'A', '-', 'a b'],
  ...['a\nb', '$(A)', '$$', '10', '10Gi', '16000m', '1e3', '-1', '100%', '0.5', 'true', 'null'],
  ...['../..', '/a', '/', 'a/b', 'a/../b', '{model}', 'ä', '\u202e', '\u0000', 'http://a b'],
  ...['https://example.com/a', 'git@example.com:a/b', 'hf://a/b', 's3://a/b', 'file:///etc/passwd'],
  ...['example.com/a:1', 'example.com/A', `example.com/a@sha256:${'0'.repeat(64)}`, '1h30m', '-1h'],
  ...[long(63), long(64), long(254), [], {}, [null], ['a', 'a'], [{}], { a: null }, { '': '' }],
  ...[{ name: 'a' }, { name: 'squad' }, { unknown: true }, [[]], { a: { a: 1 } }],
]

/** What fits the schema, as far as it says so. */
const fitting = ({
  enum: values = [],
  minimum,
  maximum,
  default: standard,
}: Schema): readonly unknown[] => [
  ...values,
  ...[minimum, maximum].flatMap((limit) =>
    limit === undefined ? [] : [limit - 1, limit, limit + 1],
  ),
  ...(standard === undefined ? [] : [standard]),
]

type Change = { readonly path: Place['path'] } & (
  | { readonly does: 'set'; readonly value: unknown }
  | { readonly does: 'remove' | 'add' }
)

/** A copy with the change. It is left alone where the path leads through something that is no object or list. */
function changed(value: Json, [step, ...rest]: Place['path'], change: Change): Json {
  if (step === undefined) {
    if (change.does === 'set') return change.value
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return change.does === 'add' && isObject ? { ...value, unknownField: 1 } : value
  }
  const inside = value ?? (typeof step === 'number' ? [] : {})
  if (typeof inside !== 'object' || Array.isArray(inside) !== (typeof step === 'number'))
    return value
  if (change.does === 'remove' && rest.length === 0) {
    const { [step]: _, ...others } = inside
    return Array.isArray(inside) ? inside.slice(1) : others
  }
  const next = changed(inside[step], rest, change)
  if (next === undefined) return value
  if (!Array.isArray(inside)) return { ...inside, [step]: next }
  return [...inside.slice(0, Number(step)), next, ...inside.slice(Number(step) + 1)]
}

const metadataChanges: readonly object[] = [
  ...['falcon', 'a-1', '12', 'Falcon', 'a.b', 'a_b', '', long(50), long(51), long(254)].map(
    (name) => ({ name }),
  ),
  ...['a', 'a/b', 'a/b/c', '', 'a_', 'kubernetes.io/a', long(64)].map((key) => ({
    labels: { [key]: 'b' },
  })),
  ...['a', '', 'a b', 'a_', long(64), 1, true].map((value) => ({ labels: { a: value } })),
  ...['a', '', 'a b', 5].map((value) => ({ annotations: { 'substratus.ai/rerun': value } })),
  ...['a', 'a.b/c', '', 12].map((finalizer) => ({ finalizers: [finalizer] })),
  { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'a', uid: 'b' }] },
  { ownerReferences: [{}] },
  { lables: {} },
]

/** `valid`: specs that are accepted; the values at a place of one are tried in the others too. */
export function aroundSchema(kind: Kind, valid: readonly Json[]): fc.Arbitrary<Json> {
  const places = [...placesIn(kind.spec)]
  const valueAt = (spec: Json, path: Place['path']): unknown =>
    path.reduce((value: Json, step) => value?.[step], spec)
  const valuesAt = ({ path, schema }: Place): readonly unknown[] => [
    ...valid.map((spec) => valueAt(spec, path)).filter((value) => value !== undefined),
    ...fitting(schema),
  ]
  const change = fc.constantFrom(...places).chain((place): fc.Arbitrary<Change> => {
    const right = valuesAt(place)
    const set = (values: readonly unknown[]) =>
      fc.constantFrom(...values).map((value) => ({ does: 'set', path: place.path, value }) as const)
    return fc.oneof(
      { weight: 8, arbitrary: set(right.length ? right : odd) },
      { weight: 3, arbitrary: set(odd) },
      { weight: 1, arbitrary: fc.constant({ does: 'remove', path: place.path } as const) },
      { weight: 1, arbitrary: fc.constant({ does: 'add', path: place.path } as const) },
    )
  })
  return fc
    .record({
      spec: fc.constantFrom(...valid),
      changes: fc.array(change, { maxLength: 2 }),
      metadata: fc.option(fc.constantFrom(...metadataChanges), { nil: {}, freq: 6 }),
    })
    .map(({ spec, changes, metadata }) => ({
      apiVersion: 'substratus.ai/v1',
      kind: kind.kind,
      metadata: { name: 'falcon', ...metadata },
      spec: changes.reduce((so, one) => changed(so, one.path, one), spec),
    }))
}
