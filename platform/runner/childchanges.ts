import { isDeepStrictEqual } from 'node:util'
import { lastApplied } from '../../hooks/observe/applied.ts'
import { merge } from './merge.ts'

/** What an answer changes among the children of a parent, as Metacontroller decides it; pure. */

/** What is read of an object here. */
export interface Any {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string | undefined
    readonly uid?: string | undefined
    readonly deletionTimestamp?: unknown
    readonly labels?: Readonly<Record<string, string>> | undefined
    readonly annotations?: Readonly<Record<string, string>> | undefined
    readonly ownerReferences?: readonly { readonly controller?: boolean; readonly uid: string }[]
  }
}

export type Change<T extends Any> =
  | { readonly verb: 'delete'; readonly child: T }
  | { readonly verb: 'create'; readonly child: Any }
  | { readonly verb: 'update'; readonly existing: T; readonly child: Any }

/** `Job.batch/v1`, as Metacontroller groups objects. */
export const groupOf = ({ kind, apiVersion }: Pick<Any, 'kind' | 'apiVersion'>): string =>
  `${kind}.${apiVersion}`

export const isOwnedBy = (child: Any, { metadata: { uid } }: Any): boolean =>
  child.metadata.labels?.['controller-uid'] === uid &&
  Boolean(child.metadata.ownerReferences?.some((owner) => owner.controller && owner.uid === uid))

/** The reference of a new child to its parent. */
export const ownerOf = ({ apiVersion, kind, metadata: { name, uid = '' } }: Any) => ({
  apiVersion,
  kind,
  name,
  uid,
  controller: true,
  blockOwnerDeletion: true,
})

/**
 * Children that are no longer wanted are deleted first, then those that are missing are created and the
 * others updated in place.
 */
export function changesOf<T extends Any>(
  parent: Any,
  observed: readonly T[],
  wanted: readonly Any[],
): readonly Change<T>[] {
  const same = (a: Any) => (b: Any) =>
    groupOf(a) === groupOf(b) && a.metadata.name === b.metadata.name
  const undesired = observed.filter(
    (child) => !wanted.some(same(child)) && !child.metadata.deletionTimestamp,
  )
  return [
    ...undesired.map((child) => ({ verb: 'delete' as const, child })),
    ...wanted.map((one): Change<T> => {
      const existing = observed.find(same(one))
      const child = bound(one, parent)
      return existing ? { verb: 'update', existing, child } : { verb: 'create', child }
    }),
  ]
}

/** The desired child with the label of its parent, and with the last-applied annotation. */
function bound(child: Any, parent: Any): Any {
  const { [lastApplied]: _, ...annotations } = child.metadata.annotations ?? {}
  const metadata = {
    ...child.metadata,
    namespace: parent.metadata.namespace,
    labels: { ...child.metadata.labels, 'controller-uid': parent.metadata.uid ?? '' },
    annotations,
  }
  const applied = JSON.stringify({ ...child, metadata })
  return {
    ...child,
    metadata: { ...metadata, annotations: { ...annotations, [lastApplied]: applied } },
  }
}

/** The object to write for an update; undefined if there is nothing to write. */
export function updated<T extends Any>(existing: T, child: Any): T | undefined {
  if (existing.metadata.deletionTimestamp) return undefined
  const last = JSON.parse(existing.metadata.annotations?.[lastApplied] ?? '{}')
  const merged = merge(existing, last, child) as T
  return isDeepStrictEqual(existing, merged) ? undefined : merged
}
