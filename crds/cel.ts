import { Environment, type ParseResult } from '@marcbachmann/cel-js'
import type { CelRule } from './schema.ts'

/**
 * CEL as the API server speaks it, so that a rule is written once and holds in the CRD, in the
 * webhook, in the hooks and in `substratus validate` alike.
 */
const environment = new Environment({ unlistedVariablesAreDyn: true })

/** The library's matches() makes a RegExp of its words at each call; here each is made once. */
const patterns: RegExp[] = []
environment.registerFunction('string.matchesPattern(int): bool', (text, number) =>
  patterns[Number(number)]?.test(text),
)
const withPatterns = (rule: string): string =>
  rule.replaceAll(
    /\.matches\(('(?:[^'\\]|\\.)*')\)/g,
    (_, literal) =>
      `.matchesPattern(${patterns.push(new RegExp(environment.evaluate(literal))) - 1})`,
  )

export interface CompiledRule {
  /** The message of the broken rule, or undefined when it holds. */
  readonly check: (self: unknown) => string | undefined
}

export function compile(rule: CelRule): CompiledRule {
  const holds: ParseResult = environment.parse(withPatterns(rule.rule))
  const message = rule.messageExpression ? environment.parse(rule.messageExpression) : undefined
  return {
    check: (self) => {
      if (holds({ self }) === true) return undefined
      return message ? String(message({ self })) : (rule.message ?? `failed rule: ${rule.rule}`)
    },
  }
}
