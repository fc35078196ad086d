import { quantity } from '../../crds/podvolumes.ts'
import type { Schema } from '../../crds/schema/builders.ts'
import { isObject } from '../../crds/schema/json.ts'
import { cores } from '../../crds/schema/quantity.ts'

/**
 * A value as the API server stores it: with canonical quantities, and without `false` and empty lists,
 * maps and strings, all of which mean "not set". Otherwise Metacontroller would write the value again
 * for ever. An empty object stays, because `emptyDir: {}` and `labelSelector: {}` mean something.
 */
export function asStored<T>(schema: Schema<T>, value: T | undefined): T | undefined {
  return stored(schema, value) as T | undefined
}

function stored(schema: Schema, value: unknown): unknown {
  if (value === '' || value === false) return undefined
  if ((schema as unknown) === quantity) return cores(value as number | string)
  const { items, properties, additionalProperties } = schema
  if (items && Array.isArray(value))
    return value.length
      ? value.map((item) => (item === '' ? item : stored(items, item)))
      : undefined
  if (!isObject(value)) return value
  const entries = Object.entries(value).flatMap(([name, inner]) => {
    const field = properties?.[name] ?? additionalProperties
    const kept = field && inner !== undefined ? storedEntry(field, name, inner, !properties) : inner
    return kept === undefined ? [] : [[name, kept]]
  })
  return additionalProperties && !entries.length ? undefined : Object.fromEntries(entries)
}

/** An empty entry of a map stays, and a probe's initial delay is zero by default. */
function storedEntry(schema: Schema, name: string, value: unknown, isInMap: boolean): unknown {
  if (isInMap && value === '') return value
  if (name === 'initialDelaySeconds' && value === 0) return undefined
  return stored(schema, value)
}
