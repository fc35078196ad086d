import type { Kind, Parent } from '../../crds/kind.ts'
import { isValid, validator } from '../../crds/schema/validator.ts'
import { prune } from './prune.ts'

const validators = new Map<Kind, ReturnType<typeof validator>>()

/** The errors of a status by the schema of its kind, each with its field. */
export function statusFaults(
  kind: Kind,
  status: unknown,
): ReturnType<ReturnType<typeof validator>> {
  const validate = validators.get(kind) ?? validator(kind.status, 'status')
  validators.set(kind, validate)
  return validate(status)
}

/**
 * The object with only those parts of its status that the schema of its kind allows. RBAC may let
 * others write a status, and older releases wrote other fields. After this, every field has the form
 * that its type promises: for example, a hash is valid before it becomes part of a path.
 */
export function trusted<P extends Pick<Parent, 'status'>>(kind: Kind, parent: P): P {
  const { status } = parent
  if (status === undefined || isValid(kind.status, status)) return parent
  return { ...parent, status: prune(kind.status, status) }
}
