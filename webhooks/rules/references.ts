import { withNodes } from '../../crds/imagevolumes.ts'
import { type ReferredKind, type Rule, type RuleInput, specOf } from '../../crds/rule.ts'
import { tooManyReplicas } from '../../crds/serving.ts'
import type { Artifacts } from '../../crds/status.ts'
import { baseOf, longestChain } from '../facts.ts'

/** Rules about the Models and Datasets of the same namespace that an object refers to. */

/**
 * Whether a missing reference causes only a warning. kubectl diff, Flux and Argo CD dry-run objects
 * together with the objects that they refer to, and apply them in an order of their own.
 */
export const onlyWarns = ({
  dryRun,
  username = '',
  config: { references },
}: Pick<RuleInput, 'username' | 'config'> & { readonly dryRun?: boolean }): boolean =>
  dryRun === true || references.missing === 'Warn' || references.warnFor.includes(username)

const missing = (field: 'model' | 'dataset', to: ReferredKind): Rule => {
  const nameIn = ({ spec }: RuleInput): string => spec[field]?.name ?? ''
  return {
    field: `spec.${field}.name`,
    reads: ['spec.model', 'spec.dataset'],
    needs: { references: 'changed', to },
    warns: onlyWarns,
    broken: (input) => input.read(to, nameIn(input)) === null,
    message: (input) =>
      `Not found: "${nameIn(input)}": ${to} "${nameIn(input)}" does not exist in this namespace`,
  }
}

export const referenceRules: readonly Rule[] = [
  missing('model', 'Model'),
  missing('dataset', 'Dataset'),
  {
    field: 'spec.model.name',
    reads: ['metadata.name', 'spec.model'],
    needs: {
      references: 'changed',
      to: 'Model',
      when: ({ object }) => object.kind === 'Model',
      withBases: true,
    },
    broken: (input) => cycleOf(input) !== undefined,
    message: (input) => {
      const cycle = cycleOf(input) ?? []
      return `Invalid value: "${cycle[1]}": the bases lead in a circle: ${cycle.join(' → ')}`
    },
  },
  {
    field: 'spec.replicas',
    reads: [
      ...['spec.model', 'spec.replicas', 'spec.image', 'spec.build', 'spec.runtime'],
      ...['spec.resources', 'spec.pod'],
    ],
    needs: {
      references: 'all',
      to: 'Model',
      when: ({ object }) => object.kind === 'ModelServer' && (specOf(object).replicas ?? 1) > 1,
    },
    // The Pods of an existing server may mount the image, as its nodes could when they were created.
    warns: (input) => Boolean(input.oldObject) && tooMany(withoutNodes(input)) === undefined,
    broken: (input) => tooMany(input) !== undefined,
    message: (input) => tooMany(input) ?? '',
  },
]

/** The chain of bases from the Model back to itself, as far as they were looked up. */
function cycleOf({ object, read }: RuleInput): readonly string[] | undefined {
  const { name } = object.metadata
  const chain: string[] = []
  let base = baseOf(object)
  while (base && base !== name && !chain.includes(base) && chain.length < longestChain) {
    chain.push(base)
    base = baseOf(read('Model', base))
  }
  // The schema refuses a Model that names itself.
  return base && base === name && chain.length ? [name, ...chain, name] : undefined
}

/** More replicas than can mount the Model's volume. */
function tooMany({ object, spec, config, nodes, read }: RuleInput): string | undefined {
  const name = spec.model?.name ?? ''
  const { artifacts } = (read('Model', name)?.status ?? {}) as { readonly artifacts?: Artifacts }
  return artifacts && tooManyReplicas(spec, name, artifacts, withNodes(config, nodes, object))
}

const withoutNodes = (input: RuleInput): RuleInput => ({ ...input, nodes: undefined })
