import type { Config } from './config.ts'
import type { Parent } from './kind.ts'
import { errorOf, type Read, type Rule, specOf } from './rule.ts'
import { offerRules } from './rules/offers.ts'
import { paramRules } from './rules/params.ts'
import { podRules } from './rules/pods.ts'
import { sizeRules } from './rules/size.ts'
import { strategyRules } from './rules/strategy.ts'
import { type FieldError, unaffectedBy } from './schema/validator.ts'
import { secretRules } from './secrets.ts'

/** The rules about an object alone: admission and the hooks check the same ones. */
export const ownRules: readonly Rule[] = [
  ...offerRules,
  ...paramRules,
  ...sizeRules,
  ...strategyRules,
  ...secretRules,
  ...podRules,
]

/** All broken rules at once, except for fields that are already `wrong` by the schema. */
export function checkRules(
  object: Parent,
  config: Config,
  wrong: readonly FieldError[],
): readonly FieldError[] {
  const input = { object, spec: specOf(object), config, dryRun: false, read: nothing }
  const isValidPath = wrong.length ? unaffectedBy(wrong) : everywhere
  const errors: FieldError[] = []
  // A loop, for speed: every request runs all rules, and hardly any is broken.
  for (const rule of ownRules) {
    const error = errorOf(rule, input, isValidPath)
    if (error) errors.push(error)
  }
  return errors
}

const everywhere = () => true

/** The hooks look up no objects for rules. */
const nothing: Read = (kind, name) => {
  throw new Error(`a rule reads ${kind} "${name}", which is not declared in its needs`)
}
