import { isObject, type JsonObject } from '../../crds/schema/json.ts'
import { mergeKeys } from '../../hooks/observe/applied.ts'

/**
 * Three-way merge, like Metacontroller's dynamic apply: fields that were applied last and are no longer
 * desired are removed, desired fields are set, and fields that others wrote are left alone.
 */

type Items = readonly unknown[]

export function merge(observed: unknown, last: unknown, wanted: unknown): unknown {
  if (isObject(wanted) && isObject(observed))
    return mergeObjects(observed, isObject(last) ? last : {}, wanted)
  if (Array.isArray(wanted) && Array.isArray(observed))
    return mergeLists(observed, Array.isArray(last) ? last : [], wanted)
  return wanted
}

const mergeObjects = (observed: JsonObject, last: JsonObject, wanted: JsonObject): JsonObject => ({
  ...Object.fromEntries(Object.entries(observed).filter(([key]) => !(key in last))),
  ...Object.fromEntries(
    Object.entries(wanted).map(([key, value]) => [
      key,
      key in observed ? merge(observed[key], last[key], value) : value,
    ]),
  ),
})

/** Lists whose items have names are merged item by item; other lists are replaced. */
function mergeLists(observed: Items, last: Items, wanted: Items): Items {
  const items = [...observed, ...last, ...wanted]
  const key = mergeKeys.find((name) => items.every((item) => isObject(item) && name in item))
  if (!key) return wanted
  const nameOf = (item: unknown) => (item as JsonObject)[key]
  const among = (list: Items, name: unknown) => list.find((item) => nameOf(item) === name)
  const remaining = observed.flatMap((item) => {
    const now = among(wanted, nameOf(item))
    const before = among(last, nameOf(item))
    if (now) return [merge(item, before, now)]
    return before ? [] : [item]
  })
  return [...remaining, ...wanted.filter((item) => !among(observed, nameOf(item)))]
}
