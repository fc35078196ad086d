import { adapterFaults, type KnownAdapter, staleAdapters } from '../../crds/adapters.ts'
import { withNodes } from '../../crds/imagevolumes.ts'
import { quoted } from '../../crds/quoted.ts'
import { type Needs, type Rule, type RuleInput, specOf } from '../../crds/rule.ts'
import type { Artifacts } from '../../crds/status.ts'
import { onlyWarns } from './references.ts'

/** Rules about the Models in spec.adapters of a ModelServer. */

const reads = ['spec.model', 'spec.adapters']

const needs: Needs = {
  references: 'all',
  to: 'Model',
  when: ({ object }) => (specOf(object).adapters?.length ?? 0) > 0,
  withAdapters: true,
}

export const adapterRules: readonly Rule[] = [
  {
    field: 'spec.adapters',
    reads: ['spec.adapters'],
    needs,
    warns: onlyWarns,
    broken: (input) => missingIn(input).length > 0,
    message: (input) =>
      missingIn(input)
        .map((name) => `Not found: "${name}": Model "${name}" does not exist in this namespace`)
        .join('; '),
  },
  {
    field: 'spec.adapters',
    reads: [
      ...reads,
      ...['spec.image', 'spec.build', 'spec.runtime', 'spec.command', 'spec.replicas'],
      ...['spec.resources', 'spec.pod'],
    ],
    needs,
    // The Pods of an existing server may mount images, as its nodes could when they were created.
    warns: (input) =>
      Boolean(input.oldObject) && faultsOf({ ...input, nodes: undefined }).length === 0,
    broken: (input) => faultsOf(input).length > 0,
    message: (input) => faultsOf(input).join('; '),
  },
  {
    field: 'spec.adapters',
    reads,
    needs,
    warns: () => true,
    broken: (input) => staleIn(input).length > 0,
    message: (input) => {
      const names = staleIn(input)
      const [what, were, they] =
        names.length > 1 ? ['Models', 'were', 'they are'] : ['Model', 'was', 'it is']
      return `${what} ${quoted(names)} ${were} trained on another result of Model "${input.spec.model?.name}" than the present one, which is not served with adapters until ${they} trained again: kubectl annotate --overwrite model ${names.join(' ')} substratus.ai/rerun="$(date)"`
    },
  },
]

const artifactsOf = ({ read }: RuleInput, name: string): Artifacts | undefined =>
  (read('Model', name)?.status as { readonly artifacts?: Artifacts } | undefined)?.artifacts

const namesIn = ({ spec }: RuleInput): readonly string[] =>
  (spec.adapters ?? []).map(({ name }) => name)

const missingIn = (input: RuleInput): readonly string[] =>
  namesIn(input).filter((name) => input.read('Model', name) === null)

/** The adapters that were found. */
const knownIn = (input: RuleInput): readonly KnownAdapter[] =>
  namesIn(input).flatMap((name) => {
    const model = input.read('Model', name)
    if (!model) return []
    return [{ name, base: specOf(model).model?.name, artifacts: artifactsOf(input, name) }]
  })

const servedIn = (input: RuleInput): Artifacts | undefined =>
  artifactsOf(input, input.spec.model?.name ?? '')

function faultsOf(input: RuleInput): readonly string[] {
  const { object, config, nodes } = input
  const { model, image, build, runtime, command, replicas } = input.spec
  if (!model) return []
  return adapterFaults(
    {
      model,
      ...(image && { image }),
      ...(build && { build }),
      ...(runtime && { runtime }),
      ...(command && { command }),
      ...(replicas !== undefined && { replicas }),
    },
    servedIn(input),
    knownIn(input),
    withNodes(config, nodes, object),
  )
}

const staleIn = (input: RuleInput): readonly string[] =>
  staleAdapters(servedIn(input), knownIn(input))
