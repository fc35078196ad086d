import { wantsClaim } from '../../crds/claims.ts'
import { quantityPattern } from '../../crds/common.ts'
import type { Config } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import { gibibytes, larger } from '../../crds/schema/quantity.ts'
import type { FieldError } from '../../crds/schema/validator.ts'

const quantity = new RegExp(quantityPattern)

/** Rules about a change: what Kubernetes itself cannot do later is refused now. */
export function checkUpdate(
  object: Parent,
  oldObject: Parent,
  config: Config,
): readonly FieldError[] {
  if (!wantsClaim(object, config) || !wantsClaim(oldObject, config)) return []
  const before = diskOf(oldObject, config)
  const after = diskOf(object, config)
  if (before === undefined || after === undefined || larger(before, after) === after) return []
  return [
    {
      field: 'spec.resources.disk',
      message: `Forbidden: may not shrink from ${before} to ${after}: a claim can only grow`,
    },
  ]
}

/** The disk as a quantity; undefined where it is none, on which the schema has its say. */
export function diskOf(object: Parent, config: Config): string | undefined {
  const { resources } = (object.spec ?? {}) as { resources?: { disk?: unknown } | null }
  const disk = resources?.disk ?? config.resources[object.kind]?.disk ?? 0
  const isQuantity =
    (typeof disk === 'number' && Number.isInteger(disk)) ||
    (typeof disk === 'string' && disk.length <= 32 && quantity.test(disk))
  return isQuantity ? gibibytes(disk as number | string) : undefined
}
