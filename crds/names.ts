import { hash as digest } from 'node:crypto'
import equal from 'fast-deep-equal'
import type { KindName } from './kind.ts'

/** Canonical JSON, hashes of it, and names that both hooks and webhooks use. */

/** JSON with sorted keys and without empty values: absent and empty are the same. */
export function canonical(value: unknown): string {
  return JSON.stringify(tidy(value)) ?? ''
}

/** A DNS-1123 subdomain, as Kubernetes names Secrets and most other objects. */
export const dnsName = '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$'

/** Whether both have the same canonical JSON, which is not needed if they are equal. */
export const alike = (a: unknown, b: unknown): boolean =>
  equal(a, b) || canonical(a) === canonical(b)

function tidy(value: unknown): unknown {
  if (Array.isArray(value))
    return value.length ? value.map((item) => tidy(item) ?? null) : undefined
  if (typeof value !== 'object' || value === null)
    return value === '' || value === null ? undefined : value
  // Every hash and many comparisons run this code. A loop takes half the time of chained array methods,
  // and sorting keys that are already sorted would allocate a fifth of the memory of a hook's answer.
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
 * 'v1:' is the version of the list of fields and of this serialization. A change of either would repeat
 * every finished training, so a golden test protects both.
 */
export const hash = (value: unknown): string =>
  digest('sha256', `v1:${canonical(value)}`, 'hex').slice(0, 16)

/**
 * NAME with a suffix, within Kubernetes' length limit: a name that is too long is replaced by its
 * beginning and a hash of the whole name.
 */
export function fitted(name: string, suffix: string, limit = 63): string {
  if (name.length + suffix.length <= limit) return name + suffix
  return `${name.slice(0, limit - suffix.length - 7)}-${hash(name).slice(0, 6)}${suffix}`
}

/** The kind as a part of names: `modelserver`. */
export const kindWord = (parent: Named): string => parent.kind.toLowerCase()

interface Named {
  readonly kind: KindName
  readonly metadata: { readonly name: string }
}

/** The name of the claim in which a load or a run works before its result is copied to a bucket. */
export const workspaceName = (parent: Named): string =>
  fitted(parent.metadata.name, `-${kindWord(parent)}-workspace`)

/** The name of the claim for an object's artifacts, or for a Notebook's home. */
export const claimName = (parent: Named): string =>
  fitted(
    parent.metadata.name,
    `-${kindWord(parent)}-${parent.kind === 'Notebook' ? 'home' : 'artifacts'}`,
  )

/** The volume of an adapter: with it, the name of its init container has at most 63 characters. */
export const adapterVolume = (name: string): string => fitted(name, '-adapter', 57)
