import type { Schema } from '../crds/schema/builders.ts'
import { isObject } from '../crds/schema/json.ts'
import type { FieldError } from '../crds/schema/validator.ts'

/** Fields that a schema does not know. */
export const unknownFields = (
  schema: Schema,
  value: unknown,
  path: string,
): readonly FieldError[] => {
  const { properties, items, additionalProperties: values } = schema
  if (Array.isArray(value))
    return items ? value.flatMap((one, at) => unknownFields(items, one, `${path}[${at}]`)) : []
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([name, inner]) => {
    const field = path ? `${path}.${name}` : name
    const known = properties && Object.hasOwn(properties, name) ? properties[name] : values
    if (known) return unknownFields(known, inner, field)
    return properties && !schema['x-kubernetes-preserve-unknown-fields']
      ? [{ field, message: 'unknown field' }]
      : []
  })
}
