import type { ErrorObject } from 'ajv'
import { longestName, shortened } from './brevity.ts'
import type { Schema } from './builders.ts'
import type { FieldError } from './validator.ts'

/** The errors of ajv with the paths and in the words of kubectl and the API server. */

/** Whether a name is unambiguous in a path: it has no dots, which separate steps, and is not cut. */
const isPlain = (name: string): boolean => name.length <= longestName && /^[-\w]+$/.test(name)

/**
 * The path of an error as the API server writes it: `/spec/command/0` is spec.command[0]. If a name that
 * the user chose makes the path ambiguous, `reads` is the map that contains the name.
 */
export function placeOf(
  { instancePath, keyword, params }: ErrorObject,
  root: string,
): Pick<FieldError, 'field' | 'reads'> {
  const { missingProperty, additionalProperty } = params
  const parts = instancePath.split('/').slice(1).map(unescaped)
  if (keyword === 'required') parts.push(missingProperty)
  if (keyword === 'additionalProperties') parts.push(additionalProperty)
  const written = (of: readonly string[]) =>
    of.reduce(
      (path, part) =>
        /^\d+$/.test(part) ? `${path}[${part}]` : path ? `${path}.${shortened(part)}` : part,
      root,
    )
  const odd = parts.findIndex((part) => !isPlain(part))
  return { field: written(parts), ...(odd >= 0 && { reads: [written(parts.slice(0, odd))] }) }
}

/** One step of a JSON Pointer, unescaped. */
const unescaped = (part: string): string => part.replaceAll('~1', '/').replaceAll('~0', '~')

const quoted = (value: unknown): string => {
  const text = JSON.stringify(typeof value === 'string' ? value.slice(0, 101) : value) ?? 'null'
  return shortened(text)
}

/** An error of ajv in the words of kubectl and the API server. */
export function inWords(error: ErrorObject, root: string): FieldError {
  const place = placeOf(error, root)
  return { ...place, ...wordsFor(error, place.field) }
}

function wordsFor(error: ErrorObject, field: string): FieldError {
  const { params, data } = error
  switch (error.keyword) {
    case 'required':
      return { field, message: 'Required value' }
    case 'additionalProperties':
      return {
        field,
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
        // Without the value, which may be a secret, as in an env of the wrong type.
        message: `Invalid value: must be ${[params.type].flat().map(article).join(' or ')}, not ${article(typeIn(data))}${hintFor(error)}`,
      }
    case 'pattern':
      return {
        field,
        message: `Invalid value: ${quoted(data)}: ${error.parentSchema?.patternErrorMessage ?? `should match '${params.pattern}'`}`,
      }
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

/** What was probably meant: a scalar that YAML reads as something else, or the name of another object. */
function hintFor({ params, data, parentSchema }: ErrorObject): string {
  const isScalar = typeof data === 'number' || typeof data === 'boolean'
  const { patternErrorMessage = 'write it in quotes', required = [] } = (parentSchema ??
    {}) as Schema
  if (params.type === 'string') return isScalar ? `: ${patternErrorMessage}` : ''
  const isNamed = params.type === 'object' && required.join() === 'name'
  return isNamed && typeof data === 'string' ? ': write the name into its field name' : ''
}

const count = (items: number): string => (items === 1 ? '1 item' : `${items} items`)

const typeIn = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value

const article = (type: string): string =>
  type === 'null' ? type : /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`

/** `, did you mean "gpu"?` for a field that is a typing error away from a real one. */
function suggestion(name: string, error: ErrorObject): string {
  const known = Object.keys((error.parentSchema as Schema | undefined)?.properties ?? {})
  if (name.length > longestName) return ''
  const [near] = known
    .map((field) => ({ field, distance: slips(name.toLowerCase(), field.toLowerCase()) }))
    .filter(({ distance }) => distance <= 2)
    .sort((a, b) => a.distance - b.distance)
    .map(({ field }) => field)
  return near ? `, did you mean "${near}"?` : ''
}

/** The Levenshtein distance; not computed if the lengths already differ too much. */
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
