import { longestName, maxErrors, shortened } from './brevity.ts'
import type { Schema } from './builders.ts'
import { isObject } from './json.ts'

type Trim = (value: unknown, drop: (fields: number) => void) => unknown

/**
 * Trims a value that is too large to validate: ajv creates an object for each error, and a body of a
 * few MiB can contain a million errors. A trimmed value stays invalid: a list or a map that is too long
 * retains one item more than it may have, and some of many unknown fields remain. `drop` counts the
 * fields that are removed.
 */
export function trimOf(schema: Schema): Trim | undefined {
  const { properties, items, additionalProperties, maxItems, maxProperties, maxLength } = schema
  if (properties) return trimOfObject(properties)
  if (items && maxItems !== undefined) return trimOfList(maxItems, trimOf(items))
  if (additionalProperties && maxProperties !== undefined)
    return trimOfMap(maxProperties, trimOf(additionalProperties))
  if (maxLength === undefined) return undefined
  // A code point is at most two units.
  const longest = 2 * maxLength + 2
  return (value) =>
    typeof value === 'string' && value.length > longest ? value.slice(0, longest) : value
}

const trimOfList =
  (most: number, trim?: Trim): Trim =>
  (value, drop) => {
    if (!Array.isArray(value)) return value
    const part = value.length > most ? value.slice(0, most + 1) : value
    if (!trim) return part
    const trimmed = part.map((item) => trim(item, drop))
    return trimmed.every((item, index) => item === part[index]) ? part : trimmed
  }

/** The schema does not check the names in a map, so a long one is replaced by a shorter one. */
const trimOfMap =
  (most: number, trim?: Trim): Trim =>
  (value, drop) => {
    if (!isObject(value)) return value
    const all = Object.keys(value)
    const names = all.length > most ? all.slice(0, most + 1) : all
    const entries = names.map((name, index): [string, unknown] => [
      name.length > longestName ? `${shortened(name)}${index}` : name,
      trim ? trim(value[name], drop) : value[name],
    ])
    const isWhole = names === all && entries.every(([name, item]) => item === value[name])
    return isWhole ? value : Object.fromEntries(entries)
  }

function trimOfObject(properties: Readonly<Record<string, Schema>>): Trim {
  const inner = Object.entries(properties).flatMap(([name, field]): [string, Trim][] => {
    const trim = trimOf(field)
    return trim ? [[name, trim]] : []
  })
  const mostNames = Object.keys(properties).length + maxErrors
  return (value, drop) => {
    if (!isObject(value)) return value
    const names = Object.keys(value)
    let part = value
    if (names.length > mostNames) {
      const known = Object.keys(properties).filter((name) => Object.hasOwn(value, name))
      const unknown: string[] = []
      for (const name of names) {
        if (unknown.length === maxErrors) break
        if (!Object.hasOwn(properties, name)) unknown.push(name)
      }
      drop(names.length - known.length - unknown.length)
      part = picked(value, [...known, ...unknown])
    }
    for (const [name, trim] of inner) {
      if (!Object.hasOwn(part, name)) continue
      const trimmed = trim(part[name], drop)
      if (trimmed !== part[name]) part = { ...part, [name]: trimmed }
    }
    return part
  }
}

const picked = (value: Readonly<Record<string, unknown>>, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, value[name]]))
