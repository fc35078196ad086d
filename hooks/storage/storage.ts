import type { Config } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import type { Artifacts, StageRecord } from '../../crds/status.ts'
import type { Mounts } from '../pod/volumes.ts'
import type { Driver } from './driver.ts'
import { gcs } from './gcs.ts'
import { hostPath } from './hostpath.ts'
import { pvc } from './pvc.ts'
import { s3 } from './s3.ts'

const drivers: Readonly<Record<Config['storage']['driver'], Driver>> = { pvc, s3, gcs, hostPath }

/** Whose URLs begin so: what was kept by one driver is read by it, whatever the administrator has set since. */
const schemes: Readonly<Record<string, Driver>> = { pvc, s3, gs: gcs, hostpath: hostPath }

export const storageOf = ({ storage }: Config): Driver => drivers[storage.driver]

export const artifactsPath = (stage: string, attempt: string): string => `${stage}/${attempt}`

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
  return artifacts?.url?.endsWith(`/${path}`)
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
  const own = storageOf(config).url(parent, '', config)
  const last = stages?.[stage]?.attempt
  return [
    ...new Set([
      ...(artifacts?.url?.startsWith(own) ? [artifacts.url.slice(own.length)] : []),
      ...(last ? [artifactsPath(stage, last)] : []),
    ]),
  ].filter(isArtifactsPath)
}

/** Sealed artifacts, read-only. */
export const resultAt = (name: string, url: string, mountPath: string, config: Config): Mounts =>
  (schemes[url.split('://')[0] ?? ''] ?? pvc).read(name, url, mountPath, config)
