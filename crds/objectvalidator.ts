import type { Kind } from './kind.ts'
import { object, string } from './schema/builders.ts'
import { type Validate, validator } from './schema/validator.ts'

/** The validator of whole objects of a kind: name and spec; status is the server's own business. */
export function validatorOf(kind: Kind): Validate {
  return validator(
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
    ),
  )
}

/** What validatorOf's result takes: the parts of the object that rules may see. */
export const visible = (parent: {
  readonly metadata?: { readonly name?: string }
  readonly spec?: unknown
}): unknown => ({
  metadata: { ...(parent.metadata?.name !== undefined && { name: parent.metadata.name }) },
  ...(parent.spec !== undefined && parent.spec !== null && { spec: parent.spec }),
})
