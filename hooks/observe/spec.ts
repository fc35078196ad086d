import type { RunPolicy } from '../../crds/common.ts'
import type { Build } from '../../crds/gitbuild.ts'
import type { Parent } from '../../crds/kind.ts'
import { isObject } from '../../crds/schema/json.ts'
import type { Records } from './memory.ts'

/** Fields of the spec that are read of any kind, and even of an invalid object. */

export const isSuspended = (parent: Parent): boolean =>
  (parent.spec as { suspend?: boolean } | undefined)?.suspend === true

export const policyOf = (parent: Parent): RunPolicy => {
  const { runPolicy } = (parent.spec ?? {}) as { readonly runPolicy?: unknown }
  return isObject(runPolicy) ? runPolicy : {}
}

/** After how many disruptions a Job is stopped. */
export const mostDisruptions = (parent: Parent): number => policyOf(parent).maxDisruptions ?? 10

/** Build wins over image: exported objects of the last release have both. */
export const ownImage = (
  { build, image }: { readonly build?: Build; readonly image?: string },
  records: Records,
): string | undefined => (build ? records.build?.image : image)
