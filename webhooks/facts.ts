import type { Kind, Parent } from '../crds/kind.ts'
import { kindNamed } from '../crds/kinds.ts'
import type { Change, Needs, Read, ReferredKind, Rule } from '../crds/rule.ts'
import { isObject } from '../crds/schema/json.ts'
import { mostAdapters } from '../crds/status.ts'

/**
 * What the server looked up before the rules run: objects by "Kind/name". null: the object does not
 * exist; absent: it was not looked up, so rules about it are not broken.
 */
export type Facts = Readonly<Record<string, Parent | null>>

export interface Reference {
  readonly field: string
  readonly kind: ReferredKind
  readonly name: string
}

/** The references that a rule needs for a change. */
export const neededOf = (
  { references, to, when, withAdapters }: Needs,
  { object, oldObject }: Change,
): readonly Reference[] => {
  if (when && !when({ object, oldObject })) return []
  const kind = kindNamed(object.kind)
  const old = references === 'all' ? undefined : oldObject
  const named = newReferences(kind, object, old).filter((reference) => !to || reference.kind === to)
  return withAdapters ? [...named, ...listedReferences(kind, object)] : named
}

/** Whether a rule applies to a change: a rule that needs other objects does only if the change refers to some. */
export const appliesTo = ({ needs }: Rule, change: Change): boolean =>
  !needs || neededOf(needs, change).length > 0

/**
 * Reads the declared facts.
 * @throws for any other fact, which is a bug in the rule.
 */
export function readerOf(needs: Needs | undefined, change: Change, facts: Facts): Read {
  const declared = needs ? neededOf(needs, change) : []
  const isBase = (kind: string) => kind === 'Model' && needs?.withBases && declared.length > 0
  return (kind, name) => {
    if (!isBase(kind) && !declared.some((need) => need.kind === kind && need.name === name))
      throw new Error(`a rule reads ${kind} "${name}", which is not declared in its needs`)
    return facts[`${kind}/${name}`]
  }
}

/** The other ModelServers that were looked up, for a rule that needs them. */
export const serversFor = ({ withServers }: Needs, { object }: Change, facts: Facts) =>
  withServers
    ? {
        servers: Object.values(facts).filter(
          (one) => one?.kind === 'ModelServer' && one.metadata.name !== object.metadata.name,
        ) as readonly Parent[],
      }
    : {}

/** The references of an object, by the fields that name them. */
export const referencesIn = (kind: Kind, object: Parent): readonly Reference[] => [
  ...newReferences(kind, object, undefined),
  ...listedReferences(kind, object),
]

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

/** The references in lists. The schema refuses a list that is longer, and names that occur twice. */
const listedReferences = ({ referenceLists = [] }: Kind, { spec }: Parent): readonly Reference[] =>
  referenceLists.flatMap(({ field, kind }) => {
    const listed = isObject(spec) ? spec[field] : undefined
    if (!Array.isArray(listed)) return []
    return listed
      .slice(0, mostAdapters)
      .flatMap((one: unknown, at) =>
        isObject(one) && typeof one.name === 'string' && isName(one.name)
          ? [{ field: `spec.${field}[${at}].name`, kind, name: one.name }]
          : [],
      )
  })

/** An invalid name is never looked up: the schema reports it. */
const nameAt = (object: Parent | null | undefined, field: string): string | undefined => {
  const reference = isObject(object?.spec) ? object.spec[field] : undefined
  const name = isObject(reference) ? reference.name : undefined
  return typeof name === 'string' && isName(name) ? name : undefined
}

const isName = (name: string): boolean =>
  name.length <= 50 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name)

/** The base of a Model, which a search for cycles follows. */
export const baseOf = (object: Parent | null | undefined): string | undefined =>
  object?.kind === 'Model' ? nameAt(object, 'model') : undefined

/** Chains of bases longer than this are not followed. */
export const longestChain = 32
