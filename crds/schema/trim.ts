import { longestName, maxErrors, shortened } from './brevity.ts'
import type { Schema } from './builders.ts'
import { isObject } from './json.ts'

/** What may remain of a value, in total: its lists and maps are inside each other. */
export interface Budget {
  /** Unknown fields: no more errors than this are reported. */
  unknown: number
  /** Items of lists and entries of maps. */
  items: number
  /** What was removed beyond that. */
  dropped: number
}

/** More than the fields of any kind have at the top, and few enough to find all errors in them. */
export const budget = (): Budget => ({ unknown: maxErrors, items: 5000, dropped: 0 })

type Trim = (value: unknown, budget: Budget) => unknown

/**
 * Trims a value that is too large to validate: ajv creates an object for each error, and a body of a
 * few MiB can contain a million errors. A list or a map that is too long retains one item more than it
 * may have, and some of many unknown fields remain, so that the value stays invalid; unless the budget
 * for items is used up, which counts as dropped.
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
  (value, budget) => {
    if (!Array.isArray(value)) return value
    const part = within(budget, value.length > most ? value.slice(0, most + 1) : value)
    if (!trim) return part
    const trimmed = part.map((item) => trim(item, budget))
    return trimmed.every((item, index) => item === part[index]) ? part : trimmed
  }

/** As many items as the budget has left. */
function within<T>(budget: Budget, items: readonly T[]): readonly T[] {
  const rest = Math.max(0, items.length - budget.items)
  budget.dropped += rest
  budget.items -= items.length - rest
  return rest ? items.slice(0, items.length - rest) : items
}

/** The schema does not check the names in a map, so a long one is replaced by a shorter one. */
const trimOfMap =
  (most: number, trim?: Trim): Trim =>
  (value, budget) => {
    if (!isObject(value)) return value
    const all = Object.keys(value)
    const names = within(budget, all.length > most ? all.slice(0, most + 1) : all)
    const entries = names.map((name, index): [string, unknown] => [
      name.length > longestName ? `${shortened(name)}${index}` : name,
      trim ? trim(value[name], budget) : value[name],
    ])
    const isWhole = names === all && entries.every(([name, item]) => item === value[name])
    return isWhole ? value : Object.fromEntries(entries)
  }

function trimOfObject(properties: Readonly<Record<string, Schema>>): Trim {
  const inner = Object.entries(properties).flatMap(([name, field]): [string, Trim][] => {
    const trim = trimOf(field)
    return trim ? [[name, trim]] : []
  })
  return (value, budget) => {
    if (!isObject(value)) return value
    let part = withFewUnknown(value, properties, budget)
    for (const [name, trim] of inner) {
      if (!Object.hasOwn(part, name)) continue
      const trimmed = trim(part[name], budget)
      if (trimmed !== part[name]) part = { ...part, [name]: trimmed }
    }
    return part
  }
}

/** Without the unknown fields that exceed the budget. */
function withFewUnknown(
  value: Readonly<Record<string, unknown>>,
  properties: object,
  budget: Budget,
): Readonly<Record<string, unknown>> {
  const unknown = Object.keys(value).filter((name) => !Object.hasOwn(properties, name))
  const rest = Math.max(0, unknown.length - budget.unknown)
  budget.dropped += rest
  budget.unknown -= unknown.length - rest
  if (!rest) return value
  const known = Object.keys(properties).filter((name) => Object.hasOwn(value, name))
  return picked(value, [...known, ...unknown.slice(0, unknown.length - rest)])
}

const picked = (value: Readonly<Record<string, unknown>>, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, value[name]]))
