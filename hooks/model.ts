import { hasWork, isInClaim } from '../crds/claims.ts'
import { Model, type ModelSpec } from '../crds/model.ts'
import { humanBytes } from '../crds/schema/quantity.ts'
import type { Artifacts } from '../crds/status.ts'
import { claims } from './children/claim.ts'
import { jobs } from './children/job.ts'
import { hashesOf, type RunHashes, runHashes } from './engine/hashes.ts'
import { hookOf } from './engine/hook.ts'
import type { Facts } from './engine/read.ts'
import type { WorkStage } from './engine/stage.ts'
import type { Records } from './observe/memory.ts'
import type { Reference } from './observe/references.ts'
import { ownImage } from './observe/spec.ts'
import { no, type Verdict, yes } from './observe/verdict.ts'
import { resultMount } from './pod/mounts.ts'
import { joined, type Mounts, noMounts } from './pod/volumes.ts'
import { artifactsUrl, claimsOf, storageOf } from './storage/storage.ts'
import { buildJob, buildStage } from './work/build.ts'
import { loader } from './work/load.ts'
import { packageStage, unpackaged } from './work/package.ts'
import { runStages, unsealedNote } from './work/run.ts'

/**
 * A Model is built, run and packaged:
 *
 *     build ──▶ run ──▶ seal ──▶ package ──▶ Ready
 *
 * The run imports a source, or trains: on the base at /content/model with the data at /content/data,
 * writing /content/artifacts. A stage with nothing to do is skipped, and its condition says why: a
 * Model with nothing to run is just its image.
 */
export const model = hookOf(Model, {
  children: [
    buildJob('model'),
    { kind: jobs, name: 'NAME-model-run-HASH', purpose: 'Imports or trains the model.' },
    {
      kind: jobs,
      name: 'NAME-model-seal-HASH',
      purpose: 'Records the checksums of what the run has written.',
    },
    { kind: jobs, name: 'NAME-model-package-HASH', purpose: 'Packages the result as an image.' },
    {
      kind: claims,
      name: 'NAME-model-artifacts',
      purpose: 'The weights, with the storage driver pvc.',
    },
    {
      kind: claims,
      name: 'NAME-model-workspace',
      purpose: 'The files of a run until they are in the bucket, with `storage.s3.workspace`.',
    },
  ],
  stages: (facts) => {
    const { spec } = facts.parent
    const hashes = hashesOf((rerun) => runHashes(spec, rerun))
    return [buildStage(facts, givenImage(spec)), ...run(facts, hashes), packageStage(facts, hashes)]
  },
  claims: (facts, result) =>
    hasWork(facts.parent.spec) && !isInClaim(facts.parent.spec.source)
      ? claimsOf(facts, facts.observed, result)
      : [],
  status: (facts, records, done) => {
    const result = done ? artifactsOf(facts, records) : undefined
    const image = result?.image ?? ownImage(facts.parent.spec, records)
    return { ...(image && { image }), ...(result && { artifacts: result }) }
  },
  done: (facts, records) => {
    const { parent, observed, config } = facts
    const { url, image, inImage } = artifactsOf(facts, records)
    const note = storageOf(config).note(parent, observed, config)
    if (!url) return yes('Done', `the image is the model: ${image}`)
    const place = inImage ? `packaged as ${image}` : `served from storage: ${url}`
    return yes('Done', `${place}${omittedNote(records)}${unsealedNote(records.run)}${note}`)
  },
})

/** What Ready adds about copies of the weights that the loader has left out. */
function omittedNote({ run }: Records): string {
  const { files = 0, bytes = 0 } = run?.omitted ?? {}
  if (!files) return ''
  return `; left out: ${files} ${files === 1 ? 'file' : 'files'} of ${humanBytes(bytes)} with the same weights in other formats (files: ["*"] loads everything)`
}

type ModelFacts = Facts<ModelSpec>

const givenImage = ({ source, image }: ModelSpec): string =>
  source ? 'a source needs no image' : image ? 'the image is given' : 'the base brings its image'

/** The container reads data/ and model/, and writes artifacts/. */
function run(
  facts: ModelFacts,
  hashes: (rerun: string | undefined) => RunHashes,
): readonly WorkStage[] {
  const { parent, references, config } = facts
  const { source } = parent.spec
  return runStages(facts, {
    name: 'run',
    active: source ? 'Loading' : 'Running',
    skip: () => skippedRun(parent.spec),
    needs: [checkedBase(facts), references.data],
    hashes,
    backoffLimit: source ? 2 : 0,
    isLoader: Boolean(source),
    program: (records) =>
      source ? loader(parent, source, config) : { image: runImage(facts, records) },
    mounts: () => joined(baseMount(facts), resultMount('data', references.data, config)),
    result: (records, { omitted }) =>
      source ? { ...(omitted && { omitted }) } : { image: runImage(facts, records) },
  })
}

function skippedRun(spec: ModelSpec): Verdict | undefined {
  if (!hasWork(spec)) return yes('Skipped', 'the image is the model')
  return isInClaim(spec.source)
    ? yes('Skipped', `the model is already in ${spec.source}`)
    : undefined
}

/** The image of the run: the Model's own; without one, the base's. */
const runImage = ({ parent, references }: ModelFacts, records: Records): string | undefined =>
  ownImage(parent.spec, records) ?? imageOf(references.base)

const imageOf = (reference: Reference): string | undefined =>
  reference.state === 'ready' && reference.artifacts.program ? reference.artifacts.image : undefined

/** An import has no program: to train on it, the Model must bring an image of its own. */
function checkedBase({ parent: { spec }, references: { base } }: ModelFacts): Reference {
  if (base.state !== 'ready' || spec.image || spec.build || imageOf(base)) return base
  const verdict = no(
    'InvalidSpec',
    `spec.model.name: Invalid value: "${base.name}" was imported and has no image to run: set spec.image or spec.build`,
  )
  return { state: 'waiting', field: base.field, name: base.name, verdict }
}

/** A base that runs its own packaged image has the model in it; any other is mounted. */
function baseMount({ parent: { spec }, references: { base }, config }: ModelFacts): Mounts {
  const runsOnBase = !spec.image && !spec.build
  return base.state === 'ready' && runsOnBase && base.artifacts.inImage
    ? noMounts
    : resultMount('model', base, config)
}

/** The result that objects which refer to the Model use. */
function artifactsOf(facts: ModelFacts, records: Records): Artifacts {
  const { spec } = facts.parent
  if (!hasWork(spec)) {
    const image = ownImage(spec, records)
    return { image, inImage: true, program: true, id: image }
  }
  const { source } = spec
  if (isInClaim(source)) return { url: source, inImage: false, id: source }
  const { run } = records
  const base = run?.upstream?.model
  const packaged = unpackaged(facts, records) ? undefined : records.package?.image
  return {
    url: artifactsUrl(facts, 'run', run),
    ...((packaged ?? run?.image) && { image: packaged ?? run?.image }),
    inImage: Boolean(packaged),
    program: Boolean(run?.image),
    ...(run?.bytes !== undefined && { bytes: run.bytes }),
    ...(run?.adapter && { adapter: { ...run.adapter, ...(base && { base }) } }),
    id: `${run?.attempt}${run?.digest ? `@${run.digest}` : ''}`,
  }
}
