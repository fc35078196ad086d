import type { StageRecord } from '../../crds/status.ts'
import { upstreamOf } from '../observe/memory.ts'
import type { Child } from '../observe/protocol.ts'
import type { Reference } from '../observe/references.ts'

/** The results of other objects that a stage uses: recorded, and compared later to detect a stale result. */

type Identities = Readonly<Record<string, string>>

/** The identities of the results that a stage uses now, by the field that names the object. */
export const identitiesOf = (needs: readonly Reference[]): Identities =>
  Object.fromEntries(
    needs.flatMap((reference) =>
      reference.state === 'ready' ? [[reference.field.field, reference.artifacts.id ?? '']] : [],
    ),
  )

/** The identities that the Job of a stage used. */
export function recordedUpstream(job: Child, needs: readonly Reference[]): Identities {
  const used = upstreamOf(job)
  return Object.fromEntries(
    needs.flatMap((reference) => {
      const id = reference.state === 'none' ? undefined : used[reference.field.field]
      return reference.state !== 'none' && id !== undefined ? [[reference.field.field, id]] : []
    }),
  )
}

/** The references whose present result is not the one that was used. */
export const changedUpstream = (
  { upstream }: StageRecord,
  needs: readonly Reference[],
): readonly string[] =>
  needs.flatMap((reference) => {
    if (reference.state !== 'ready') return []
    const { field, name, artifacts } = reference
    const used = upstream?.[field.field]
    return used !== undefined && used !== artifacts.id ? [`${field.kind} "${name}"`] : []
  })
