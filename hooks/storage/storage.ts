import { isInClaim } from '../../crds/claims.ts'
import type { Config } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import type { Artifacts, StageRecord } from '../../crds/status.ts'
import { no, type Verdict } from '../conditions.ts'
import type { Mounts } from '../pod/volumes.ts'
import { type Driver, folderOf } from './driver.ts'
import { gcs } from './gcs.ts'
import { hostPath } from './hostpath.ts'
import { pvc } from './pvc.ts'
import { s3 } from './s3.ts'

const drivers: Readonly<Record<Config['storage']['driver'], Driver>> = { pvc, s3, gcs, hostPath }

/** Whose URLs begin so: what was kept by one driver is read by it, whatever the administrator has set since. */
const schemes: Readonly<Record<string, Driver>> = { pvc, s3, gs: gcs, hostpath: hostPath }

export const storageOf = ({ storage }: Config): Driver => drivers[storage.driver]

export const artifactsPath = (stage: string, attempt: string): string => `${stage}/${attempt}`

/** STAGE/ATTEMPT below an object's own folder: names, none of which leads back. */
const resultPath = /^[A-Za-z0-9]+\/[A-Za-z0-9]+$/

/**
 * Whether a recorded address is a place where this very object's results can be: in the present
 * storage, in its own claim, or below a root that the administrator lists in storage.former. Any other
 * address was written by somebody else, and would be mounted into the Pods of all who refer to it.
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

/** What every address of the object's own in the present storage begins with. */
const presentPlace = (parent: Parent, config: Config): string =>
  `${storageOf(config).url(parent, '', config).replace(/\/+$/, '')}/`

/** The path of a result of the object's own, or undefined for an address that is not its own. */
function ownPath(parent: Parent, config: Config): string | undefined {
  const { artifacts } = (parent.status ?? {}) as { readonly artifacts?: Artifacts }
  const url = artifacts?.url
  return url && isOwnPlace(parent, url, config) ? url.split('/').slice(-2).join('/') : undefined
}

/** A recorded result that status says to be in a storage that nobody may mount. */
export function lostPlace(
  parent: Parent,
  stage: string,
  attempt: string,
  config: Config,
): Verdict | undefined {
  const { artifacts } = (parent.status ?? {}) as { readonly artifacts?: Artifacts }
  const url = artifacts?.url
  return url?.endsWith(`/${artifactsPath(stage, attempt)}`) && !isOwnPlace(parent, url, config)
    ? no(
        'StorageUnknown',
        `the result is at ${url}, in a storage that the configuration does not name: the administrator lists its root in storage.former, or another value of the annotation substratus.ai/rerun makes it anew`,
      )
    : undefined
}

/**
 * Where a stage's artifacts will be once they are sealed; what is there already stays where it is,
 * whichever driver the administrator chooses later.
 */
export function artifactsUrl(
  parent: Parent,
  stage: string,
  attempt: string,
  config: Config,
): string {
  const path = artifactsPath(stage, attempt)
  const { artifacts } = (parent.status ?? {}) as { readonly artifacts?: Artifacts }
  return artifacts?.url && ownPath(parent, config) === path
    ? artifacts.url
    : storageOf(config).url(parent, path, config)
}

/** What seal takes as a path of artifacts; with another it would seal nothing. */
const isArtifactsPath = (path: string): boolean => /^(?:load|run)\/[0-9a-f]{16}$/.test(path)

/**
 * The results that somebody may read now: the one that status points at, and the last recorded one,
 * which it will point at once the stages after it are done.
 */
export function pathsInUse(
  parent: Parent,
  stage: 'load' | 'run',
  config: Config,
): readonly string[] {
  const { artifacts, stages } = (parent.status ?? {}) as {
    readonly artifacts?: Artifacts
    readonly stages?: Readonly<Record<string, StageRecord>>
  }
  const isPresent = artifacts?.url?.startsWith(presentPlace(parent, config))
  const current = isPresent ? ownPath(parent, config) : undefined
  const last = stages?.[stage]?.attempt
  return [
    ...new Set([...(current ? [current] : []), ...(last ? [artifactsPath(stage, last)] : [])]),
  ].filter(isArtifactsPath)
}

/** Sealed artifacts, read-only. */
export const resultAt = (name: string, url: string, mountPath: string, config: Config): Mounts =>
  (schemes[url.split('://')[0] ?? ''] ?? pvc).read(name, url, mountPath, config)
