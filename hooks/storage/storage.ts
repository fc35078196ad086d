import { isInClaim } from '../../crds/claims.ts'
import type { Config } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import { workspaceName } from '../../crds/names.ts'
import type { StageRecord } from '../../crds/status.ts'
import type { Job } from '../children/manifesttypes.ts'
import type { Memory } from '../observe/memory.ts'
import type { Observed } from '../observe/observed.ts'
import { no, type Verdict } from '../observe/verdict.ts'
import type { Mounts } from '../pod/volumes.ts'
import { type Driver, folderOf, type ResultState, type WantedClaim } from './driver.ts'
import { drivers } from './drivers.ts'
import { lostBefore, pvc } from './pvc.ts'

/** The object that owns results. Recorded results stay where they are, even if the configuration changes. */
interface Owner {
  readonly parent: Parent
  readonly memory: Pick<Memory, 'artifacts' | 'former' | 'records'>
  readonly config: Config
}

/** The driver that wrote to a URL, and reads from it. */
const driverOf = (url: string): Driver =>
  Object.values(drivers).find(({ scheme }) => url.startsWith(`${scheme}://`)) ?? pvc

export const storageOf = ({ storage }: Config): Driver => drivers[storage.driver]

/** The driver of a recorded result, which may not be the configured one. */
export const storageFor = ({ storage }: Pick<StageRecord, 'storage'>, config: Config): Driver =>
  storage ? drivers[storage] : storageOf(config)

/** The driver with which a Job writes its artifacts, judging by the volume that it mounts. */
export function driverOfJob(parent: Parent, job: Job): StageRecord['storage'] {
  const volume = job.spec?.template?.spec?.volumes?.find(({ name }) => name === 'artifacts')
  if (volume?.persistentVolumeClaim)
    return volume.persistentVolumeClaim.claimName === workspaceName(parent) ? 's3' : 'pvc'
  if (volume?.hostPath) return 'hostPath'
  // Files on the node's disk are copied to a bucket by the same Pod.
  return volume?.csi ? 'gcs' : volume?.emptyDir ? 's3' : undefined
}

/** `folder` is a hash: status.stages has it as the attempt of a load or a run. */
export const artifactsPath = (stage: string, folder: string): string => `${stage}/${folder}`

/** STAGE/HASH below an object's own folder, without `..`. */
const resultPath = /^[A-Za-z0-9]+\/[A-Za-z0-9]+$/

/**
 * Whether a recorded address can be one of this object's own results: in the current storage, in its
 * own claim, or below a root that the administrator lists in storage.former. Somebody may have forged
 * any other address, and it would be mounted into the Pods of every object that refers to this one.
 */
export function isOwnPlace(parent: Parent, url: string, config: Config): boolean {
  const { source } = (parent.spec ?? {}) as { readonly source?: unknown }
  if (isInClaim(url) && url === source) return true
  const places = [
    presentPlace(parent, config),
    pvc.url(parent, '', config),
    ...config.storage.former.map((root) => `${root}/${folderOf(parent)}/`),
  ]
  return places.some((place) => url.startsWith(place) && resultPath.test(url.slice(place.length)))
}

/** Whether an address can be that of one of this object's own results in the current storage. */
export const isPresentPlace = (parent: Parent, url: string, config: Config): boolean =>
  url.startsWith(presentPlace(parent, config)) && isOwnPlace(parent, url, config)

/** The prefix of all addresses of this object in the current storage. */
const presentPlace = (parent: Parent, config: Config): string =>
  `${storageOf(config).url(parent, '', config).replace(/\/+$/, '')}/`

/**
 * The claims of an object. A recorded result that another driver wrote needs none of the present driver's,
 * only the claim that contains it.
 */
export function claimsOf(
  { parent, memory, config }: Owner,
  observed: Observed,
  result: ResultState,
): readonly WantedClaim[] {
  const driver = storageOf(config)
  const url = memory.artifacts?.url
  const isOther = result.isStored && url !== undefined && !url.startsWith(`${driver.scheme}://`)
  if (!isOther && !result.isElsewhere) return driver.claims(parent, observed, config, result)
  const isInClaim = isOther && url.startsWith(pvc.url(parent, '', config))
  return isInClaim ? pvc.claims(parent, observed, config, result) : []
}

/** The path of one of the object's own results; undefined for any other address. */
const ownPath = ({ parent, config }: Owner, url: string | undefined): string | undefined =>
  url && isOwnPlace(parent, url, config) ? url.split('/').slice(-2).join('/') : undefined

/**
 * The verdict on a recorded result that was lost with its claim, or whose address is not accepted; undefined
 * if it can be used. Before a result has
 * an address, its record names only the driver, which somebody may have forged to mount another storage.
 */
export function lostPlace(
  { parent, memory, config, observed }: Owner & { readonly observed: Observed },
  stage: string,
  { attempt, storage }: Pick<StageRecord, 'attempt' | 'storage'>,
): Verdict | undefined {
  const path = artifactsPath(stage, attempt)
  const known = memory.artifacts?.url?.endsWith(`/${path}`) ? memory.artifacts.url : undefined
  const url = known ?? (storage && drivers[storage].url(parent, path, config))
  if (!url || isOwnPlace(parent, url, config)) {
    const isOurs = (url ?? storageOf(config).url(parent, path, config)).startsWith(
      pvc.url(parent, '', config),
    )
    return isOurs ? lostBefore(parent, observed, attempt) : undefined
  }
  const place = known ? `at ${known}` : `where storage.driver ${storage} has put it`
  return no(
    'StorageUnknown',
    `the result is ${place}, in a storage that the configuration does not name: the administrator can list its root in storage.former, or set the annotation substratus.ai/rerun to a new value to make the result again`,
  )
}

/**
 * The URL of a stage's artifacts once they are sealed. Existing artifacts stay where they are, whichever
 * driver the administrator chooses later.
 */
export function artifactsUrl(
  owner: Owner,
  stage: string,
  record: Pick<StageRecord, 'attempt' | 'storage'> = { attempt: '' },
): string {
  const { parent, memory, config } = owner
  const path = artifactsPath(stage, record.attempt)
  const url = memory.artifacts?.url
  return url && ownPath(owner, url) === path
    ? url
    : storageFor(record, config).url(parent, path, config)
}

/** Whether seal accepts a path of artifacts. */
const isArtifactsPath = (path: string): boolean => /^(?:load|run)\/[0-9a-f]{16}$/.test(path)

/**
 * The results that somebody may read now or later: the one that status points at, the last recorded one,
 * which it will point at once the stages after it are done, one that is not sealed yet, and the former ones
 * that a reverted spec finds.
 */
export function pathsInUse(owner: Owner, stage: 'load' | 'run'): readonly string[] {
  const { parent, memory, config } = owner
  const last = [memory.records[stage], memory.records.written].flatMap((record) =>
    record ? [artifactsPath(stage, record.attempt)] : [],
  )
  const inStatus = (url: string | undefined) =>
    url && isPresentPlace(parent, url, config) ? (ownPath(owner, url) ?? []) : []
  return [
    ...new Set([
      ...[inStatus(memory.artifacts?.url)].flat(),
      ...last,
      ...memory.former.flatMap(({ url }) => inStatus(url)),
    ]),
  ].filter(isArtifactsPath)
}

/** Sealed artifacts, read-only; `room` is the size of a copy, if the storage needs one. */
export const resultAt = (
  name: string,
  url: string,
  mountPath: string,
  config: Config,
  room: string | undefined,
): Mounts => driverOf(url).read(name, url, mountPath, config, room)
