import type { Config } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import type { ModelServerSpec } from '../../crds/modelserver.ts'
import { type FieldError, sentence } from '../../crds/schema/validator.ts'
import { tooManyReplicas } from '../../crds/serving.ts'
import type { Artifacts } from '../../crds/status.ts'
import {
  baseOf,
  type Change,
  type Facts,
  longestChain,
  type Needs,
  neededOf,
  type Read,
  readerOf,
} from '../facts.ts'

/** A rule about referenced objects. */
export interface ReferenceRule {
  readonly needs: Needs
  /** The fields that it reads: they must be valid by the schema. */
  readonly reads: readonly string[]
  readonly broken: (change: Change, read: Read, config: Config) => readonly FieldError[]
  /** In a dry run, or if the administrator has set Warn, a broken rule is only a warning. */
  readonly mayWarn?: true
}

/** References to Models and Datasets of the same namespace. */
export const referenceRules: readonly ReferenceRule[] = [
  {
    needs: { references: 'changed' },
    reads: ['spec.model', 'spec.dataset'],
    // kubectl diff, Flux and Argo CD dry-run objects together with those that they refer to.
    mayWarn: true,
    broken: (change, read) =>
      neededOf({ references: 'changed' }, change)
        .filter(({ kind, name }) => read(kind, name) === null)
        .map(({ field, kind, name }) => ({
          field,
          message: `Not found: "${name}": ${kind} "${name}" does not exist in this namespace`,
        })),
  },
  {
    needs: {
      references: 'changed',
      to: 'Model',
      when: ({ kind }) => kind.kind === 'Model',
      withBases: true,
    },
    reads: ['metadata.name', 'spec.model'],
    broken: ({ object }, read) => circleOf(object, read),
  },
  {
    needs: {
      references: 'all',
      to: 'Model',
      when: ({ kind, object }) =>
        kind.kind === 'ModelServer' && ((object.spec as ModelServerSpec | null)?.replicas ?? 1) > 1,
    },
    reads: ['spec.model', 'spec.replicas', 'spec.image', 'spec.build', 'spec.runtime'],
    // More replicas than can mount the Model's volume.
    broken: ({ object }, read, config) => {
      const server = object.spec as ModelServerSpec
      const { artifacts } = (read('Model', server.model.name)?.status ?? {}) as {
        artifacts?: Artifacts
      }
      const message = artifacts && tooManyReplicas(server, server.model.name, artifacts, config)
      return message ? [{ field: 'spec.replicas', message }] : []
    },
  },
]

interface Found {
  readonly errors: readonly FieldError[]
  readonly warnings: readonly string[]
}

/** The errors and warnings of the rules for a change; `holds` says whether a path is valid by the schema. */
export function checkReferences(
  change: Change,
  config: Config,
  facts: Facts,
  dryRun: boolean,
  holds: (path: string) => boolean,
): Found {
  const onlyWarns = dryRun || config.references === 'Warn'
  const found = referenceRules
    .filter(({ needs, reads }) => neededOf(needs, change).length && reads.every(holds))
    .map((rule) => ({
      onlyTold: onlyWarns && rule.mayWarn,
      errors: rule.broken(change, readerOf(rule.needs, change, facts), config),
    }))
  return {
    errors: found.flatMap(({ onlyTold, errors }) => (onlyTold ? [] : errors)),
    warnings: found.flatMap(({ onlyTold, errors }) => (onlyTold ? errors.map(sentence) : [])),
  }
}

/** Follows the bases as far as they were looked up. */
function circleOf(object: Parent, read: Read): readonly FieldError[] {
  const { name } = object.metadata
  const chain: string[] = []
  let base = baseOf(object)
  while (base && base !== name && !chain.includes(base) && chain.length < longestChain) {
    chain.push(base)
    base = baseOf(read('Model', base))
  }
  // A Model that names itself is the schema's business.
  if (!base || base !== name || !chain.length) return []
  return [
    {
      field: 'spec.model.name',
      message: `Invalid value: "${chain[0]}": the bases lead in a circle: ${[name, ...chain, name].join(' → ')}`,
    },
  ]
}
