import type { Thing } from './things.ts'

/** Two objects side by side: every field of the spec, and what was made of it. */

export interface Row {
  /** `spec.params.epochs` */
  readonly field: string
  readonly a: string
  readonly b: string
  readonly isSame: boolean
}

/** Fields of a status that tell of the result. */
const results = ['image', 'artifacts', 'stages'] as const

/** Names and hashes that differ between any two objects and say nothing. */
const noise = /^status\.stages\.[^.]+\.(job|seal|node|attempt|inputs)$/

export function comparedRows(a: Thing, b: Thing): readonly Row[] {
  const [left, right] = [fieldsOf(a), fieldsOf(b)]
  return [...new Set([...left.keys(), ...right.keys()])].toSorted(byField).map((field) => {
    const [one = '', other = ''] = [left.get(field), right.get(field)]
    return { field, a: one, b: other, isSame: one === other }
  })
}

/** The spec comes first. */
const byField = (a: string, b: string): number =>
  Number(a.startsWith('status.')) - Number(b.startsWith('status.')) || (a < b ? -1 : 1)

function fieldsOf({ spec, status }: Thing): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const visit = (value: unknown, field: string): void => {
    if (Array.isArray(value)) {
      if (value.every((item) => typeof item !== 'object'))
        found.set(field, value.map(String).join(' '))
      else for (const [at, item] of value.entries()) visit(item, `${field}[${at}]`)
    } else if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value)) visit(inner, `${field}.${key}`)
    else if (value !== undefined && !noise.test(field)) found.set(field, String(value))
  }
  visit(spec, 'spec')
  for (const result of results) visit(status?.[result], `status.${result}`)
  return found
}
