/** The ownership of fields, in the format of managedFields. */
export function fieldsOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [`f:${key}`, fieldsOf(inner)]),
  )
}
