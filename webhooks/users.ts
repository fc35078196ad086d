import { type KindName, kinds } from '../crds/kinds.ts'
import type { ReferredKind } from '../crds/rule.ts'

/** The objects of the same namespace that refer to an object. */
export interface Users {
  readonly found: readonly { readonly kind: KindName; readonly name: string }[]
  /** Whether there are more than those that were found. */
  readonly areMore: boolean
}

export const noUsers: Users = { found: [], areMore: false }

/** The kinds that can refer to a kind, each with the field that names the object. */
export const usersOf = (target: string) =>
  kinds.flatMap(({ kind, plural, references }) =>
    references.flatMap(({ kind: referred, field }) =>
      referred === target ? [{ kind, plural, path: `spec.${field}.name` }] : [],
    ),
  )

/** The kinds that can list a Model as an adapter of another one, with the field that names that one. */
export const listersOf = (target: string) =>
  kinds.flatMap(({ kind, plural, referenceLists = [] }) =>
    referenceLists
      .filter((list) => list.kind === target)
      .map(({ field }) => ({ kind, plural, field, path: 'spec.model.name' })),
  )

export const isReferred = (kind: string): kind is ReferredKind => usersOf(kind).length > 0

/** A few names are enough to make somebody stop. */
const mostNamed = 3

/** `ModelServer "a" and Notebook "b" use it` */
export function usage({ found, areMore }: Users): string | undefined {
  if (!found.length) return undefined
  const named = found.slice(0, mostNamed).map(({ kind, name }) => `${kind} "${name}"`)
  const rest = found.length - named.length
  const more = rest ? [`${rest} ${areMore ? 'or more' : 'more'}`] : areMore ? ['more'] : []
  const all = [...named, ...more]
  const [last = '', ...before] = all.toReversed()
  const listed = before.length ? `${before.toReversed().join(', ')} and ${last}` : last
  return `${listed} ${all.length === 1 ? 'uses' : 'use'} it`
}
