import { isObject } from '../crds/schema/json.ts'
import type { FieldError } from '../crds/schema/validator.ts'

/**
 * The types of metadata, which our schemas leave to the API server.
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/
 */

/** The type of a field in Kubernetes' Go code, which reads null as the empty value. */
type Shape =
  | 'string'
  | 'integer'
  | 'boolean'
  | 'time'
  | 'anything'
  | { readonly fields: Readonly<Record<string, Shape>> }
  | { readonly items: Shape }
  | { readonly values: Shape }

const owner: Shape = {
  fields: {
    apiVersion: 'string',
    kind: 'string',
    name: 'string',
    uid: 'string',
    controller: 'boolean',
    blockOwnerDeletion: 'boolean',
  },
}

const metadataShape: Shape = {
  fields: {
    name: 'string',
    generateName: 'string',
    namespace: 'string',
    selfLink: 'string',
    uid: 'string',
    resourceVersion: 'string',
    generation: 'integer',
    creationTimestamp: 'time',
    deletionTimestamp: 'time',
    deletionGracePeriodSeconds: 'integer',
    labels: { values: 'string' },
    annotations: { values: 'string' },
    ownerReferences: { items: owner },
    finalizers: { items: 'string' },
    managedFields: { items: 'anything' },
  },
}

/** Fields with another type than Kubernetes' Go code expects, and unknown fields. */
export const mistyped = (metadata: unknown): readonly FieldError[] =>
  isObject(metadata)
    ? typeErrors(metadataShape, metadata, 'metadata')
    : [wrong('metadata', 'object', metadata)]

const typeErrors = (shape: Shape, value: unknown, field: string): readonly FieldError[] => {
  if (value === null || value === undefined || shape === 'anything') return []
  if (typeof shape === 'string') return scalars[shape](value) ? [] : [wrong(field, shape, value)]
  if ('items' in shape)
    return Array.isArray(value)
      ? value.flatMap((item, index) => typeErrors(shape.items, item, `${field}[${index}]`))
      : [wrong(field, 'array', value)]
  if (!isObject(value)) return [wrong(field, 'object', value)]
  return Object.entries(value).flatMap(([name, inner]) => {
    const path = `${field}.${name}`
    if ('values' in shape) return typeErrors(shape.values, inner, path)
    const known = Object.hasOwn(shape.fields, name) ? shape.fields[name] : undefined
    return known ? typeErrors(known, inner, path) : [{ field: path, message: 'unknown field' }]
  })
}

const isInteger = (value: unknown): boolean => Number.isInteger(value)
const isTime = (value: unknown): boolean =>
  typeof value === 'string' &&
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[-+]\d\d:\d\d)$/.test(value)

const scalars = {
  string: (value: unknown) => typeof value === 'string',
  integer: isInteger,
  boolean: (value: unknown) => typeof value === 'boolean',
  time: isTime,
} as const

/** YAML reads many words, such as n, as booleans or numbers; the value no longer shows which it was. */
const wrong = (field: string, wanted: string, value: unknown): FieldError => {
  const isScalar = typeof value === 'number' || typeof value === 'boolean'
  const hint = wanted === 'string' && isScalar ? ': write it in quotes' : ''
  return { field, message: `${mustBe(article(wanted), value)}${hint}` }
}

const mustBe = (wanted: string, value: unknown): string =>
  `Invalid value: must be ${wanted}, not ${article(typeIn(value))}`

const typeIn = (value: unknown): string =>
  value === null || value === undefined ? 'null' : Array.isArray(value) ? 'array' : typeof value

const article = (type: string): string =>
  type === 'null'
    ? type
    : type === 'time'
      ? 'a time as in RFC 3339'
      : `a${/^[aio]/.test(type) ? 'n' : ''} ${type}`
