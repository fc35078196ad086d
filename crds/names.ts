import { hash as digest } from 'node:crypto'
import equal from 'fast-deep-equal'
import type { KindName } from './kind.ts'

/** Canonical JSON, hashes of it, and names that both hooks and webhooks say. */

/** Keys sorted, empty left out: absent and empty are the same. */
export function canonical(value: unknown): string {
  return JSON.stringify(tidy(value)) ?? ''
}

/** Whether both have the same canonical JSON; of two that are equal it need not be written. */
export const alike = (a: unknown, b: unknown): boolean =>
  equal(a, b) || canonical(a) === canonical(b)

function tidy(value: unknown): unknown {
  if (Array.isArray(value))
    return value.length ? value.map((item) => tidy(item) ?? null) : undefined
  if (typeof value !== 'object' || value === null)
    return value === '' || value === null ? undefined : value
  // Every hash and many a comparison goes through here: a loop costs half of a chain of arrays, and
  // sorting what is sorted, as one key is, a fifth of all that an answer of the hooks allocates.
  const entries: [string, unknown][] = []
  const keys = Object.keys(value)
  if (keys.some((key, at) => at > 0 && key < (keys[at - 1] as string))) keys.sort()
  for (const key of keys) {
    const inner = tidy((value as Readonly<Record<string, unknown>>)[key])
    if (inner !== undefined) entries.push([key, inner])
  }
  return entries.length ? Object.fromEntries(entries) : undefined
}

/**
 * 'v1:' names the list of fields and this way of writing them: a change of either would run every
 * finished training again, so that a golden test guards both.
 */
export const hash = (value: unknown): string =>
  digest('sha256', `v1:${canonical(value)}`, 'hex').slice(0, 16)

/**
 * NAME and what follows, within Kubernetes' limit of characters: a name that is too long gives way
 * to its beginning and a hash of the whole.
 */
export function fitted(name: string, suffix: string, limit = 63): string {
  if (name.length + suffix.length <= limit) return name + suffix
  return `${name.slice(0, limit - suffix.length - 7)}-${hash(name).slice(0, 6)}${suffix}`
}

/** The kind as it stands in names: `modelserver`. */
export const kindWord = (parent: Named): string => parent.kind.toLowerCase()

interface Named {
  readonly kind: KindName
  readonly metadata: { readonly name: string }
}

/** The claim that holds an object's artifacts, or a Notebook's home. */
export const claimName = (parent: Named): string =>
  fitted(
    parent.metadata.name,
    `-${kindWord(parent)}-${parent.kind === 'Notebook' ? 'home' : 'artifacts'}`,
  )
