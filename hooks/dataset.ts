import { isInClaim } from '../crds/claims.ts'
import type { DatasetSpec } from '../crds/dataset.ts'
import { Dataset } from '../crds/dataset.ts'
import type { Artifacts } from '../crds/status.ts'
import { hookOf } from './engine/hook.ts'
import { hashesOf, runHashes } from './engine/identity.ts'
import type { Facts } from './engine/read.ts'
import type { WorkStage } from './engine/stage.ts'
import type { Records } from './observe/memory.ts'
import { yes } from './observe/verdict.ts'
import { noMounts } from './pod/volumes.ts'
import {
  artifactsPath,
  artifactsUrl,
  claimsOf,
  lostPlace,
  pathsInUse,
  storageOf,
} from './storage/storage.ts'
import { buildStage, ownImage } from './work/buildstage.ts'
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
  children: ['Job', 'PersistentVolumeClaim'],
  stages: (facts) => [
    buildStage(
      facts.parent,
      facts.config,
      facts.parent.spec.source ? 'a source needs no image' : 'the image is given',
    ),
    load(facts),
  ],
  claims: (facts, isStored) => (claimed(facts) ? [] : claimsOf(facts, facts.observed, isStored)),
  status: (facts, records, done) => {
    const { parent } = facts
    const artifacts = done && artifactsOf(facts, records)
    return {
      ...(records.build?.image || parent.spec.image
        ? { image: ownImage(parent, records) ?? facts.memory.image }
        : {}),
      ...(artifacts && { artifacts }),
    }
  },
  done: (facts, records) =>
    yes(
      'Done',
      `${claimed(facts) ? 'the data is in' : 'loaded into'} ${claimed(facts) ?? artifactsUrl(facts, 'load', records.load?.attempt ?? '')}${storageOf(facts.config).note(facts.parent, facts.observed, facts.config)}`,
    ),
})

type DatasetFacts = Facts<DatasetSpec>

/** A source that is in a claim already. */
const claimed = ({ parent }: DatasetFacts): string | undefined =>
  isInClaim(parent.spec.source) ? parent.spec.source : undefined

/** What those who refer to the Dataset use. */
function artifactsOf(facts: DatasetFacts, { load }: Records): Artifacts | undefined {
  const url = claimed(facts)
  if (url) return { url, id: url }
  if (!load) return undefined
  const { attempt, digest, bytes } = load
  return {
    url: artifactsUrl(facts, 'load', attempt),
    ...(bytes !== undefined && { bytes }),
    id: `${attempt}${digest ? `@${digest}` : ''}`,
  }
}

/** The container writes artifacts/, and its exit code is the verdict. */
function load(facts: DatasetFacts): WorkStage {
  const { parent, config } = facts
  const { spec } = parent
  return {
    does: 'work',
    name: 'load',
    condition: 'Complete',
    active: 'Loading',
    skip: () =>
      claimed(facts) ? yes('Skipped', `the data is already in ${spec.source}`) : undefined,
    needs: [],
    hashes: hashesOf((rerun) => runHashes(spec, rerun)),
    isUsers: true,
    isStored: true,
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
        keep: pathsInUse(facts, 'load'),
        mounts: noMounts,
      }),
    lost: ({ attempt }) => lostPlace(facts, 'load', attempt),
    result: ({ digest, bytes }) => ({
      ...(digest && { digest }),
      ...(bytes !== undefined && { bytes }),
    }),
  }
}
