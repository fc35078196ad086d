import type { PodsOf } from '../config/pods.ts'
import type { Config } from '../config.ts'
import { mergedPods } from '../podmerge.ts'
import { allowedRules } from '../podrules/allowed.ts'
import { ourRules } from '../podrules/ours.ts'
import { limitRules } from '../podrules/podlimits.ts'
import type { PodInput, PodRule } from '../podrules/podrule.ts'
import { shapeRules } from '../podrules/shape.ts'
import type { Rule, RuleInput } from '../rule.ts'
import type { FieldError } from '../schema/validator.ts'
import { podSecretFault } from '../secrets.ts'

/** The rules about spec.pod, which apply to the configuration's `pods` too. */
const rows: readonly PodRule[] = [...allowedRules, ...ourRules, ...limitRules, ...shapeRules]

/** One rule for each field, which reports everything that is wrong with it. */
export const podRules: readonly Rule[] = [...Map.groupBy(rows, ({ field }) => field)].map(
  ([field, own]) => {
    const found = (input: RuleInput): readonly string[] => {
      const pods = podsIn(input)
      return pods ? own.flatMap(({ fault }) => fault(pods) ?? []) : []
    }
    const others = own.flatMap(({ reads = [] }) => reads)
    return {
      field: `spec.pod.${field}`,
      reads: ['spec.pod', ...others],
      // Adding a GPU can break it: the GPU's profile may contradict the nodeSelector.
      brokenBy: [`spec.pod.${field}`, ...others],
      broken: (input) => found(input).length > 0,
      message: (input) => found(input).join('; '),
    }
  },
)

/** Undefined if nothing is set for the Pods: then no rule can be broken. */
function podsIn({ object: { kind }, spec, config }: RuleInput): PodInput | undefined {
  const below = config.pods[kind]
  if (!spec.pod && !below) return undefined
  return { own: spec.pod ?? {}, pod: mergedPods(below, spec.pod), of: kind, spec, config }
}

/** The faults of the configuration's `pods`, including two different ServiceAccounts for a kind. */
export const podsFaults = (config: Config): readonly FieldError[] =>
  Object.entries(config.pods).flatMap(([name, own]) => {
    const of = name as PodsOf
    const input = { own, pod: own, of, spec: undefined, config }
    const broken = rows.flatMap(({ field, fault }) => {
      const message = fault(input)
      return message ? [{ field, message }] : []
    })
    return [...broken, ...secretFaults(input), ...accountFault(input)].map(
      ({ field, message }) => ({ field: `pods.${of}.${field}`, message }),
    )
  })

const secretFaults = ({ own, config }: PodInput): readonly FieldError[] =>
  (['volumes', 'container.envFrom'] as const).flatMap((field) => {
    const message = podSecretFault(field, own, config)
    return message ? [{ field, message }] : []
  })

function accountFault({ own, of, config }: PodInput): readonly FieldError[] {
  const account = of === 'builder' ? undefined : config.serviceAccounts[of]
  const { serviceAccountName } = own
  return account && serviceAccountName && account !== serviceAccountName
    ? [
        {
          field: 'serviceAccountName',
          message: `Invalid value: "${serviceAccountName}" conflicts with "${account}" of serviceAccounts.${of}`,
        },
      ]
    : []
}
