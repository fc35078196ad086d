import type { Config } from '../../crds/config.ts'
import type { Kind, Parent } from '../../crds/kind.ts'
import type { ModelServerSpec } from '../../crds/modelserver.ts'
import { tooManyReplicas } from '../../crds/serving.ts'
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
      ...checkReplicas(kind, object, config, facts),
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

/** More Pods than the mount of the Model serves. */
function checkReplicas(
  kind: Kind,
  object: Parent,
  config: Config,
  facts: Facts,
): readonly FieldError[] {
  if (kind.kind !== 'ModelServer') return []
  const model = referencesIn(kind, object).find((reference) => reference.kind === 'Model')
  if (!model) return []
  const { artifacts } = (factOf(facts, 'Model', model.name)?.status ?? {}) as {
    artifacts?: Artifacts
  }
  const server = object.spec as ModelServerSpec
  const message = artifacts && tooManyReplicas(server, model.name, artifacts, config)
  return message ? [{ field: 'spec.replicas', message }] : []
}
