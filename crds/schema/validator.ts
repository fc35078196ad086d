import { Ajv, type ErrorObject } from 'ajv'
import { longestName, maxErrors } from './brevity.ts'
import { isChoiceOrObject, type Schema, sharedAs, withoutNeither } from './builders.ts'
import { type CompiledRule, compile } from './cel.ts'
import { inWords, placeOf } from './errorwords.ts'
import { isObject } from './json.ts'
import { type Trimmed, trimmer } from './trim.ts'

/** A broken rule: the field, and the message in the words of the Kubernetes API. */
export interface FieldError {
  readonly field: string
  readonly message: string
  /** The fields that the rule read, unless that is only `field`. */
  readonly reads?: readonly string[]
}

/** `spec.resources.gpu.type: Unsupported value: …` */
export const sentence = ({ field, message }: FieldError): string =>
  field ? `${field}: ${message}` : message

export type Validate = (value: unknown) => readonly FieldError[]

/** The largest that both JavaScript and an int64 can hold. The API server takes a larger number for no integer. */
const mostInt64 = 2 ** 63 - 1024
const int64 = { minimum: -mostInt64, maximum: mostInt64 }
const int32 = { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 }

/** The reference to a shared schema, which has to be defined somewhere. */
type Refer = (name: string, schema: Schema) => string

/**
 * The schema as JSON Schema for ajv and for editors: unknown fields are errors, as they are for
 * kubectl's strict validation, and unions are spelled out.
 */
export function jsonSchema(
  schema: Schema,
  options: { readonly ofMaps?: object; readonly refer?: Refer } = {},
): Record<string, unknown> {
  const { [sharedAs]: name, ...own } = schema
  if (name !== undefined && options.refer) return { $ref: options.refer(name, own) }
  const isUnion = isChoiceOrObject(own)
  const {
    properties,
    additionalProperties,
    items,
    'x-kubernetes-int-or-string': either,
    'x-kubernetes-preserve-unknown-fields': open,
    'x-kubernetes-validations': _rules,
    'x-kubernetes-list-type': listType,
    'x-kubernetes-list-map-keys': keys = [],
    ...rest
  } = isUnion ? withoutNeither(own) : own
  const { format, ...plain } = rest
  return {
    ...(either && { type: ['integer', 'string'], ...int64 }),
    ...(rest.type === 'integer' && (format === 'int32' ? int32 : int64)),
    ...plain,
    ...(isUnion && { type: ['string', 'object'] }),
    ...(open && {}),
    ...((listType === 'set' || isAllKeys(items, keys)) && { uniqueItems: true }),
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, field]) => [name, jsonSchema(field, options)]),
      ),
      additionalProperties: false,
    }),
    ...(additionalProperties && {
      ...options.ofMaps,
      additionalProperties: jsonSchema(additionalProperties, options),
    }),
    ...(items && { items: jsonSchema(items, options) }),
  }
}

/** Whether the keys are all that an item has: JSON Schema compares only whole items. */
const isAllKeys = (items: Schema | undefined, keys: readonly string[]): boolean =>
  keys.length > 0 && Object.keys(items?.properties ?? {}).every((name) => keys.includes(name))

/** A compiler in which each shared schema is compiled once. */
function compiler(ajv: Ajv, ofMaps: object = {}) {
  const known = new Set<string>()
  const refer = (name: string, schema: Schema): string => {
    if (!known.has(name)) ajv.addSchema(jsonSchema(schema, { ofMaps, refer }), name)
    known.add(name)
    return name
  }
  return (schema: Schema) => ajv.compile(jsonSchema(schema, { ofMaps, refer }))
}

const allErrors = compiler(
  new Ajv({ allErrors: true, strict: false, verbose: true, inlineRefs: false }),
)

/** A name longer than this fails here, so that ajv writes only its trimmed form into the path of an error. */
const untilFirst = compiler(new Ajv({ strict: false, verbose: true, inlineRefs: false }), {
  propertyNames: { maxLength: longestName },
})

const structures = new WeakMap<Schema, ReturnType<typeof untilFirst>>()

/**
 * Whether a value has the structure of the schema, and no long names in its maps; CEL rules are not
 * checked. It stops at the first error: almost every value is valid, and this takes half of the time
 * that a list of all errors takes.
 */
export function isValid(schema: Schema, value: unknown): boolean {
  const structure = structures.get(schema) ?? untilFirst(schema)
  structures.set(schema, structure)
  return structure(value)
}

/**
 * A validator of the schema and of its CEL rules, made once; `root` is the path of the value. It
 * throws only because of our own bugs: a rule runs only if the fields that it reads are valid.
 */
export function validator(schema: Schema, root = ''): Validate {
  const trim = trimmer(schema)
  const rules = [...rulesOf(schema, root)]
  const validate = validatorWith(schema, root, rules)
  // Almost every value is valid, and trimming would leave it as it is.
  return (value) => (isValid(schema, value) ? brokenIn(rules, value) : validate(trim(value)))
}

/** The same for a value that is already trimmed: listing the names of a huge object even once takes long. */
export const trimmedValidator = (schema: Schema, root = '') =>
  validatorWith(schema, root, [...rulesOf(schema, root)])

function validatorWith(
  schema: Schema,
  root: string,
  rules: readonly Located[],
): (trimmed: Trimmed) => readonly FieldError[] {
  // Compiled when the first invalid value arrives.
  let all: ReturnType<typeof allErrors> | undefined
  return ({ value, given, dropped, isCut }) => {
    if (isValid(schema, value) && (!isCut || isValid(schema, given))) return brokenIn(rules, given)
    all ??= allErrors(schema)
    all(value)
    // If the rest of a huge value has no error, the error is the one that isValid stopped at.
    const first = isCut ? structures.get(schema)?.errors : undefined
    const errors = causes(all.errors ?? first ?? [])
    // As at the API server, a rule runs only on values that are valid by the schema, but for patterns of
    // what is inside them.
    const wrong = errors.map((error) => ({
      field: placeOf(error, root).field,
      isPattern: error.keyword === 'pattern',
    }))
    const isWrongFor =
      (path: string) =>
      ({ field, isPattern }: (typeof wrong)[number]): boolean =>
        related(field, path) && !(isPattern && isInside(field, path))
    return limited(
      unique([
        ...errors.slice(0, maxErrors).map((error) => inWords(error, root)),
        ...(isCut ? [] : broken(rules, given, (path) => !wrong.some(isWrongFor(path)))),
      ]),
      Math.max(0, errors.length - maxErrors) + dropped,
    )
  }
}

/** The broken rules of a value that is valid by the schema. */
const brokenIn = (rules: readonly Located[], value: unknown): readonly FieldError[] =>
  unique(broken(rules, value, () => true))

/** At most 100 errors, and the number of the others; `more` counts errors that have no message yet. */
export function limited(errors: readonly FieldError[], more = 0): readonly FieldError[] {
  const rest = errors.slice(maxErrors)
  const omitted = more + rest.reduce((sum, error) => sum + (omittedIn(error) ?? 1), 0)
  return omitted
    ? [...errors.slice(0, maxErrors), { field: '', message: `and ${omitted} more` }]
    : errors
}

/** The number in `and 23 more`, which can be errors of any field. */
const omittedIn = ({ field, message }: FieldError): number | undefined => {
  const found = field ? null : /^and ([0-9]+) more$/.exec(message)
  return found ? Number(found[1]) : undefined
}

/** Whether no error is about a field, about a part of it, or about an object that contains it. */
export const unaffectedBy =
  (errors: readonly FieldError[]) =>
  (path: string): boolean =>
    !errors.some((error) => omittedIn(error) !== undefined || related(error.field, path))

/** Without errors that follow from another: a value of the wrong type has no other error. */
function causes(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const mistyped = new Set(
    errors.filter(({ keyword }) => keyword === 'type').map(({ instancePath }) => instancePath),
  )
  return errors.filter(
    ({ keyword, instancePath }) => keyword === 'type' || !mistyped.has(instancePath),
  )
}

interface Located {
  readonly path: readonly string[]
  readonly rule: CompiledRule
  /** The field that the rule is about; empty for the whole object, whose message names the field. */
  readonly field: string
  /** The fields that the rule reads, from the root on. */
  readonly reads: readonly string[] | undefined
  /** The same, as the paths that must be valid by the schema before the rule runs. */
  readonly needs: readonly string[]
}

function* rulesOf(schema: Schema, root: string, path: readonly string[] = []): Iterable<Located> {
  const inside = (name = '') => [root, ...path, name].filter(Boolean).join('.')
  for (const rule of schema['x-kubernetes-validations'] ?? []) {
    const field = inside(rule.fieldPath?.slice(1))
    const reads = rule.reads?.map(inside)
    yield {
      path,
      rule: compile(rule),
      field,
      reads,
      needs: field ? [field, ...(reads ?? []).map(bare)] : (reads ?? ['']).map(bare),
    }
  }
  for (const [name, field] of Object.entries(schema.properties ?? {}))
    yield* rulesOf(field, root, [...path, name])
}

/** `spec.source?` → `spec.source`. */
const bare = (read: string): string => read.replace(/\?$/, '')

function broken(
  rules: readonly Located[],
  value: unknown,
  isValidPath: (path: string) => boolean,
): readonly FieldError[] {
  const errors: FieldError[] = []
  // Loops, for speed: every request runs all rules, and hardly any is broken.
  for (const { path, rule, field, reads, needs } of rules) {
    let self = value
    for (const name of path) self = isObject(self) ? self[name] : undefined
    // Most rules are about fields that are absent.
    if (self === undefined || self === null || !needs.every(isValidPath)) continue
    const message = rule.check(self)
    if (message !== undefined) errors.push({ ...at(field, message), ...(reads && { reads }) })
  }
  return errors
}

/** A rule of the whole object names the field itself, as in `metadata.name: …`. */
function at(field: string, message: string): FieldError {
  if (field) return { field, message: `Invalid value: ${message}` }
  const [, inner = '', rest = message] = /^([a-z.]+): (.*)$/.exec(message) ?? []
  return { field: inner, message: `Invalid value: ${rest}` }
}

/** Whether one field is the other, or inside it. */
const related = (a: string, b: string): boolean => a === b || isInside(a, b) || isInside(b, a)

const isInside = (inner: string, outer: string): boolean =>
  !outer || (inner.startsWith(outer) && ['.', '['].includes(inner[outer.length] ?? ''))

const unique = (errors: readonly FieldError[]): readonly FieldError[] =>
  errors.length > 1
    ? [...new Map(errors.map((error) => [sentence(error), error])).values()]
    : errors
