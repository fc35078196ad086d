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

/** An object as it is to become, and as it was before an update. */
export interface Change {
  readonly kind: Kind
  readonly object: Parent
  readonly oldObject?: Parent | null | undefined
}

/**
 * The objects that a rule must know. The edge looks up what any rule needs of a change, and hands a
 * rule nothing else: what it forgets to declare it cannot read.
 */
export interface Needs {
  /** The references that this change makes or changes, or all that the object has. */
  readonly references: 'changed' | 'all'
  readonly to?: 'Model' | 'Dataset'
  /** Only for changes of this kind; always where there is no condition. */
  readonly when?: (change: Change) => boolean
  /** And the base of a Model, its base, and so on: as far as a cycle could reach and time suffices. */
  readonly withBases?: true
}

/** An object by its reference; undefined where nobody looked. */
export type Read = (kind: Reference['kind'], name: string) => Parent | null | undefined

/** The references that are to be known of a change. */
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
 * The facts as far as they were declared.
 * @throws at any other, which is a mistake of the rule.
 */
export function readerOf(needs: Needs, change: Change, facts: Facts): Read {
  const declared = neededOf(needs, change)
  const isBase = (kind: string) => kind === 'Model' && needs.withBases && declared.length > 0
  return (kind, name) => {
    if (!isBase(kind) && !declared.some((need) => need.kind === kind && need.name === name))
      throw new Error(`a rule reads ${kind} "${name}", which it did not declare among its needs`)
    return facts[`${kind}/${name}`]
  }
}

/** The references of an object, by the fields that name them. */
export const referencesIn = (kind: Kind, object: Parent): readonly Reference[] =>
  newReferences(kind, object, undefined)

/** The references that are new or changed: only these refuse. */
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

/** What cannot be a name is the schema's business, and is asked of nobody. */
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
