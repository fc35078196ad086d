import { isInClaim } from '../crds/claims.ts'
import { Dataset, type DatasetSpec } from '../crds/dataset.ts'
import type { Artifacts } from '../crds/status.ts'
import { claims } from './children/claim.ts'
import { jobs } from './children/job.ts'
import { hashesOf, runHashes } from './engine/hashes.ts'
import { hookOf } from './engine/hook.ts'
import type { Facts } from './engine/read.ts'
import type { WorkStage } from './engine/stage.ts'
import type { Records } from './observe/memory.ts'
import { ownImage } from './observe/spec.ts'
import { yes } from './observe/verdict.ts'
import { noMounts } from './pod/volumes.ts'
import { artifactsUrl, claimsOf, storageOf } from './storage/storage.ts'
import { buildJob, buildStage } from './work/build.ts'
import { loader } from './work/load.ts'
import { runStages, unsealedNote } from './work/run.ts'

/**
 * A Dataset is built and loaded:
 *
 *     build ──▶ load ──▶ seal ──▶ Ready
 *
 * What the load leaves in /content/artifacts is the data. A source is loaded by the project's own
 * loader; one that is a claim already is used where it is.
 */
export const dataset = hookOf(Dataset, {
  children: [
    buildJob('dataset'),
    { kind: jobs, name: 'NAME-dataset-load-HASH', purpose: 'Loads the data.' },
    {
      kind: jobs,
      name: 'NAME-dataset-seal-HASH',
      purpose: 'Records the checksums of what the load has written.',
    },
    {
      kind: claims,
      name: 'NAME-dataset-artifacts',
      purpose: 'The data, with the storage driver pvc.',
    },
    {
      kind: claims,
      name: 'NAME-dataset-workspace',
      purpose: 'The files of a load until they are in the bucket, with `storage.s3.workspace`.',
    },
  ],
  stages: (facts) => [
    buildStage(facts, facts.parent.spec.source ? 'a source needs no image' : 'the image is given'),
    ...load(facts),
  ],
  claims: (facts, result) => (claimed(facts) ? [] : claimsOf(facts, facts.observed, result)),
  status: (facts, records, done) => {
    const { parent } = facts
    const artifacts = done && artifactsOf(facts, records)
    return {
      ...(records.build?.image || parent.spec.image
        ? { image: ownImage(parent.spec, records) ?? facts.memory.image }
        : {}),
      ...(artifacts && { artifacts }),
    }
  },
  done: (facts, records) => {
    const { parent, observed, config } = facts
    const url = claimed(facts)
    const place = url
      ? `the data is in ${url}`
      : `loaded into ${artifactsUrl(facts, 'load', records.load)}`
    const lacks = unsealedNote(records.load)
    return yes('Done', `${place}${lacks}${storageOf(config).note(parent, observed, config)}`)
  },
})

type DatasetFacts = Facts<DatasetSpec>

/** A source that is in a claim already. */
const claimed = ({ parent }: DatasetFacts): string | undefined =>
  isInClaim(parent.spec.source) ? parent.spec.source : undefined

/** The result that objects which refer to the Dataset use. */
function artifactsOf(facts: DatasetFacts, { load }: Records): Artifacts | undefined {
  const url = claimed(facts)
  if (url) return { url, id: url }
  if (!load) return undefined
  const { attempt, digest, bytes } = load
  return {
    url: artifactsUrl(facts, 'load', load),
    ...(bytes !== undefined && { bytes }),
    id: `${attempt}${digest ? `@${digest}` : ''}`,
  }
}

/** The container writes artifacts/. */
function load(facts: DatasetFacts): readonly WorkStage[] {
  const { parent, config } = facts
  const { spec } = parent
  return runStages(facts, {
    name: 'load',
    active: 'Loading',
    skip: () =>
      claimed(facts) ? yes('Skipped', `the data is already in ${spec.source}`) : undefined,
    needs: [],
    hashes: hashesOf((rerun) => runHashes(spec, rerun)),
    backoffLimit: 2,
    isLoader: Boolean(spec.source),
    program: (records) =>
      spec.source ? loader(parent, spec.source, config) : { image: ownImage(spec, records) },
    mounts: () => noMounts,
  })
}
