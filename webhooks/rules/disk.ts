import { wantsClaim, workFields } from '../../crds/claims.ts'
import { quantityPattern } from '../../crds/common.ts'
import type { Config } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import type { Rule, RuleInput } from '../../crds/rule.ts'
import { isObject } from '../../crds/schema/json.ts'
import { gibibytes, larger } from '../../crds/schema/quantity.ts'

/** Kubernetes cannot shrink a claim, so admission refuses to. */
export const diskRules: readonly Rule[] = [
  {
    field: 'spec.resources.disk',
    reads: ['spec.resources.disk', ...workFields],
    broken: (input) => shrunk(input) !== undefined,
    message: (input) => {
      const [before, after] = shrunk(input) ?? []
      return `Forbidden: may not shrink from ${before} to ${after}: a claim can only grow`
    },
  },
]

/** The sizes before and after, if a claim would shrink. */
function shrunk({ object, oldObject, config }: RuleInput): readonly [string, string] | undefined {
  if (!oldObject || !wantsClaim(object, config) || !wantsClaim(oldObject, config)) return undefined
  const before = diskOf(oldObject, config)
  const after = diskOf(object, config)
  const shrinks = before !== undefined && after !== undefined && larger(before, after) !== after
  return shrinks ? [before, after] : undefined
}

const quantity = new RegExp(quantityPattern)

/** The disk as a quantity; undefined if it is not valid, which the schema reports. */
export function diskOf({ kind, spec }: Parent, config: Config): string | undefined {
  const given = isObject(spec) && isObject(spec.resources) ? spec.resources.disk : undefined
  const disk = given ?? config.resources[kind]?.disk ?? 0
  return isQuantity(disk) ? gibibytes(disk) : undefined
}

const isQuantity = (disk: unknown): disk is number | string =>
  (typeof disk === 'number' && Number.isInteger(disk)) ||
  (typeof disk === 'string' && disk.length <= 32 && quantity.test(disk))
