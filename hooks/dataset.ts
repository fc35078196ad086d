import { isInClaim } from '../crds/claims.ts'
import type { DatasetSpec, DatasetStatus } from '../crds/dataset.ts'
import { Dataset } from '../crds/dataset.ts'
import type { Artifacts } from '../crds/status.ts'
import { buildJob, buildStage, ownImage } from './buildstage.ts'
import { yes } from './conditions.ts'
import { hookOf, type Sync } from './hook.ts'
import { hashesOf, runHashes } from './names.ts'
import type { Records } from './parent.ts'
import { noMounts } from './pod/volumes.ts'
import type { Works } from './stage.ts'
import { artifactsPath, artifactsUrl, lostPlace, pathsInUse, storageOf } from './storage/storage.ts'
import { loader, workPod } from './work/load.ts'

/**
 * A Dataset is built and loaded:
 *
 *     build ──▶ load ──▶ Ready
 *
 * What the load leaves in /content/artifacts is the data. A source is loaded by the project's own
 * loader; one that is a claim already is used where it is.
 */
export const dataset = hookOf(Dataset, {
  children: [
    buildJob('dataset'),
    { kind: 'Job', name: 'NAME-dataset-load-HASH', purpose: 'Loads the data.' },
    {
      kind: 'PersistentVolumeClaim',
      name: 'NAME-dataset-artifacts',
      purpose: 'The data, with the storage driver pvc.',
    },
  ],
  stages: (sync) => [
    buildStage(
      sync.parent,
      sync.config,
      sync.parent.spec.source ? 'a source needs no image' : 'the image is given',
    ),
    load(sync),
  ],
  claims: (sync) =>
    claimed(sync) ? [] : storageOf(sync.config).claims(sync.parent, sync.observed, sync.config),
  status: (sync, records, done) => {
    const { parent } = sync
    const artifacts = done && artifactsOf(sync, records)
    return {
      ...(records.build?.image || parent.spec.image
        ? { image: ownImage(parent, records) ?? parent.status?.image }
        : {}),
      ...(artifacts && { artifacts }),
    }
  },
  done: (sync, records) =>
    yes(
      'Done',
      `${claimed(sync) ? 'the data is in' : 'loaded into'} ${claimed(sync) ?? artifactsUrl(sync.parent, 'load', records.load?.attempt ?? '', sync.config)}${storageOf(sync.config).note(sync.parent, sync.observed, sync.config)}`,
    ),
})

type DatasetSync = Sync<DatasetSpec, DatasetStatus>

/** A source that is in a claim already. */
const claimed = ({ parent }: DatasetSync): string | undefined =>
  isInClaim(parent.spec.source) ? parent.spec.source : undefined

/** What those who refer to the Dataset use. */
function artifactsOf(sync: DatasetSync, { load }: Records): Artifacts | undefined {
  const url = claimed(sync)
  if (url) return { url, id: url }
  if (!load) return undefined
  const { attempt, digest, bytes } = load
  return {
    url: artifactsUrl(sync.parent, 'load', attempt, sync.config),
    ...(bytes !== undefined && { bytes }),
    id: `${attempt}${digest ? `@${digest}` : ''}`,
  }
}

/** The container writes artifacts/, and its exit code is the verdict. */
function load(sync: DatasetSync): Works {
  const { parent, config } = sync
  const { spec } = parent
  return {
    does: 'work',
    name: 'load',
    condition: 'Complete',
    active: 'Loading',
    skip: () =>
      claimed(sync) ? yes('Skipped', `the data is already in ${spec.source}`) : undefined,
    needs: [],
    hashes: hashesOf((rerun) => runHashes(spec, rerun)),
    isUsers: true,
    policy: {
      activeDeadlineSeconds: spec.runPolicy?.activeDeadlineSeconds,
      backoffLimit: spec.runPolicy?.backoffLimit ?? 2,
    },
    template: ({ attempt }, records) =>
      workPod(parent, config, {
        stage: 'load',
        ...(spec.source
          ? loader(parent, spec.source, config)
          : { image: ownImage(parent, records) ?? '' }),
        path: artifactsPath('load', attempt),
        keep: pathsInUse(parent, 'load', config),
        mounts: noMounts,
      }),
    lost: ({ attempt }) => lostPlace(parent, 'load', attempt, config),
    result: ({ digest, bytes }) => ({
      ...(digest && { digest }),
      ...(bytes !== undefined && { bytes }),
    }),
  }
}
