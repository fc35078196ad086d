import type { Strategy } from '../common.ts'
import type { Rule, RuleInput } from '../rule.ts'

/** The API server's CEL rules cannot read spec.strategy, whose schema is a union. */
export const strategyRules: readonly Rule[] = [
  {
    field: 'spec.strategy',
    broken: (input) => {
      const { type, maxSurge, maxUnavailable } = given(input)
      return type === 'Recreate' && (maxSurge ?? maxUnavailable) !== undefined
    },
    message: () =>
      'Invalid value: Recreate stops the old Pods first, all at once: remove maxSurge and maxUnavailable, or set type: RollingUpdate',
  },
  {
    field: 'spec.strategy',
    broken: (input) => {
      const { maxSurge, maxUnavailable } = given(input)
      return isZero(maxSurge) && isZero(maxUnavailable)
    },
    message: () =>
      'Invalid value: maxSurge and maxUnavailable are both 0, so no Pod could be replaced: set one of them',
  },
]

/** A strategy that is an object; empty for any other. */
const given = ({ spec: { strategy } }: RuleInput): Partial<Exclude<Strategy, string>> =>
  typeof strategy === 'object' ? strategy : {}

export const isZero = (pods: number | string | undefined): boolean =>
  pods === 0 || (typeof pods === 'string' && /^0+%$/.test(pods))
