import type { DatasetSpec, DatasetStatus } from '../crds/dataset.ts'
import { Dataset } from '../crds/dataset.ts'
import { buildStage, ownImage } from './buildstage.ts'
import { yes } from './conditions.ts'
import { hookOf, type Sync } from './hook.ts'
import { runHashes } from './names.ts'
import { noMounts } from './pod/mounts.ts'
import type { Works } from './stages.ts'
import { artifactsPath, artifactsUrl, claimOf, shrinkNote } from './storage/pvc.ts'
import { loaderArgs, workPod } from './work/load.ts'

/**
 * A Dataset is built and loaded:
 *
 *     build ──▶ load ──▶ Ready
 *
 * What the load leaves in /content/artifacts is the data. A source is loaded by the project's own
 * loader; one that is a claim already is used where it is.
 */
export const dataset = hookOf(Dataset, {
  stages: (sync) => [
    buildStage(
      sync.parent,
      sync.config,
      sync.parent.spec.source ? 'a source needs no image' : 'the image is given',
    ),
    load(sync),
  ],
  claims: (sync) => (claimed(sync) ? [] : [claimOf(sync.parent, sync.observed, sync.config)]),
  status: ({ parent }, records, done) => {
    const { load } = records
    const url = parent.spec.source?.startsWith('pvc://')
      ? parent.spec.source
      : load && artifactsUrl(parent, 'load', load.attempt)
    return {
      ...(records.build?.image || parent.spec.image
        ? { image: ownImage(parent, records) ?? parent.status?.image }
        : {}),
      ...(done &&
        url && {
          artifacts: {
            url,
            ...(load?.bytes !== undefined && { bytes: load.bytes }),
            id: load ? `${load.attempt}${load.digest ? `@${load.digest}` : ''}` : url,
          },
        }),
    }
  },
  done: (sync, records) =>
    yes(
      'Done',
      `${claimed(sync) ? 'the data is in' : 'loaded into'} ${claimed(sync) ?? artifactsUrl(sync.parent, 'load', records.load?.attempt ?? '')}${shrinkNote(sync.parent, sync.observed, sync.config)}`,
    ),
})

type DatasetSync = Sync<DatasetSpec, DatasetStatus>

/** A source that is in a claim already. */
const claimed = ({ parent }: DatasetSync): string | undefined =>
  parent.spec.source?.startsWith('pvc://') ? parent.spec.source : undefined

/** The container writes artifacts/, and its exit code is the verdict. */
function load(sync: DatasetSync): Works {
  const { parent, config } = sync
  const { spec } = parent
  const last = parent.status?.stages?.load?.attempt
  return {
    does: 'work',
    name: 'load',
    condition: 'Complete',
    active: 'Loading',
    skip: () =>
      claimed(sync) ? yes('Skipped', `the data is already in ${spec.source}`) : undefined,
    needs: [],
    hashes: (rerun) => runHashes(spec, rerun),
    policy: {
      activeDeadlineSeconds: spec.runPolicy?.activeDeadlineSeconds,
      backoffLimit: spec.runPolicy?.backoffLimit ?? 2,
    },
    template: ({ attempt }, records) =>
      workPod(parent, config, {
        stage: 'load',
        image: spec.source ? config.images.loader : (ownImage(parent, records) ?? ''),
        args: spec.source ? loaderArgs(spec.source) : undefined,
        path: artifactsPath('load', attempt),
        keep: last && artifactsPath('load', last),
        mounts: noMounts,
      }),
    result: ({ digest, bytes }) => ({
      ...(digest && { digest }),
      ...(bytes !== undefined && { bytes }),
    }),
  }
}
