import { canonical } from './names.ts'
import type { PodFields } from './podtemplate.ts'

type Container = NonNullable<PodFields['container']>

/**
 * Merges two objects with the structure of spec.pod; `above` wins. Maps are merged key by key, lists by
 * what identifies their items. Probes and each kind of affinity are replaced as a whole.
 */
export function mergedPods(below: PodFields | undefined, above: PodFields | undefined): PodFields {
  if (!below || !above) return below ?? above ?? {}
  const container = mergedContainers(below.container, above.container)
  return {
    ...below,
    ...above,
    ...maps(below, above, ['annotations', 'labels', 'nodeSelector', 'affinity', 'securityContext']),
    ...lists(below, above, {
      tolerations: canonical,
      topologySpreadConstraints: ({ topologyKey, whenUnsatisfiable }) =>
        `${topologyKey} ${whenUnsatisfiable}`,
      volumes: ({ name }) => name,
    }),
    ...(container && { container }),
  }
}

function mergedContainers(below?: Container, above?: Container): Container | undefined {
  if (!below || !above) return below ?? above
  const limits = { ...below.resources?.limits, ...above.resources?.limits }
  return {
    ...below,
    ...above,
    ...lists(below, above, {
      volumeMounts: ({ mountPath }) => mountPath,
      // A later source wins over an earlier one, as in a container.
      envFrom: canonical,
      ports: ({ containerPort }) => String(containerPort),
    }),
    ...(Object.keys(limits).length && { resources: { limits } }),
  }
}

/** The fields that are maps. */
const maps = <T extends object>(below: T, above: T, fields: readonly (keyof T)[]): Partial<T> =>
  Object.fromEntries(
    fields.flatMap((field) =>
      below[field] && above[field] ? [[field, { ...below[field], ...above[field] }]] : [],
    ),
  ) as Partial<T>

type Keys<T> = {
  readonly [K in keyof T]?: NonNullable<T[K]> extends readonly (infer I)[]
    ? (item: I) => string
    : never
}

/** The fields that are lists: an item of `above` takes the place of the item with the same key. */
const lists = <T extends object>(below: T, above: T, keys: Keys<T>): Partial<T> =>
  Object.fromEntries(
    Object.entries(keys).flatMap(([field, key]) => {
      const [lower, upper] = [below, above].map((pod) => pod[field as keyof T])
      return Array.isArray(lower) && Array.isArray(upper)
        ? [[field, joined(lower, upper, key as (item: unknown) => string)]]
        : []
    }),
  ) as Partial<T>

function joined<T>(
  lower: readonly T[],
  upper: readonly T[],
  key: (item: T) => string,
): readonly T[] {
  const taken = new Set(upper.map(key))
  return [...lower.filter((item) => !taken.has(key(item))), ...upper]
}
