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

/** An object after the change, and before it if the change is an update. */
export interface Change {
  readonly kind: Kind
  readonly object: Parent
  readonly oldObject?: Parent | null | undefined
}

/**
 * The objects that a rule needs. The server looks up what the rules declare for a change, and a rule
 * can read only what it has declared itself.
 */
export interface Needs {
  /** The references that this change adds or changes, or all references of the object. */
  readonly references: 'changed' | 'all'
  readonly to?: 'Model' | 'Dataset'
  /** Limits the rule to some changes; without it, the rule applies to all. */
  readonly when?: (change: Change) => boolean
  /** Also the base of a Model, its base, and so on, as far as a cycle could reach and time suffices. */
  readonly withBases?: true
}

/** Reads an object by its reference; undefined if it was not looked up. */
export type Read = (kind: Reference['kind'], name: string) => Parent | null | undefined

/** The references that a rule needs for a change. */
export const neededOf = (
  { references, to, when }: Needs,
  { kind, object, oldObject }: Change,
): readonly Reference[] =>
  when && !when({ kind, object, oldObject })
    ? []
    : newReferences(kind, object, references === 'all' ? undefined : oldObject).filter(
        (reference) => !to || reference.kind === to,
      )

/**
 * Reads the declared facts.
 * @throws at any other fact: that is a bug in the rule.
 */
export function readerOf(needs: Needs, change: Change, facts: Facts): Read {
  const declared = neededOf(needs, change)
  const isBase = (kind: string) => kind === 'Model' && needs.withBases && declared.length > 0
  return (kind, name) => {
    if (!isBase(kind) && !declared.some((need) => need.kind === kind && need.name === name))
      throw new Error(`a rule reads ${kind} "${name}", which is not declared in its needs`)
    return facts[`${kind}/${name}`]
  }
}

/** The references of an object, by the fields that name them. */
export const referencesIn = (kind: Kind, object: Parent): readonly Reference[] =>
  newReferences(kind, object, undefined)

/** The references that are new or changed: only these can cause a refusal. */
const newReferences = (
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

/** An invalid name is reported by the schema, and is never looked up. */
const nameAt = (object: Parent | null | undefined, field: string): string | undefined => {
  const name = (
    object?.spec as Record<string, { name?: unknown } | null | undefined> | null | undefined
  )?.[field]?.name
  return typeof name === 'string' && isName(name) ? name : undefined
}

const isName = (name: string): boolean =>
  name.length <= 50 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name)

/** The base of a Model, which a search for cycles follows. */
export const baseOf = (object: Parent | null | undefined): string | undefined =>
  object?.kind === 'Model' ? nameAt(object, 'model') : undefined

/** Chains of bases longer than this are not followed. */
export const longestChain = 32
