import type { Config } from '../../crds/config.ts'
import type { Kind, Parent } from '../../crds/kind.ts'
import type { Artifacts } from '../../crds/status.ts'
import { type FieldError, sentence } from '../../crds/validate.ts'
import { baseOf, type Facts, factOf, longestChain, newReferences, referencesIn } from '../facts.ts'

interface Found {
  readonly errors: readonly FieldError[]
  readonly warnings: readonly string[]
}

/**
 * References to Models and Datasets of the same namespace. A missing one is refused, but for a dry
 * run, which kubectl diff, Flux and Argo make of whole sets, and where the administrator says Warn.
 */
export function checkReferences(
  kind: Kind,
  object: Parent,
  oldObject: Parent | undefined,
  config: Config,
  facts: Facts,
  dryRun: boolean,
): Found {
  const fresh = newReferences(kind, object, oldObject)
  const missing = fresh
    .filter(({ kind: target, name }) => factOf(facts, target, name) === null)
    .map(({ field, kind: target, name }) => ({
      field,
      message: `Not found: "${name}": ${target} "${name}" does not exist in this namespace`,
    }))
  const onlyWarns = dryRun || config.references === 'Warn'
  const circle = kind.kind === 'Model' ? circleOf(object, facts) : undefined
  return {
    errors: [
      ...(onlyWarns ? [] : missing),
      ...(circle && fresh.some(({ field }) => field === 'spec.model.name') ? [circle] : []),
      ...tooManyReplicas(kind, object, config, facts),
    ],
    warnings: onlyWarns ? missing.map(sentence) : [],
  }
}

/** Follows the bases as far as they were looked up. */
function circleOf(object: Parent, facts: Facts): FieldError | undefined {
  const { name } = object.metadata
  const chain: string[] = []
  let base = baseOf(object)
  while (base && base !== name && !chain.includes(base) && chain.length < longestChain) {
    chain.push(base)
    base = baseOf(factOf(facts, 'Model', base))
  }
  // A Model that names itself is the schema's business.
  if (!base || base !== name || !chain.length) return undefined
  return {
    field: 'spec.model.name',
    message: `Invalid value: "${chain[0]}": the bases lead in a circle: ${[name, ...chain, name].join(' → ')}`,
  }
}

/** Two Pods on two nodes cannot mount a claim that one node may write. */
function tooManyReplicas(
  kind: Kind,
  object: Parent,
  config: Config,
  facts: Facts,
): readonly FieldError[] {
  const { replicas = 1 } = (object.spec ?? {}) as { replicas?: number }
  if (kind.kind !== 'ModelServer' || replicas <= 1) return []
  if (config.storage.pvc.accessModes?.includes('ReadWriteMany')) return []
  const model = referencesIn(kind, object).find((reference) => reference.kind === 'Model')
  const { artifacts } = (model ? (factOf(facts, 'Model', model.name)?.status ?? {}) : {}) as {
    artifacts?: Artifacts
  }
  if (!artifacts?.url?.startsWith('pvc://') || artifacts.inImage) return []
  return [
    {
      field: 'spec.replicas',
      message: `Invalid value: ${replicas}: Model "${model?.name}" is in a ReadWriteOnce claim, which serves one: set package: Always on the Model, or use a storage class with ReadWriteMany`,
    },
  ]
}
