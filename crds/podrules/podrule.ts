import type { PodsOf } from '../config/pods.ts'
import type { Config } from '../config.ts'
import type { PodFields } from '../podtemplate.ts'
import { quoted } from '../quoted.ts'
import type { AnySpec } from '../rule.ts'
import { shortened } from '../schema/brevity.ts'

/** What a rule can read about the Pods of an object, or about those that the configuration describes. */
export interface PodInput {
  /** What the object says in spec.pod, or the configuration in pods. */
  readonly own: PodFields
  /** The same for an object, merged with what the configuration says about its kind. */
  readonly pod: PodFields
  readonly of: PodsOf
  /** Undefined in the configuration. */
  readonly spec: AnySpec | undefined
  readonly config: Config
}

export interface PodRule {
  /** The field below spec.pod. */
  readonly field: string
  /** Other fields of the spec that it reads. */
  readonly reads?: readonly string[]
  /** The message; undefined if the rule is not broken. */
  readonly fault: (input: PodInput) => string | undefined
}

/** The first fault of a list: each row reports one fault at a time. */
export const firstOf = <T>(
  items: readonly T[] | undefined,
  fault: (item: T, index: number) => string | undefined,
): string | undefined => {
  for (const [index, item] of (items ?? []).entries()) {
    const found = fault(item, index)
    if (found) return found
  }
  return undefined
}

/** `Forbidden: "a", "b" …` for the names that a test finds. */
export const names = (among: object | undefined, isMeant: (name: string) => boolean): string =>
  quoted(
    Object.keys(among ?? {})
      .filter(isMeant)
      .map((name) => shortened(name)),
  )

/** The first key that two items have, in double quotes. */
export function twiceIn<T>(
  items: readonly T[] | undefined,
  key: (item: T) => string | undefined,
): string | undefined {
  const seen = new Set<string>()
  return firstOf(items, (item) => {
    const name = key(item)
    if (name === undefined || !seen.has(name)) {
      if (name !== undefined) seen.add(name)
      return undefined
    }
    return `Duplicate value: "${name}"`
  })
}
