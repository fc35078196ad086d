/**
 * Builders for structural schemas: each returns the plain OpenAPI v3 object that a
 * CustomResourceDefinition takes, and carries the TypeScript type of what it describes.
 *
 * The description comes first, so that no field goes without one; `kubectl explain` prints it.
 * What "structural" means: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
 */

/** A CEL rule, evaluated by the API server and by `validate.ts`. */
export interface CelRule {
  readonly rule: string
  readonly message?: string
  readonly messageExpression?: string
  readonly fieldPath?: string
  readonly reason?: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired'
  /**
   * The fields that a rule of a whole object reads; `source?`: only whether the field is set. The rule
   * refuses no update that leaves these fields alone, so that an object that is older than the rule can
   * still be suspended, labelled and given a status.
   */
  readonly reads?: readonly string[]
}

interface Options {
  readonly default?: unknown
  readonly enum?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly maxProperties?: number
  readonly pattern?: string
  /**
   * What to write instead of a value that does not match. Editors show it; in a CRD, which has no word for
   * it, the pattern becomes a CEL rule with this message.
   */
  readonly patternErrorMessage?: string
  readonly format?: string
  readonly 'x-kubernetes-validations'?: readonly CelRule[]
}

declare const carried: unique symbol

/** The key of a shared schema's name; a symbol, because JSON contains none. */
export const sharedAs: unique symbol = Symbol('shared')

/** A structural schema of values of type T. */
export interface Schema<T = unknown> extends Options {
  readonly description: string
  readonly type?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema
  readonly items?: Schema
  readonly 'x-kubernetes-int-or-string'?: true
  readonly 'x-kubernetes-preserve-unknown-fields'?: true
  readonly not?: { readonly enum: readonly unknown[] }
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map'
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
  readonly [carried]?: T
  readonly [sharedAs]?: string
}

/** A large schema that others contain: validators and JSON Schemas define it once, by this name. */
export const shared = <T>(name: string, schema: Schema<T>): Schema<T> => ({
  ...schema,
  [sharedAs]: name,
})

/** The TypeScript type of what a schema describes. */
export type TypeOf<S> = S extends Schema<infer T> ? T : never

export type Properties = Readonly<Record<string, Schema>>

/** Fields are optional unless `required` names them. */
type ObjectOf<P extends Properties, R extends keyof P> = {
  readonly [K in R]: TypeOf<P[K]>
} & { readonly [K in Exclude<keyof P, R>]?: TypeOf<P[K]> }

/** One string of a closed list. */
export function choice<const E extends readonly string[]>(
  description: string,
  values: E,
  options: Options = {},
): Schema<E[number]> {
  return { type: 'string', description, enum: values, ...options }
}

export const string = (description: string, options: Options = {}): Schema<string> => ({
  type: 'string',
  description,
  ...options,
})

export const integer = (description: string, options: Options = {}): Schema<number> => ({
  type: 'integer',
  description,
  ...options,
})

export const number = (description: string, options: Options = {}): Schema<number> => ({
  type: 'number',
  description,
  ...options,
})

export const boolean = (description: string, options: Options = {}): Schema<boolean> => ({
  type: 'boolean',
  description,
  ...options,
})

/** An integer or a string, as Kubernetes writes quantities. */
export const intOrString = (
  description: string,
  options: Options = {},
): Schema<number | string> => ({
  'x-kubernetes-int-or-string': true,
  description,
  ...options,
})

/**
 * Any JSON value. A map of int-or-string would refuse `true` and `0.5`; nothing narrower than
 * this is structural.
 */
export const anything = (description: string): Schema<unknown> => ({
  description,
  'x-kubernetes-preserve-unknown-fields': true,
})

export const list = <T>(
  description: string,
  items: Schema<T>,
  options: Options & Pick<Schema, 'x-kubernetes-list-type' | 'x-kubernetes-list-map-keys'> = {},
): Schema<readonly T[]> => ({ type: 'array', description, items, ...options })

export const map = <T>(
  description: string,
  values: Schema<T>,
  options: Options = {},
): Schema<Readonly<Record<string, T>>> => ({
  type: 'object',
  description,
  additionalProperties: values,
  ...options,
})

export function object<P extends Properties, const R extends keyof P & string = never>(
  description: string,
  properties: P,
  options: Options & { readonly required?: readonly R[] } = {},
): Schema<ObjectOf<P, R>> {
  return { type: 'object', description, properties, ...options }
}

/**
 * One string of a closed list, or an object. Structural schemas cannot express that union, but each
 * keyword applies to values of one type only: `pattern` to strings, `properties` and `required` to
 * objects. Every value of any other type violates the keywords in `neither`.
 *
 * The API server does not prune unknown fields of such an object, and its CEL rules cannot read the
 * value: what the keywords cannot say is a rule of admission and of the hooks.
 */
export function choiceOrObject<
  const E extends readonly string[],
  P extends Properties,
  const R extends keyof P & string = never,
>(
  description: string,
  values: E,
  properties: P,
  options: { readonly required?: readonly R[] } = {},
): Schema<E[number] | ObjectOf<P, R>> {
  return {
    description,
    'x-kubernetes-preserve-unknown-fields': true,
    pattern: `^(${values.join('|')})$`,
    properties,
    ...options,
    ...neither,
  }
}

const neither = {
  minimum: 1,
  maximum: 0,
  minItems: 1,
  maxItems: 0,
  not: { enum: [true, false] },
} as const

export const isChoiceOrObject = (schema: Schema): boolean =>
  schema['x-kubernetes-preserve-unknown-fields'] === true && schema.properties !== undefined

/** The schema without the keywords that refuse other types, for validators that support unions. */
export function withoutNeither(schema: Schema): Schema {
  const fields = Object.entries(schema).filter(([name]) => !Object.hasOwn(neither, name))
  return Object.fromEntries(fields) as unknown as Schema
}
