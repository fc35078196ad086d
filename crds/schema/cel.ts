import { type ASTNode, Environment } from '@marcbachmann/cel-js'
import type { CelRule } from './builders.ts'
import { closureOf } from './closure.ts'

/**
 * CEL as the API server evaluates it, so that a rule is written once and applies in the CRD, in the
 * webhook, in the hooks and in `substratus validate` alike.
 */
const environment = new Environment({ unlistedVariablesAreDyn: true }).registerFunction(
  // Of Kubernetes' own library of regular expressions.
  'string.find(string): string',
  (text: string, pattern: string) => new RegExp(pattern).exec(text)?.[0] ?? '',
)

export interface CompiledRule {
  /** The message of the broken rule; undefined if it is not broken. */
  readonly check: (self: unknown) => string | undefined
}

export function compile(rule: CelRule): CompiledRule {
  const parsed = environment.parse(rule.rule)
  const holds = closed(parsed.ast) ?? ((self: unknown) => parsed({ self: withIntegers(self) }))
  const message = rule.messageExpression ? environment.parse(rule.messageExpression) : undefined
  return {
    check: (self) => {
      if (holds(self) === true) return undefined
      return message ? String(message({ self })) : (rule.message ?? `failed rule: ${rule.rule}`)
    },
  }
}

/**
 * Undefined for a rule with an expression that closures do not support: the library evaluates that
 * rule itself, with the same result but more slowly. A test checks that all present rules compile.
 */
function closed(node: ASTNode): ((self: unknown) => unknown) | undefined {
  try {
    return closureOf(node)
  } catch {
    return undefined
  }
}

/** The library treats every number as a double; the API server treats a JSON integer as an int. */
function withIntegers(value: unknown): unknown {
  if (Number.isSafeInteger(value)) return BigInt(value as number)
  if (Array.isArray(value)) return value.map(withIntegers)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, withIntegers(inner)]),
  )
}
