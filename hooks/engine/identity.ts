import { hashedResources } from '../../crds/common.ts'
import type { HashPart } from '../../crds/kind.ts'
import { kinds } from '../../crds/kinds.ts'
import { hash } from '../../crds/names.ts'
import { cores, gibibytes } from '../../crds/schema/quantity.ts'

/** The two hashes that tie work to what went into it. */

// biome-ignore lint/suspicious/noExplicitAny: the fields of all kinds, read by name.
type AnySpec = any

/**
 * Which hash of a load or a run each field of a spec is part of, as the kinds declare it. A field that
 * decides the result is part of the inputs: if it changes, the work is done again. A field that decides
 * whether the work succeeds is part of the attempt: if it changes, failed work gets another Job.
 * Decision 3 says why there are two hashes.
 */
export const hashed: Readonly<Record<string, HashPart>> = Object.assign(
  {},
  ...kinds.map((kind) => kind.hashed),
)

/** The values of the fields that a table assigns to one part. */
function partOf(table: Readonly<Record<string, HashPart>>, part: HashPart) {
  const fields = Object.keys(table).filter((field) => table[field] === part)
  return (values: AnySpec = {}): AnySpec =>
    Object.fromEntries(fields.map((field) => [field, values[field]]))
}
const inputsOf = partOf(hashed, 'inputs')
const attemptOf = partOf(hashed, 'attempt')
const attemptResourcesOf = partOf(hashedResources, 'attempt')

const buildFields = (spec: AnySpec) => ({ build: spec.build })

/** What a load or a run depends on. Defaults and configuration are no part of it. */
const runFields = (spec: AnySpec) => ({
  ...inputsOf(spec),
  image: spec.build ? undefined : spec.image,
  model: spec.model?.name,
  dataset: spec.dataset?.name,
})

export interface Hashes {
  /** What went in: a success is found by it. */
  readonly inputs: string
  /** Inputs, resources and rerun: a Job is named by it. */
  readonly attempt: string
}

/** Hashes of the build stage: the same source is not built again for a changed parameter. */
export const buildHashes = (spec: unknown, rerun: string | undefined): Hashes => ({
  inputs: hash(buildFields(spec)),
  attempt: hash({ ...buildFields(spec), rerun }),
})

/** What makes a failed work worth another attempt. 20 and "20Gi" are the same. */
function attemptFields(spec: AnySpec): AnySpec {
  const { resources, ...fields } = attemptOf(spec)
  const { cpu, memory, ...others } = attemptResourcesOf(resources)
  return {
    ...fields,
    resources: {
      ...others,
      cpu: cpu === undefined ? undefined : cores(cpu),
      memory: memory === undefined ? undefined : gibibytes(memory),
    },
  }
}

/** Hashes of load, run and package. */
export const runHashes = (spec: unknown, rerun: string | undefined): Hashes => ({
  inputs: hash(runFields(spec)),
  attempt: hash({ ...runFields(spec), ...attemptFields(spec), rerun }),
})

/** A walk through the stages asks for the same hashes at several places: each is made once. */
export function hashesOf(make: (rerun: string | undefined) => Hashes): typeof make {
  const known = new Map<string | undefined, Hashes>()
  return (rerun) => {
    const found = known.get(rerun) ?? make(rerun)
    known.set(rerun, found)
    return found
  }
}
