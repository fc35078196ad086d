import type { Config } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import { claimName } from '../../crds/names.ts'
import { larger } from '../../crds/quantity.ts'
import type { Artifacts, StageRecord } from '../../crds/status.ts'
import { claim } from '../children/claim.ts'
import { kept, type Observed } from '../observed.ts'
import { diskOf } from '../pod/resources.ts'
import type { Child } from '../protocol.ts'

/**
 * Storage as one PersistentVolumeClaim per object: it is owned by the object and goes with it.
 * Artifacts live under STAGE/ATTEMPT, so that retries of one attempt find their checkpoints and a
 * new attempt never meets the files of an old one.
 */

export const artifactsPath = (stage: string, attempt: string): string => `${stage}/${attempt}`

/** Where a stage's artifacts will be once they are sealed. */
export const artifactsUrl = (parent: Parent, stage: string, attempt: string): string =>
  `pvc://${claimName(parent)}/${artifactsPath(stage, attempt)}`

/**
 * The results that somebody may read now: the one that status points at, and the last recorded one,
 * which it will point at once the stages after it are done.
 */
export function pathsInUse(parent: Parent, stage: 'load' | 'run'): readonly string[] {
  const { artifacts, stages } = (parent.status ?? {}) as {
    readonly artifacts?: Artifacts
    readonly stages?: Readonly<Record<string, StageRecord>>
  }
  const own = `pvc://${claimName(parent)}/`
  const last = stages?.[stage]?.attempt
  return [
    ...new Set([
      ...(artifacts?.url?.startsWith(own) ? [artifacts.url.slice(own.length)] : []),
      ...(last ? [artifactsPath(stage, last)] : []),
    ]),
  ]
}

/** The writable place of a stage's artifacts, at any path. */
export const writableMount = (parent: Parent, mountPath: string, subPath?: string) => ({
  volumes: [{ name: 'artifacts', persistentVolumeClaim: { claimName: claimName(parent) } }],
  volumeMounts: [{ name: 'artifacts', mountPath, ...(subPath && { subPath }) }],
  before: [],
})

/** A `pvc://CLAIM/PATH` of anybody's, read-only. */
export function mountOf(name: string, url: string, mountPath: string) {
  const [, claimName = '', path = ''] = /^pvc:\/\/([^/]+)\/?(.*?)\/*$/.exec(url) ?? []
  return {
    volumes: [{ name, persistentVolumeClaim: { claimName, readOnly: true } }],
    volumeMounts: [{ name, mountPath, readOnly: true, ...(path && { subPath: path }) }],
  }
}

/**
 * The claim of a parent. It grows with spec.resources.disk and never shrinks: Kubernetes refuses
 * that, and a refused child would stop all others. What else it was made with stays.
 */
export function claimOf(parent: Parent, observed: Observed, config: Config): Child {
  const name = claimName(parent)
  const wanted = diskOf(parent, config)
  const existing = observed.child('PersistentVolumeClaim', name)
  if (!existing) return claim(parent, name, wanted, config)
  const size = existing.spec?.resources?.requests?.storage
  return kept(existing, {
    resources: { requests: { storage: size ? larger(size, wanted) : wanted } },
  })
}

/** What Ready adds when less disk is asked for than the claim has. */
export function shrinkNote(parent: Parent, observed: Observed, config: Config): string {
  const size = observed.child('PersistentVolumeClaim', claimName(parent))?.spec?.resources?.requests
    ?.storage
  const wanted = diskOf(parent, config)
  return size === undefined || larger(size, wanted) === wanted
    ? ''
    : `; disk stays ${size}: a claim cannot shrink to ${wanted}`
}
