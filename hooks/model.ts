import { hasWork, isInClaim } from '../crds/claims.ts'
import { Model, type ModelSpec, type ModelStatus } from '../crds/model.ts'
import { bytesOf, gibibytes, humanBytes } from '../crds/schema/quantity.ts'
import { buildJob, buildStage, ownImage, pinned } from './buildstage.ts'
import { no, type Verdict, yes } from './conditions.ts'
import { hookOf, type Sync } from './hook.ts'
import { hashesOf, runHashes } from './names.ts'
import type { Records } from './parent.ts'
import { resultMount } from './pod/mounts.ts'
import { joined, noMounts } from './pod/volumes.ts'
import type { Reference } from './references.ts'
import type { Works } from './stage.ts'
import { artifactsPath, artifactsUrl, lostPlace, pathsInUse, storageOf } from './storage/storage.ts'
import { builtImage } from './work/build.ts'
import { loader, workPod } from './work/load.ts'
import { packagePod } from './work/package.ts'

/**
 * A Model is built, run and packaged:
 *
 *     build ──▶ run ──▶ package ──▶ Ready
 *
 * The run imports a source, or trains: on the base at /content/model with the data at /content/data,
 * writing /content/artifacts. A stage with nothing to do is skipped, and its condition says why: a
 * Model with nothing to run is its image.
 */
export const model = hookOf(Model, {
  children: [
    buildJob('model'),
    { kind: 'Job', name: 'NAME-model-run-HASH', purpose: 'Imports or trains the model.' },
    { kind: 'Job', name: 'NAME-model-package-HASH', purpose: 'Packages the result as an image.' },
    {
      kind: 'PersistentVolumeClaim',
      name: 'NAME-model-artifacts',
      purpose: 'The weights, with the storage driver pvc.',
    },
  ],
  stages: (sync) => {
    const { parent, config } = sync
    const hashes = hashesOf((rerun) => runHashes(parent.spec, rerun))
    return [
      buildStage(parent, config, givenImage(parent.spec)),
      run(sync, hashes),
      pack(sync, hashes),
    ]
  },
  claims: ({ parent, observed, config }) =>
    hasWork(parent.spec) && !isInClaim(parent.spec.source)
      ? storageOf(config).claims(parent, observed, config)
      : [],
  status: (sync, records, done) => {
    const result = done ? artifactsOf(sync, records) : undefined
    const image = result?.image ?? ownImage(sync.parent, records)
    return { ...(image && { image }), ...(result && { artifacts: result }) }
  },
  done: (sync, records) => {
    const { parent, observed, config } = sync
    const { url, image, inImage } = artifactsOf(sync, records)
    const note = storageOf(config).note(parent, observed, config)
    if (!url) return yes('Done', `the image is the model: ${image}`)
    return yes('Done', `${inImage ? `packaged as ${image}` : `served from storage: ${url}`}${note}`)
  },
})

type ModelSync = Sync<ModelSpec, ModelStatus>

const givenImage = ({ source, image }: ModelSpec): string =>
  source ? 'a source needs no image' : image ? 'the image is given' : 'the base brings its image'

/** The image of the run: the Model's own; without one, the base's. */
const runImage = ({ parent, references }: ModelSync, records: Records): string | undefined =>
  ownImage(parent, records) ?? imageOf(references.base)

const imageOf = (reference: Reference | undefined): string | undefined =>
  reference?.state === 'ready' && reference.artifacts.program
    ? reference.artifacts.image
    : undefined

/** A base that runs its own packaged image has the model in it; any other is mounted. */
const baseMount = ({ parent, references, config }: ModelSync) => {
  const { base } = references
  const runsOnBase = !parent.spec.image && !parent.spec.build
  if (base?.state !== 'ready' || (runsOnBase && base.artifacts.inImage)) return noMounts
  return resultMount('model', base, config)
}

/** An import has no program: to train on it, the Model must bring an image of its own. */
const checkedBase = ({ parent, references }: ModelSync): Reference => {
  const base = references.base ?? { state: 'none' }
  const { image, build } = parent.spec
  if (base.state !== 'ready' || image || build || imageOf(base)) return base
  return {
    state: 'waiting',
    field: base.field,
    name: base.name,
    verdict: no(
      'InvalidSpec',
      `spec.model.name: Invalid value: "${base.name}" was imported and has no image to run: set spec.image or spec.build`,
    ),
  }
}

/** The container reads data/ and model/, writes artifacts/, and its exit code is the verdict. */
function run(sync: ModelSync, hashes: Works['hashes']): Works {
  const { parent, references, config } = sync
  const { spec } = parent
  const data: Reference = references.data ?? { state: 'none' }
  return {
    does: 'work',
    name: 'run',
    condition: 'Complete',
    active: spec.source ? 'Loading' : 'Running',
    skip: () => skippedRun(spec),
    needs: [checkedBase(sync), data],
    hashes,
    isUsers: true,
    policy: {
      activeDeadlineSeconds: spec.runPolicy?.activeDeadlineSeconds,
      backoffLimit: spec.runPolicy?.backoffLimit ?? (spec.source ? 2 : 0),
    },
    template: ({ attempt }, records) =>
      workPod(parent, config, {
        stage: 'run',
        ...(spec.source
          ? loader(parent, spec.source, config)
          : { image: runImage(sync, records) ?? '' }),
        path: artifactsPath('run', attempt),
        keep: pathsInUse(parent, 'run', config),
        mounts: joined(baseMount(sync), resultMount('data', data, config)),
      }),
    lost: ({ attempt }) => lostPlace(parent, 'run', attempt, config),
    result: ({ digest, bytes }, _attempt, records) => ({
      ...(digest && { digest }),
      ...(bytes !== undefined && { bytes }),
      ...(!spec.source && { image: runImage(sync, records) }),
    }),
  }
}

function skippedRun(spec: ModelSpec): Verdict | undefined {
  if (!hasWork(spec)) return yes('Skipped', 'the image is the model')
  return isInClaim(spec.source)
    ? yes('Skipped', `the model is already in ${spec.source}`)
    : undefined
}

/** The artifacts become an image of their own, so that a ModelServer needs nothing but a name. */
function pack(sync: ModelSync, hashes: Works['hashes']): Works {
  const { parent, config } = sync
  return {
    does: 'work',
    name: 'package',
    condition: 'Packaged',
    active: 'Packaging',
    skip: (records) => unpackaged(sync, records),
    needs: [],
    hashes,
    policy: { backoffLimit: 1, activeDeadlineSeconds: config.builder.deadlineSeconds },
    template: ({ attempt }, records) =>
      packagePod(
        parent,
        {
          image: records.run?.image ?? 'scratch',
          url: artifactsUrl(parent, 'run', records.run?.attempt ?? '', config),
        },
        attempt,
        config,
      ),
    needsDigest: true,
    result: ({ digest }, attempt) =>
      digest ? { image: pinned(builtImage(parent, attempt, config), digest) } : {},
  }
}

/** Why nothing is packaged; undefined when something is. */
function unpackaged({ parent, config }: ModelSync, { run }: Records): Verdict | undefined {
  const { spec } = parent
  if (!hasWork(spec)) return yes('Skipped', 'the image is the model')
  if (isInClaim(spec.source)) return no('Skipped', `used where it is: ${spec.source}`)
  if (spec.package === 'Never') return no('Skipped', 'spec.package is Never: served from storage')
  if (!config.registry.prefix)
    return no('Skipped', 'the administrator has set no registry.prefix: served from storage')
  if (spec.package === 'Always') return undefined
  if (spec.source) return no('Skipped', 'imports are not packaged: served from storage')
  if (!config.packaging.enabled)
    return no('Skipped', 'packaging is switched off by the administrator: served from storage')
  if (run?.bytes === undefined) return undefined
  const limit = Number(bytesOf(gibibytes(config.packaging.maxSize)))
  if (run.bytes <= limit) return undefined
  return no(
    'TooLarge',
    `${humanBytes(run.bytes)} is more than packaging.maxSize ${humanBytes(limit)}: served from storage`,
  )
}

/** What those who refer to the Model use. */
function artifactsOf(sync: ModelSync, records: Records) {
  const { parent, config } = sync
  const { spec } = parent
  if (!hasWork(spec)) {
    const image = ownImage(parent, records)
    return { image, inImage: true, program: true, id: image }
  }
  const { source } = spec
  if (isInClaim(source)) return { url: source, inImage: false, id: source }
  const { run } = records
  const packaged = unpackaged(sync, records) ? undefined : records.package?.image
  return {
    url: artifactsUrl(parent, 'run', run?.attempt ?? '', config),
    ...((packaged ?? run?.image) && { image: packaged ?? run?.image }),
    inImage: Boolean(packaged),
    program: Boolean(run?.image),
    ...(run?.bytes !== undefined && { bytes: run.bytes }),
    id: `${run?.attempt}${run?.digest ? `@${run.digest}` : ''}`,
  }
}
