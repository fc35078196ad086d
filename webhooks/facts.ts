import type { Kind, Parent } from '../crds/kind.ts'

/**
 * What the edge looked up before the rules are asked: objects by "Kind/name". null: it was looked
 * for and is not there; absent: nobody looked, and rules say nothing.
 */
export type Facts = Readonly<Record<string, Parent | null>>

export interface Reference {
  readonly field: string
  readonly kind: 'Model' | 'Dataset'
  readonly name: string
}

export const factOf = (facts: Facts, kind: string, name: string): Parent | null | undefined =>
  facts[`${kind}/${name}`]

/** The references of an object, by the fields that name them. */
export const referencesIn = (kind: Kind, object: Parent): readonly Reference[] =>
  newReferences(kind, object, undefined)

/** The references that are new or changed: only these are looked up, and only these refuse. */
export const newReferences = (
  kind: Kind,
  object: Parent,
  oldObject: Parent | null | undefined,
): readonly Reference[] =>
  kind.references.flatMap(({ field, kind: target }) => {
    const name = nameAt(object, field)
    return name && name !== nameAt(oldObject, field)
      ? [{ field: `spec.${field}.name`, kind: target, name }]
      : []
  })

const nameAt = (object: Parent | null | undefined, field: string): string | undefined => {
  const name = (
    object?.spec as Record<string, { name?: unknown } | undefined> | null | undefined
  )?.[field]?.name
  return typeof name === 'string' ? name : undefined
}

/** The base of a Model, which a search for cycles follows. */
export const baseOf = (object: Parent | null | undefined): string | undefined =>
  object?.kind === 'Model' ? nameAt(object, 'model') : undefined

/** Chains of bases longer than this are not followed. */
export const longestChain = 32
