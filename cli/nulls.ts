import type { Schema } from '../crds/schema/builders.ts'
import { isObject } from '../crds/schema/json.ts'

/** The API server removes fields that are null before it validates, but not items of a list. */
export function withoutNulls(schema: Schema | undefined, value: unknown): unknown {
  if (!schema) return value
  if (Array.isArray(value)) return value.map((item) => withoutNulls(schema.items, item))
  if (!isObject(value)) return value
  const entries = Object.entries(value).flatMap(([name, inner]): [string, unknown][] => {
    const known = ownField(schema, name)
    return known && inner === null ? [] : [[name, withoutNulls(known, inner)]]
  })
  return Object.fromEntries(entries)
}

const ownField = ({ properties, additionalProperties }: Schema, name: string) =>
  properties && Object.hasOwn(properties, name) ? properties[name] : additionalProperties
