import { Ajv, type ErrorObject } from 'ajv'
import { type CompiledRule, compile } from './cel.ts'
import type { Kind } from './kind.ts'
import { object, type Schema, string } from './schema.ts'

/** A broken rule: the field, and what is wrong in the words of the Kubernetes API. */
export interface FieldError {
  readonly field: string
  readonly message: string
  /** The fields that the rule looked at, where that is not `field` alone. */
  readonly reads?: readonly string[]
}

/** `spec.resources.gpu.type: Unsupported value: …` */
export const sentence = ({ field, message }: FieldError): string =>
  field ? `${field}: ${message}` : message

export type Validate = (value: unknown) => readonly FieldError[]

/**
 * The schema as JSON Schema for ajv and for editors: unknown fields are errors, as they are for
 * kubectl's strict validation, and int-or-string is spelled out.
 */
export function jsonSchema(schema: Schema): Record<string, unknown> {
  const {
    properties,
    additionalProperties,
    items,
    'x-kubernetes-int-or-string': either,
    'x-kubernetes-preserve-unknown-fields': open,
    'x-kubernetes-validations': _rules,
    'x-kubernetes-list-type': listType,
    'x-kubernetes-list-map-keys': _keys,
    ...rest
  } = schema
  const { format: _format, ...plain } = rest
  return {
    ...plain,
    ...(either && { type: ['integer', 'string'] }),
    ...(open && {}),
    ...(listType === 'set' && { uniqueItems: true }),
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, field]) => [name, jsonSchema(field)]),
      ),
      additionalProperties: false,
    }),
    ...(additionalProperties && { additionalProperties: jsonSchema(additionalProperties) }),
    ...(items && { items: jsonSchema(items) }),
  }
}

const ajv = new Ajv({ allErrors: true, strict: false, verbose: true })

/** A validator of the schema and of its CEL rules, made once; `root` is the path of the value. */
export function validator(schema: Schema, root = ''): Validate {
  const structure = ajv.compile(jsonSchema(schema))
  const rules = [...rulesOf(schema)]
  return (value) => {
    if (!structure(value)) {
      // As at the API server, rules are for values of the right shape: where the shape is wrong, they are silent.
      const errors = said(structure.errors ?? []).map((error) => inWords(error, root))
      const wrong = errors.map(({ field }) => field)
      return unique([
        ...errors,
        ...broken(rules, value, root).filter(
          ({ field }) => !wrong.some((path) => related(path, field)),
        ),
      ])
    }
    return unique(broken(rules, value, root))
  }
}

/** A value of the wrong type has one fault: what else is wrong with it would only echo it. */
function said(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const mistyped = errors.filter(({ keyword }) => keyword === 'type')
  return errors.filter(
    (error) =>
      error.keyword === 'type' ||
      !mistyped.some(({ instancePath }) => instancePath === error.instancePath),
  )
}

/** The validator of whole objects of a kind: name and spec; status is the server's own business. */
export function validatorOf(kind: Kind): Validate {
  return validator(
    object(
      kind.description,
      {
        metadata: object('Metadata.', { name: string('The name.') }),
        spec: kind.spec,
      },
      { required: ['spec'], 'x-kubernetes-validations': kind.rules },
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

interface Located {
  readonly path: readonly string[]
  readonly rule: CompiledRule
  /** The field inside the value that the rule speaks of. */
  readonly field: string | undefined
  /** The fields that the rule looks at, from the root on. */
  readonly reads: readonly string[] | undefined
}

function* rulesOf(schema: Schema, path: readonly string[] = []): Iterable<Located> {
  for (const rule of schema['x-kubernetes-validations'] ?? [])
    yield {
      path,
      rule: compile(rule),
      field: rule.fieldPath?.slice(1),
      reads: rule.reads?.map((read) => [...path, read].join('.')),
    }
  for (const [name, field] of Object.entries(schema.properties ?? {}))
    yield* rulesOf(field, [...path, name])
}

function broken(rules: readonly Located[], value: unknown, root: string): readonly FieldError[] {
  const errors: FieldError[] = []
  // Loops: all rules are asked with every request, and hardly any has something to say.
  for (const { path, rule, field, reads } of rules) {
    let self = value
    for (const name of path) self = isRecord(self) ? self[name] : undefined
    const message = self === undefined || self === null ? undefined : attempt(rule, self)
    if (message !== undefined)
      errors.push({ ...at([root, ...path, field ?? ''], message), ...(reads && { reads }) })
  }
  return errors
}

/** A rule that meets a value of the wrong shape has nothing to say: the schema says it. */
function attempt(rule: CompiledRule, self: unknown): string | undefined {
  try {
    return rule.check(self)
  } catch {
    return undefined
  }
}

/** A rule of the whole object names the field itself, as in `metadata.name: …`. */
function at(path: readonly string[], message: string): FieldError {
  const field = path.filter(Boolean).join('.')
  if (field) return { field, message: `Invalid value: ${message}` }
  const [, inner = '', rest = message] = /^([a-z.]+): (.*)$/.exec(message) ?? []
  return { field: inner, message: `Invalid value: ${rest}` }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const related = (a: string, b: string): boolean =>
  a === b || a.startsWith(`${b}.`) || b.startsWith(`${a}.`)

const unique = (errors: readonly FieldError[]): readonly FieldError[] => [
  ...new Map(errors.map((error) => [sentence(error), error])).values(),
]

/** `/spec/command/0` → `spec.command[0]`, as the API server writes paths. */
const dotted = (root: string, pointer: string): string =>
  [root, ...pointer.split('/')]
    .filter(Boolean)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce(
      (path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : path ? `${path}.${part}` : part),
      '',
    )

const quoted = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'null'
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}

/** An error of ajv in the words of kubectl and the API server. */
function inWords(error: ErrorObject, root: string): FieldError {
  const field = dotted(root, error.instancePath)
  const { params, data } = error
  const inside = (name: string) => (field ? `${field}.${name}` : name)
  switch (error.keyword) {
    case 'required':
      return { field: inside(params.missingProperty), message: 'Required value' }
    case 'additionalProperties':
      return {
        field: inside(params.additionalProperty),
        message: `unknown field${suggestion(params.additionalProperty, error)}`,
      }
    case 'enum':
      return {
        field,
        message: `Unsupported value: ${quoted(data)}: supported values: ${params.allowedValues
          .map((value: unknown) => quoted(value))
          .join(', ')}`,
      }
    case 'type':
      return {
        field,
        // Without the value: it may hold a secret, as a mistyped env does.
        message: `Invalid value: must be ${[params.type].flat().map(article).join(' or ')}, not ${article(typeIn(data))}`,
      }
    case 'pattern':
      return { field, message: `Invalid value: ${quoted(data)}: should match '${params.pattern}'` }
    case 'minimum':
      return {
        field,
        message: `Invalid value: ${quoted(data)}: should be greater than or equal to ${params.limit}`,
      }
    case 'maximum':
      return {
        field,
        message: `Invalid value: ${quoted(data)}: should be less than or equal to ${params.limit}`,
      }
    case 'maxLength':
      return { field, message: `Too long: may not be more than ${params.limit} characters` }
    case 'minLength':
      return {
        field,
        message: `Invalid value: ${quoted(data)}: must have at least ${params.limit} characters`,
      }
    case 'minItems':
      return { field, message: `Invalid value: must have at least ${count(params.limit)}` }
    case 'maxItems':
    case 'maxProperties':
      return { field, message: `Too many: must have at most ${params.limit} items` }
    case 'uniqueItems': {
      const second = Math.max(params.i, params.j)
      return {
        field: `${field}[${second}]`,
        message: `Duplicate value: ${quoted((data as unknown[])[second])}`,
      }
    }
    default:
      return { field, message: `Invalid value: ${error.message}` }
  }
}

const count = (items: number): string => (items === 1 ? '1 item' : `${items} items`)

const typeIn = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value

const article = (type: string): string =>
  type === 'null' ? type : /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`

/** `, did you mean "gpu"?` for a field that is one slip away from a real one. */
function suggestion(name: string, error: ErrorObject): string {
  const known = Object.keys((error.parentSchema as Schema | undefined)?.properties ?? {})
  const [near] = known
    .map((field) => ({ field, distance: slips(name.toLowerCase(), field.toLowerCase()) }))
    .filter(({ distance }) => distance <= 2)
    .sort((a, b) => a.distance - b.distance)
    .map(({ field }) => field)
  return near ? `, did you mean "${near}"?` : ''
}

/** Levenshtein's distance, cut short where lengths alone tell. */
function slips(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...b].entries())
      next.push(
        Math.min(
          (next[j] ?? 0) + 1,
          (row[j + 1] ?? 0) + 1,
          (row[j] ?? 0) + (letter === other ? 0 : 1),
        ),
      )
    row = next
  }
  return row.at(-1) ?? 0
}
