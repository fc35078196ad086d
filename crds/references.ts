import type { Kind } from './kind.ts'
import { isObject } from './schema/json.ts'

/** A field of the spec that names other objects, as its kind declares it: `{name}`, or a list of them. */
export interface NamingField {
  readonly role: string
  readonly field: string
  readonly kind: 'Model' | 'Dataset'
}

/** Every such field of a kind. */
export const namingFields = ({
  references,
  referenceLists = [],
}: Pick<Kind, 'references' | 'referenceLists'>): readonly NamingField[] => [
  ...references,
  ...referenceLists.map(({ field, kind }) => ({ role: 'adapter', field, kind })),
]

/** The names in the value of such a field. Nobody has validated it: what is no name is left out. */
export const namesIn = (value: unknown): readonly string[] =>
  (Array.isArray(value) ? value : [value]).flatMap((one: unknown) =>
    isObject(one) && typeof one.name === 'string' && one.name ? [one.name] : [],
  )
