import type { Config } from '../../crds/config.ts'
import { annotations, type Parent } from '../../crds/kind.ts'
import type { StageRecord } from '../../crds/status.ts'
import { hashesOf, type RunHashes } from '../engine/hashes.ts'
import type { Facts } from '../engine/read.ts'
import type { WorkStage } from '../engine/stage.ts'
import type { Report } from '../observe/jobreport.ts'
import { yes } from '../observe/verdict.ts'
import { toolResources } from '../pod/resources.ts'
import { toolSecurity } from '../pod/security.ts'
import type { Place } from '../storage/driver.ts'
import { artifactsPath, lostPlace, pathsInUse, storageFor } from '../storage/storage.ts'
import { sealPod } from './sealpod.ts'

/**
 * Seal writes a manifest with sizes and checksums last: artifacts without a manifest are incomplete. Its
 * termination message is `{"digest": "sha256:…", "bytes": N}`. It removes older results, except for those
 * in `keep`, which are still in use.
 */
export const sealArgs = ({ seal }: Place, keep: readonly string[]): readonly string[] => [
  ...seal.args,
  ...keep.map((path) => `--keep=${path}`),
]

export const sealContainer = (place: Place, keep: readonly string[], config: Config) => ({
  name: 'seal',
  image: place.seal.isToBucket ? config.images.sealToBucket : config.images.seal,
  args: ['seal', ...sealArgs(place, keep)],
  resources: toolResources(config),
  ...(place.seal.env?.length && { env: place.seal.env }),
  volumeMounts: place.seal.volumeMounts,
  terminationMessagePolicy: 'FallbackToLogsOnError',
  ...toolSecurity(config),
})

const nothing: Pick<StageRecord, 'attempt' | 'node' | 'storage'> = { attempt: '' }

/** What seal reports about a result. */
export const sealedResult = ({ digest, bytes, unsealed, adapter }: Report) => ({
  ...(digest && { digest }),
  ...(bytes !== undefined && { bytes }),
  ...(unsealed && { unsealed }),
  ...(adapter && { adapter }),
})

/** What `seal` reports of a program that wrote nothing; a test compares the words. */
const nothingWritten = 'nothing was written to /content/artifacts'

/** Sealing again does not help a program that wrote nothing: it must run again. */
export const sealRemedy =
  ({ kind, metadata }: Parent) =>
  (failure: string): string | undefined =>
    failure.includes(nothingWritten)
      ? `the program runs again once the spec is changed, or by kubectl annotate --overwrite ${kind.toLowerCase()} ${metadata.name} ${annotations.rerun}="$(date)"`
      : undefined

/**
 * Seals what a user's program has written, in a Job of its own: the GPUs are free as soon as the program
 * ends, and a failed seal is retried without the program.
 */
export function sealStage(
  facts: Facts,
  program: 'load' | 'run',
  hashes: (rerun: string | undefined) => RunHashes,
): WorkStage {
  const { parent, config } = facts
  return {
    does: 'work',
    name: 'seal',
    keys: [program],
    condition: 'Complete',
    active: 'Sealing',
    isBrief: true,
    isTool: true,
    skip: ({ written }) => (written ? undefined : yes('Skipped', 'nothing waits to be sealed')),
    needs: [],
    hashes: hashesOf((rerun) => ({
      inputs: hashes(rerun).inputs,
      attempt: hashes(rerun).folder,
    })),
    policy: { backoffLimit: 3, final: { container: 'seal', exitCode: 3 } },
    remedy: sealRemedy(parent),
    template: (_, records) => {
      const { written = nothing } = records
      const path = artifactsPath(program, written.attempt)
      const place = storageFor(written, config).write(parent, path, config)
      // The records that the answer has, as every later answer does: an earlier result that was never sealed
      // is in none of them.
      const keep = pathsInUse({ ...facts, memory: { ...facts.memory, records } }, program).filter(
        (other) => other !== path,
      )
      const { volumes } = place.seal
      return sealPod(facts, sealContainer(place, keep, config), volumes, written)
    },
    lost: (record) => lostPlace(facts, program, record),
    result: (report, { job: seal }, { written }) => {
      const { node: _, ...made } = written ?? {}
      return { ...made, ...sealedResult(report), seal }
    },
  }
}
