import type { Config } from './config.ts'
import type { DatasetSpec } from './dataset.ts'
import type { NodeFacts } from './imagevolumes.ts'
import type { Parent, ReferenceField } from './kind.ts'
import type { ModelSpec } from './model.ts'
import type { ModelServerSpec } from './modelserver.ts'
import type { NotebookSpec } from './notebook.ts'
import type { FieldError } from './schema/validator.ts'

/**
 * What the schema cannot express: a rule may read the administrator's configuration, the object before
 * a change, and referenced objects. It runs only if the fields that it reads are valid by the schema, so
 * it throws only because of our own bugs.
 */
export interface Rule {
  /** The field that the message is about; empty for the object as a whole. */
  readonly field: string
  /** The fields that must be valid by the schema before it runs; without it, `field`. */
  readonly reads?: readonly string[]
  /** The fields whose change can break it; default `field`, or `reads` if those are parts of it. */
  readonly brokenBy?: readonly string[]
  /** The referenced objects that it reads. The server looks them up before the rule runs. */
  readonly needs?: Needs
  readonly broken: (input: RuleInput) => boolean
  readonly message: (input: RuleInput) => string
  /** Whether the broken rule only warns, as advice always does. Without it, the object is refused. */
  readonly warns?: (input: RuleInput) => boolean
}

/** What a rule can read. */
export interface RuleInput extends Change {
  /** The spec of `object`. */
  readonly spec: AnySpec
  readonly config: Config
  readonly dryRun: boolean
  /** The user of the request, in the API server's words; unknown without a cluster. */
  readonly username?: string | undefined
  /** Reads a referenced object that the rule needs. */
  readonly read: Read
  /** The other ModelServers of a Model, for a rule that needs them; if there are many, only some of them. */
  readonly servers?: readonly Parent[]
  /** All nodes of the cluster; absent if they are not known. */
  readonly nodes?: readonly NodeFacts[] | undefined
}

/** An object after the change, and before it if the change is an update. */
export interface Change {
  readonly object: Parent
  readonly oldObject?: Parent | null | undefined
}

/** The fields of all kinds, each optional. */
export type AnySpec = Partial<DatasetSpec & ModelSpec & ModelServerSpec & NotebookSpec>

/** The spec of an object whose fields may be missing, or wrong by the schema. */
export const specOf = ({ spec }: Pick<Parent, 'spec'>): AnySpec => (spec ?? {}) as AnySpec

/** The objects that a rule needs. It can read only those. */
export interface Needs {
  /** The references that this change adds or changes, or all references of the object. */
  readonly references: 'changed' | 'all'
  readonly to?: ReferredKind
  /** Limits the rule to some changes; without it, the rule applies to all. */
  readonly when?: (change: Change) => boolean
  /** Also the base of a Model, its base, and so on, as far as a cycle could reach and time permits. */
  readonly withBases?: true
  /** Also the Models in spec.adapters, all of them. */
  readonly withAdapters?: true
  /** Also the other ModelServers of a referenced Model, if this returns true for the Model. */
  readonly withServers?: (model: Parent) => boolean
}

export type ReferredKind = ReferenceField['kind']

/** The object; null if it does not exist; undefined if it was not looked up, so that the rule is not broken. */
export type Read = (kind: ReferredKind, name: string) => Parent | null | undefined

/** Whether a path is valid by the schema. */
export type IsValidPath = (path: string) => boolean

/** The error of a broken rule. */
export function errorOf(
  { field, reads, brokenBy, broken, message }: Rule,
  input: RuleInput,
  isValidPath: IsValidPath,
): FieldError | undefined {
  if (!(reads ? reads.every(isValidPath) : isValidPath(field)) || !broken(input)) return undefined
  // An update that leaves the parts of a field alone did not break a rule about these parts.
  const isAboutParts = reads?.some((path) => path.startsWith(`${field}.`))
  const parts = brokenBy ?? (isAboutParts ? reads : undefined)
  return { field, message: message(input), ...(parts && { reads: parts }) }
}
