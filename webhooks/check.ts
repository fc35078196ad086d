import { wantsClaim } from '../crds/claims.ts'
import type { Config } from '../crds/config.ts'
import { fill } from '../crds/fill.ts'
import type { Kind, Parent } from '../crds/kind.ts'
import { kinds } from '../crds/kinds.ts'
import { claimName } from '../crds/names.ts'
import { validatorOf, visible } from '../crds/objectvalidator.ts'
import { checkRules } from '../crds/rules.ts'
import { mostSaid } from '../crds/schema/brevity.ts'
import {
  type FieldError,
  holdsIn,
  limited,
  sentence,
  type Validate,
} from '../crds/schema/validator.ts'
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

/** Checks all rules for one object; defaults are applied first, as mutate does. */
export function check(
  kind: Kind,
  request: Pick<AdmissionRequest, 'object' | 'oldObject' | 'dryRun'>,
  config: Config,
  facts: Facts,
): Findings {
  const given = slim(request.object as Parent)
  const wrong = validators.get(kind)?.(visible(given)) ?? []
  // Defaults neither cause nor repair errors, so an object with too many errors is not copied.
  const object = wrong.length > mostSaid ? given : fill(kind, given)
  const oldObject = request.oldObject ? fill(kind, slim(request.oldObject)) : undefined
  const holds = holdsIn(wrong)
  const references = checkReferences(
    { kind, object, oldObject },
    config,
    facts,
    request.dryRun === true,
    holds,
  )
  const errors = [
    ...wrong,
    ...checkRules(object, config, wrong),
    ...references.errors,
    ...(oldObject && holds('spec.resources.disk') ? checkUpdate(object, oldObject, config) : []),
  ]
  // What the user did not touch must not keep the user from suspending.
  const [old, fresh] = partition(errors, untouchedIn(object, oldObject))
  return {
    errors: limited(fresh),
    warnings: [
      ...limited(old).map(sentence),
      ...references.warnings,
      ...warningsOf(object, oldObject, config, holds),
    ],
  }
}

/** Only the parts that rules read: fill copies the object, and the other parts may be large. */
const slim = ({ apiVersion, kind, metadata, spec, status }: Parent): Parent => ({
  apiVersion,
  kind,
  metadata,
  spec,
  ...(status !== undefined && { status }),
})

const partition = <T>(items: readonly T[], test: (item: T) => boolean) =>
  [items.filter(test), items.filter((item) => !test(item))] as const

/** Whether an error is about fields that the update did not change. Each field is compared once. */
function untouchedIn(object: Parent, oldObject: Parent | undefined) {
  const known = new Map<string, boolean>()
  const isSame = (path: string): boolean => {
    const same =
      known.get(path) ??
      (path.endsWith('?')
        ? isThere(object, path.slice(0, -1)) === isThere(oldObject, path.slice(0, -1))
        : isAlike(at(object, path), at(oldObject, path)))
    known.set(path, same)
    return same
  }
  return ({ field, reads = [field] }: FieldError): boolean =>
    oldObject !== undefined && reads.every((path) => path !== '' && isSame(path))
}

/** `spec.source?` means only whether the field is set. */
const isThere = (object: unknown, path: string): boolean => (at(object, path) ?? null) !== null

const at = (object: unknown, field: string): unknown =>
  field
    .split(/[.[\]]+/)
    .filter(Boolean)
    .reduce<unknown>(
      (inner, key) =>
        typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key)
          ? (inner as Readonly<Record<string, unknown>>)[key]
          : undefined,
      object,
    )

/** No valid field has even half as many values. */
const mostCompared = 10_000

/**
 * Whether two values are the same JSON. It does not recurse, because values may be nested very deeply.
 * A value that is too large to be valid counts as changed.
 */
function isAlike(one: unknown, other: unknown): boolean {
  const pairs: [unknown, unknown][] = [[one, other]]
  let compared = 0
  for (let pair = pairs.pop(); pair; pair = pairs.pop()) {
    const [a, b] = pair
    if (a === b) continue
    if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
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

/** What goes with an object: a person should read it before it is too late. */
export function deletionWarnings(object: Parent, config: Config): readonly string[] {
  if (!object.metadata.name) return []
  if (!wantsClaim(object, config) && !hadClaim(object, config)) return []
  const size = diskOf(object, config)
  return [
    `claim "${claimName(object)}"${size ? ` (${size})` : ''} is deleted with it, unless its StorageClass retains volumes`,
  ]
}

/** A claim stays when the spec asks for it no longer: what was done in it is on record. */
function hadClaim(object: Parent, config: Config): boolean {
  const { artifacts, stages } = (object.status ?? {}) as {
    artifacts?: { url?: unknown }
    stages?: { run?: unknown; load?: unknown }
  }
  const url = artifacts?.url
  if (typeof url === 'string' && url.startsWith(`pvc://${claimName(object)}/`)) return true
  return config.storage.driver === 'pvc' && Boolean(stages?.run ?? stages?.load)
}
