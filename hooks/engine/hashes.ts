import { hashedResources, type Resources } from '../../crds/common.ts'
import type { Config } from '../../crds/config.ts'
import type { HashPart, Parent } from '../../crds/kind.ts'
import { kinds } from '../../crds/kinds.ts'
import { hash } from '../../crds/names.ts'
import { networkIn } from '../../crds/networkvariables.ts'
import { cores, gibibytes } from '../../crds/schema/quantity.ts'

/** The hashes that identify work by its inputs, and the one that identifies what a server was made for. */

/** The fields of any kind; only those that are converted before they are hashed have a type here. */
interface Fields extends Readonly<Record<string, unknown>> {
  readonly model?: { readonly name?: string }
  readonly env?: Readonly<Record<string, string>>
  readonly dataset?: { readonly name?: string }
  readonly resources?: Resources
}

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
  return (values: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> =>
    Object.fromEntries(fields.map((field) => [field, values[field]]))
}
const inputsOf = partOf(hashed, 'inputs')
const attemptOf = partOf(hashed, 'attempt')
const attemptResourcesOf = partOf(hashedResources, 'attempt')

const buildFields = (spec: Fields) => ({ build: spec.build })

/** What a load or a run depends on. Defaults and configuration are not part of it. */
const runFields = (spec: Fields) => ({
  ...inputsOf(spec),
  image: spec.build ? undefined : spec.image,
  model: spec.model?.name,
  dataset: spec.dataset?.name,
})

export interface Hashes {
  /** The inputs: a completed Job is found by it. */
  readonly inputs: string
  /** Inputs, resources and rerun: part of the Job's name. */
  readonly attempt: string
}

/**
 * Hashes of the build stage: a changed parameter does not build the same source again. A changed proxy
 * starts another attempt.
 */
export function buildHashes(spec: object, rerun: string | undefined): Hashes {
  const fields = buildFields(spec as Fields)
  const network = networkIn((spec as Fields).env)
  return {
    inputs: hash(fields),
    attempt: hash({
      ...fields,
      network: network.length ? Object.fromEntries(network) : undefined,
      rerun,
    }),
  }
}

/** The fields whose change makes failed work worth another attempt. 20 and "20Gi" are the same. */
function attemptFields(spec: Fields) {
  const { cpu, memory } = spec.resources ?? {}
  return {
    ...attemptOf(spec),
    resources: {
      ...attemptResourcesOf({ ...spec.resources }),
      cpu: cpu === undefined ? undefined : cores(cpu),
      memory: memory === undefined ? undefined : gibibytes(memory),
    },
  }
}

export interface RunHashes extends Hashes {
  /**
   * Inputs and rerun: the name of the folder that a load or a run writes to, so that all attempts with the
   * same inputs share it.
   */
  readonly folder: string
}

/** Hashes of load, run and package. */
export function runHashes(spec: object, rerun: string | undefined): RunHashes {
  const fields = runFields(spec as Fields)
  const inputs = hash(fields)
  return {
    inputs,
    attempt: hash({ ...fields, ...attemptFields(spec as Fields), rerun }),
    // Without a rerun the two are the same, and hashing a large spec costs the most of a sync.
    folder: rerun ? hash({ ...fields, rerun }) : inputs,
  }
}

/** The fields of a ModelServer that its Pods do not depend on, and those that `served` has resolved. */
const besideTemplate = ['replicas', 'suspend', 'strategy', 'aliases', 'build', 'image']

/**
 * What the Pod template of a server is made for: what its object says and what it serves. It includes
 * nothing of the configuration except the revision that rolls out everything, so that no other change
 * of the configuration restarts a server.
 */
export function servingInputs(
  { metadata: { uid }, spec }: Parent,
  served: {
    readonly image: string | undefined
    readonly artifacts: string | undefined
    /** The results of the adapters, in the order of spec.adapters. */
    readonly adapters: readonly (string | undefined)[]
  },
  { rolloutRevision }: Config,
): string {
  const said = Object.entries(spec as Fields).filter(([field]) => !besideTemplate.includes(field))
  const revision = rolloutRevision === undefined ? undefined : String(rolloutRevision)
  return hash({ ...Object.fromEntries(said), uid, served, revision })
}

/** The decision on a stage uses the same hashes several times: each is computed once. */
export function hashesOf<T extends Hashes>(
  make: (rerun: string | undefined) => T,
): (rerun: string | undefined) => T {
  const known = new Map<string | undefined, T>()
  return (rerun) => {
    const found = known.get(rerun) ?? make(rerun)
    known.set(rerun, found)
    return found
  }
}
