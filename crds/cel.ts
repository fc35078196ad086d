import { Environment } from '@marcbachmann/cel-js'
import { closureOf } from './closure.ts'
import type { CelRule } from './schema.ts'

/**
 * CEL as the API server speaks it, so that a rule is written once and holds in the CRD, in the
 * webhook, in the hooks and in `substratus validate` alike.
 */
const environment = new Environment({ unlistedVariablesAreDyn: true })

export interface CompiledRule {
  /** The message of the broken rule, or undefined when it holds. */
  readonly check: (self: unknown) => string | undefined
}

export function compile(rule: CelRule): CompiledRule {
  const holds = closureOf(environment.parse(rule.rule).ast)
  const message = rule.messageExpression ? environment.parse(rule.messageExpression) : undefined
  return {
    check: (self) => {
      if (holds(self) === true) return undefined
      return message ? String(message({ self })) : (rule.message ?? `failed rule: ${rule.rule}`)
    },
  }
}
