import { isDeepStrictEqual } from 'node:util'
import { codeOf } from '../../cluster/exchange.ts'
import { lastApplied } from '../../hooks/observe/applied.ts'
import { merge } from './merge.ts'
import { type Obj, pathOf, type Resource, type Rest } from './rest.ts'

/** `Job.batch/v1`, as Metacontroller groups objects. */
export const groupOf = ({ kind, apiVersion }: { kind: string; apiVersion: string }): string =>
  `${kind}.${apiVersion}`

export const isOwnedBy = (child: Obj, { metadata: { uid } }: Obj): boolean =>
  child.metadata.labels?.['controller-uid'] === uid &&
  Boolean(child.metadata.ownerReferences?.some((owner) => owner.controller && owner.uid === uid))

/** The desired child with the label of its parent, and with the last-applied annotation. */
function bound(child: Obj, parent: Obj): Obj {
  const { [lastApplied]: _, ...annotations } = child.metadata.annotations ?? {}
  const metadata = {
    ...child.metadata,
    namespace: parent.metadata.namespace,
    labels: { ...child.metadata.labels, 'controller-uid': parent.metadata.uid },
    annotations,
  }
  const applied = JSON.stringify({ ...child, metadata })
  return {
    ...child,
    metadata: { ...metadata, annotations: { ...annotations, [lastApplied]: applied } },
  }
}

/**
 * Deletes children that are no longer desired, creates missing ones and updates the others in place.
 * Returns the errors: one child's error does not stop the others.
 */
export async function manageChildren(
  rest: Rest,
  parent: Obj,
  observed: readonly Obj[],
  wanted: readonly Obj[],
  resources: readonly Resource[],
): Promise<readonly unknown[]> {
  const same = (a: Obj) => (b: Obj) =>
    groupOf(a) === groupOf(b) && a.metadata.name === b.metadata.name
  const undesired = observed.filter(
    (child) => !wanted.some(same(child)) && !child.metadata.deletionTimestamp,
  )
  const work = [
    ...undesired.map((child) => () => remove(rest, resourceOf(child, resources), child)),
    ...wanted.map((child) => () => {
      const existing = observed.find(same(child))
      const resource = resourceOf(child, resources)
      return existing
        ? update(rest, resource, existing, bound(child, parent))
        : create(rest, resource, parent, bound(child, parent))
    }),
  ]
  const errors: unknown[] = []
  for (const step of work) await step().catch((error: unknown) => errors.push(error))
  return errors
}

function resourceOf(child: Obj, resources: readonly Resource[]): Resource {
  const found = resources.find((resource) => groupOf(resource) === groupOf(child))
  if (!found) throw new Error(`${groupOf(child)} is no child resource of this controller`)
  return found
}

async function create(rest: Rest, resource: Resource, parent: Obj, child: Obj): Promise<void> {
  const { apiVersion, kind, metadata } = parent
  const owner = { apiVersion, kind, name: metadata.name, uid: metadata.uid }
  await rest.call('POST', pathOf(resource, metadata.namespace), {
    ...child,
    metadata: {
      ...child.metadata,
      ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }],
    },
  })
}

async function update(rest: Rest, resource: Resource, existing: Obj, child: Obj): Promise<void> {
  if (existing.metadata.deletionTimestamp) return
  const last = JSON.parse(existing.metadata.annotations?.[lastApplied] ?? '{}')
  const merged = merge(existing, last, child) as Obj
  if (isDeepStrictEqual(existing, merged)) return
  const { namespace, name } = existing.metadata
  await rest.call('PUT', pathOf(resource, namespace, name), merged)
}

async function remove(rest: Rest, resource: Resource, child: Obj): Promise<void> {
  const { namespace, name, uid } = child.metadata
  const options = { propagationPolicy: 'Background', preconditions: { uid } }
  await rest.call('DELETE', pathOf(resource, namespace, name), options).catch((error: unknown) => {
    if (codeOf(error) !== 404) throw error
  })
}
