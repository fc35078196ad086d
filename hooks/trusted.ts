import type { Kind, Parent } from '../crds/kind.ts'
import { prune } from '../crds/prune.ts'
import { validator } from '../crds/validate.ts'

const validators = new Map<Kind, ReturnType<typeof validator>>()

/** What is wrong with a status by the schema of its kind: sentences with their fields. */
export function statusFaults(
  kind: Kind,
  status: unknown,
): ReturnType<ReturnType<typeof validator>> {
  const validate = validators.get(kind) ?? validator(kind.status, 'status')
  validators.set(kind, validate)
  return validate(status)
}

/**
 * The object with as much of its status as the schema of its kind allows. RBAC may let others write a
 * status, and older releases wrote other fields: what is read from here on has the shape that it is
 * said to have, so that a hash is a hash before it becomes a path.
 */
export function trusted<P extends Pick<Parent, 'status'>>(kind: Kind, parent: P): P {
  const { status } = parent
  if (status === undefined || !statusFaults(kind, status).length) return parent
  return { ...parent, status: prune(kind.status, status) }
}
