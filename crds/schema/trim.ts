import { longestName, maxErrors, shortened } from './brevity.ts'
import type { Schema } from './builders.ts'
import { isObject, type JsonObject } from './json.ts'

type Trim = (value: unknown, report: Report) => unknown

/** The counters while one value is trimmed. */
interface Report {
  dropped: number
  huge: Set<unknown> | undefined
  /** Unknown fields that may remain in total, which is also the most errors that are reported. */
  unknown: number
  /** Items of lists and entries of maps that may remain in total, because they may be nested. */
  items: number
  isCut: boolean
}

/** More than the top-level fields may have, yet few enough to find all errors in them. */
const mostItems = 5000

/** No valid value has this many names. Listing them alone takes long, so it is done once. */
const mostNames = 10_000

/** A value without the parts that make it too large to validate. */
export interface Trimmed {
  readonly value: unknown
  readonly given: unknown
  /** How many fields were removed. */
  readonly dropped: number
  /** The objects in `given` with more than 10,000 names. */
  readonly huge: ReadonlySet<unknown>
  /** Whether the removed items may have been the only invalid ones. */
  readonly isCut: boolean
}

/**
 * Trims a value that is too large to validate: ajv creates an object for each error, and a body of a
 * few MiB can contain a million errors. A trimmed value stays invalid: a list or a map that is too long
 * retains one item more than it may have, and some of many unknown fields remain. It is cut further
 * only if very many items are nested. Any other value is returned as it is.
 */
export function trimmer(schema: Schema): (value: unknown) => Trimmed {
  const trim = trimOf(schema)
  return (given) => {
    const start = { dropped: 0, huge: undefined, isCut: false }
    const report: Report = { ...start, unknown: maxErrors, items: mostItems }
    const value = trim ? trim(given, report) : given
    const { dropped, huge = none, isCut } = report
    return { value, given, dropped, huge, isCut }
  }
}

const none: ReadonlySet<unknown> = new Set()

function trimOf(schema: Schema): Trim | undefined {
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
  (value, report) => {
    if (!Array.isArray(value)) return value
    const part = within(report, value.length > most ? value.slice(0, most + 1) : value)
    if (!trim) return part
    const trimmed = part.map((item) => trim(item, report))
    return trimmed.every((item, index) => item === part[index]) ? part : trimmed
  }

/** As many items as may still remain. */
function within<T>(report: Report, items: readonly T[]): readonly T[] {
  const rest = Math.max(0, items.length - report.items)
  report.items -= items.length - rest
  if (!rest) return items
  report.dropped += rest
  report.isCut = true
  return items.slice(0, items.length - rest)
}

/** The schema does not check the names in a map, so a long one is replaced by a shorter one. */
const trimOfMap =
  (most: number, trim?: Trim): Trim =>
  (value, report) => {
    if (!isObject(value)) return value
    const all = namesOf(value, report)
    const before = { ...report }
    const few = within(report, all.length > most ? all.slice(0, most + 1) : all)
    if (few === all && all.every((name) => isSmall(name, value[name], report, trim))) return value
    Object.assign(report, before)
    const names = within(report, few)
    const entries = names.map((name, index): [string, unknown] => [
      name.length > longestName ? `${shortened(name)}${index}` : name,
      trim ? trim(value[name], report) : value[name],
    ])
    return Object.fromEntries(entries)
  }

/** Whether an entry of a map stays as it is. */
const isSmall = (name: string, item: unknown, report: Report, trim?: Trim): boolean =>
  name.length <= longestName && (!trim || trim(item, report) === item)

function trimOfObject(properties: Readonly<Record<string, Schema>>): Trim {
  const inner = Object.entries(properties).flatMap(([name, field]): [string, Trim][] => {
    const trim = trimOf(field)
    return trim ? [[name, trim]] : []
  })
  return (value, report) => {
    if (!isObject(value)) return value
    let part = withFewUnknown(value, properties, report)
    for (const [name, trim] of inner) {
      const field = part[name]
      if (field === undefined) continue
      const trimmed = trim(field, report)
      if (trimmed !== field) part = { ...part, [name]: trimmed }
    }
    return part
  }
}

/** Without the excess unknown fields. */
function withFewUnknown(value: JsonObject, properties: object, report: Report): JsonObject {
  const names = namesOf(value, report)
  const unknown: string[] = []
  let known = 0
  for (const name of names) {
    if (Object.hasOwn(properties, name)) known++
    else if (unknown.length < report.unknown) unknown.push(name)
  }
  report.unknown -= unknown.length
  const rest = names.length - known - unknown.length
  if (!rest) return value
  report.dropped += rest
  const all = Object.keys(properties).filter((name) => Object.hasOwn(value, name))
  return picked(value, [...all, ...unknown])
}

const picked = (value: Readonly<Record<string, unknown>>, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, value[name]]))

function namesOf(value: object, report: Report): readonly string[] {
  const names = Object.keys(value)
  if (names.length > mostNames) {
    report.huge ??= new Set()
    report.huge.add(value)
  }
  return names
}
