import type { Parent } from '../crds/kind.ts'
import type { FieldError } from '../crds/schema/validator.ts'

/**
 * Whether an error is about fields that the update did not change. Each field is compared once; a
 * `huge` one counts as changed.
 */
export function untouchedIn(
  object: Parent,
  oldObject: Parent | undefined,
  huge: ReadonlySet<unknown>,
) {
  const known = new Map<string, boolean>()
  const isSame = (path: string): boolean => {
    const same =
      known.get(path) ??
      (path.endsWith('?')
        ? isThere(object, path.slice(0, -1)) === isThere(oldObject, path.slice(0, -1))
        : isAlike(at(object, path), at(oldObject, path), huge))
    known.set(path, same)
    return same
  }
  return ({ field, reads = [field] }: FieldError): boolean =>
    oldObject !== undefined && reads.every((path) => path !== '' && isSame(path))
}

/** For `spec.source?`, which means only whether the field is set. */
const isThere = (object: unknown, path: string): boolean => (at(object, path) ?? null) !== null

const at = (object: unknown, field: string): unknown =>
  field
    .split(/[.[\]]+/)
    .filter(Boolean)
    .reduce<unknown>(
      (inner, key) =>
        typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key)
          ? (inner as Json)[key]
          : undefined,
      object,
    )

/** No valid field has even half as many values. */
const mostCompared = 10_000

/**
 * Whether two values are the same JSON. It does not recurse, because values may be nested very deeply.
 * A value that is too large to be valid counts as changed.
 */
function isAlike(one: unknown, other: unknown, huge: ReadonlySet<unknown>): boolean {
  const pairs: [unknown, unknown][] = [[one, other]]
  let compared = 0
  for (let pair = pairs.pop(); pair; pair = pairs.pop()) {
    const [a, b] = pair
    if (a === b) continue
    if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
    if (huge.has(a)) return false
    const keys = Object.keys(a)
    compared += keys.length
    if (Array.isArray(a) !== Array.isArray(b) || compared > mostCompared) return false
    if (keys.length !== Object.keys(b).length) return false
    for (const key of keys) {
      if (!Object.hasOwn(b, key)) return false
      pairs.push([(a as Json)[key], (b as Json)[key]])
    }
  }
  return true
}

type Json = Readonly<Record<string, unknown>>
