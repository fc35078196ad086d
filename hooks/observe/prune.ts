import type { Schema } from '../../crds/schema/builders.ts'
import { isObject } from '../../crds/schema/json.ts'

/**
 * The parts of a value that its schema allows; undefined if nothing is left. An invalid field is
 * dropped, and so is an object that requires that field: the result is valid by the schema.
 */
export function prune(schema: Schema, value: unknown): unknown {
  if (schema.properties || schema.additionalProperties) return pruneObject(schema, value)
  if (schema.items) return pruneList(schema, schema.items, value)
  return isAllowed(schema, value) ? value : undefined
}

function pruneObject(schema: Schema, value: unknown): unknown {
  if (!isObject(value)) return undefined
  const { properties, additionalProperties, maxProperties } = schema
  // Reads only the names in the schema: a value may have a million others.
  const names = properties
    ? Object.keys(properties).filter((name) => Object.hasOwn(value, name))
    : Object.keys(value).slice(0, maxProperties)
  const entries = names.flatMap((name): [string, unknown][] => {
    const known = properties?.[name] ?? additionalProperties
    const left = known ? prune(known, value[name]) : undefined
    return left === undefined ? [] : [[name, left]]
  })
  const whole = Object.fromEntries(entries)
  return schema.required?.some((name) => !Object.hasOwn(whole, name)) ? undefined : whole
}

function pruneList({ maxItems }: Schema, items: Schema, value: unknown): unknown {
  if (!Array.isArray(value)) return undefined
  return value
    .slice(0, maxItems)
    .map((item) => prune(items, item))
    .filter((item) => item !== undefined)
}

function isAllowed(schema: Schema, value: unknown): boolean {
  const { type, minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema
  switch (type) {
    case 'string':
      return typeof value === 'string' && isAllowedText(schema, value)
    case 'integer':
      return (
        Number.isSafeInteger(value) && (value as number) >= minimum && (value as number) <= maximum
      )
    default:
      return typeof value === type
  }
}

const isAllowedText = (
  { enum: choices, maxLength = Number.POSITIVE_INFINITY, pattern }: Schema,
  value: string,
): boolean =>
  (!choices || choices.includes(value)) &&
  // The API server counts code points; each is one or two units of a JavaScript string.
  value.length <= 2 * maxLength &&
  [...value].length <= maxLength &&
  (!pattern || regexOf(pattern).test(value))

const regexes = new Map<string, RegExp>()

/** The few patterns of the schemas are compiled once. */
function regexOf(pattern: string): RegExp {
  const known = regexes.get(pattern) ?? new RegExp(pattern, 'u')
  regexes.set(pattern, known)
  return known
}
