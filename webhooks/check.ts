import { wantsClaim } from '../crds/claims.ts'
import type { Config } from '../crds/config.ts'
import { fill } from '../crds/fill.ts'
import type { Kind, Parent } from '../crds/kind.ts'
import { kinds } from '../crds/kinds.ts'
import { claimName } from '../crds/names.ts'
import { checkRules } from '../crds/rules.ts'
import { type FieldError, sentence, type Validate, validatorOf, visible } from '../crds/validate.ts'
import type { Facts } from './facts.ts'
import type { AdmissionRequest } from './review.ts'
import { warningsOf } from './rules/advice.ts'
import { checkReferences } from './rules/references.ts'
import { checkUpdate, diskOf } from './rules/update.ts'

export interface Findings {
  readonly errors: readonly FieldError[]
  readonly warnings: readonly string[]
}

const validators: ReadonlyMap<Kind, Validate> = new Map(
  kinds.map((kind) => [kind, validatorOf(kind)]),
)

/** Every rule there is, for one object; defaults are applied first, as mutate does. */
export function check(
  kind: Kind,
  request: Pick<AdmissionRequest, 'object' | 'oldObject' | 'dryRun'>,
  config: Config,
  facts: Facts,
): Findings {
  const object = fill(kind, request.object as Parent)
  const oldObject = request.oldObject ? fill(kind, request.oldObject) : undefined
  const references = checkReferences(
    kind,
    object,
    oldObject,
    config,
    facts,
    request.dryRun === true,
  )
  const errors = [
    ...(validators.get(kind)?.(visible(object)) ?? []),
    ...checkRules(object, config),
    ...references.errors,
    ...(oldObject ? checkUpdate(object, oldObject, config) : []),
  ]
  // What the user did not touch must not keep the user from suspending.
  const [old, fresh] = partition(errors, (error) => isUntouched(error, object, oldObject))
  return {
    errors: fresh,
    warnings: [
      ...old.map(sentence),
      ...references.warnings,
      ...warningsOf(object, oldObject, config),
    ],
  }
}

const partition = <T>(items: readonly T[], test: (item: T) => boolean) =>
  [items.filter(test), items.filter((item) => !test(item))] as const

function isUntouched(
  { field, reads = [field] }: FieldError,
  object: Parent,
  oldObject: Parent | undefined,
): boolean {
  if (!oldObject) return false
  return reads.every((path) => readAt(object, path) === readAt(oldObject, path))
}

/** A value that can be compared; of `spec.source?`, whether there is one. */
const readAt = (object: Parent, path: string): unknown =>
  path.endsWith('?')
    ? (at(object, path.slice(0, -1)) ?? undefined) === undefined
    : JSON.stringify(at(object, path))

const at = (object: unknown, field: string): unknown =>
  field
    .split(/[.[\]]+/)
    .filter(Boolean)
    .reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], object)

/** What goes with an object: a person should read it before it is too late. */
export function deletionWarnings(object: Parent, config: Config): readonly string[] {
  if (!wantsClaim(object, config) && !hadClaim(object, config)) return []
  const size = diskOf(object, config)
  return [
    `claim "${claimName(object)}"${size ? ` (${size})` : ''} is deleted with it, unless its StorageClass retains volumes`,
  ]
}

/** A claim stays when the spec asks for it no longer: what was done in it is on record. */
function hadClaim(object: Parent, config: Config): boolean {
  const { artifacts, stages } = (object.status ?? {}) as {
    artifacts?: { url?: string }
    stages?: { run?: unknown; load?: unknown }
  }
  if (artifacts?.url?.startsWith(`pvc://${claimName(object)}/`)) return true
  return config.storage.driver === 'pvc' && Boolean(stages?.run ?? stages?.load)
}
