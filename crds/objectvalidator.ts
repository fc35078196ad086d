import type { Kind } from './kind.ts'
import { object, type Schema, string } from './schema/builders.ts'
import { type Validate, validator } from './schema/validator.ts'

/** Validates the name and the spec of a kind's objects. */
export const validatorOf = (kind: Kind): Validate => validator(visibleSchema(kind))

/** The schema of the name and the spec. The status is not validated: only the hooks write it. */
export const visibleSchema = (kind: Kind): Schema =>
  object(
    kind.description,
    {
      metadata: object(
        'Metadata.',
        { name: string('The name.', { maxLength: 253 }) },
        { required: ['name'] },
      ),
      spec: kind.spec,
    },
    { required: ['metadata', 'spec'], 'x-kubernetes-validations': kind.rules },
  )

/** The input of such a validator: the parts of an object that rules may read. */
export const visible = (parent: {
  readonly metadata?: { readonly name?: string }
  readonly spec?: unknown
}): unknown => ({
  metadata: { ...(parent.metadata?.name !== undefined && { name: parent.metadata.name }) },
  ...(parent.spec !== undefined && parent.spec !== null && { spec: parent.spec }),
})
