import { codeOf } from '../../cluster/exchange.ts'
import { changesOf, groupOf, ownerOf, updated } from './childchanges.ts'
import { type Obj, pathOf, type Resource, type Rest } from './rest.ts'

/** Writes the children of an answer. Returns the errors: one child's error does not stop the others. */
export async function manageChildren(
  rest: Rest,
  parent: Obj,
  observed: readonly Obj[],
  wanted: readonly Obj[],
  resources: readonly Resource[],
): Promise<readonly unknown[]> {
  const { namespace } = parent.metadata
  const errors: unknown[] = []
  for (const change of changesOf(parent, observed, wanted)) {
    const { verb, child } = change
    const write = async () => {
      const resource = resourceOf(child, resources)
      if (verb === 'delete') return remove(rest, resource, child)
      if (verb === 'update') return update(rest, resource, change.existing, child)
      const metadata = { ...child.metadata, ownerReferences: [ownerOf(parent)] }
      await rest.call('POST', pathOf(resource, namespace), { ...child, metadata })
    }
    await write().catch((error: unknown) => errors.push(error))
  }
  return errors
}

function resourceOf(child: Pick<Obj, 'kind' | 'apiVersion'>, resources: readonly Resource[]) {
  const found = resources.find((resource) => groupOf(resource) === groupOf(child))
  if (!found) throw new Error(`${groupOf(child)} is no child resource of this controller`)
  return found
}

async function update(
  rest: Rest,
  resource: Resource,
  existing: Obj,
  child: Parameters<typeof updated>[1],
) {
  const merged = updated(existing, child)
  if (!merged) return
  const { namespace, name } = existing.metadata
  await rest.call('PUT', pathOf(resource, namespace, name), merged)
}

async function remove(rest: Rest, resource: Resource, { metadata }: Obj): Promise<void> {
  const { namespace, name, uid } = metadata
  const options = { propagationPolicy: 'Background', preconditions: { uid } }
  await rest.call('DELETE', pathOf(resource, namespace, name), options).catch((error: unknown) => {
    if (codeOf(error) !== 404) throw error
  })
}
