import type { Config } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import { kindWord } from '../../crds/names.ts'
import type { EnvVar, VolumeMount } from '../children/manifesttypes.ts'
import { namespaceOf } from '../children/metadata.ts'
import type { Observed } from '../observe/observed.ts'
import type { Child } from '../observe/protocol.ts'
import type { Verdict } from '../observe/verdict.ts'
import type { Mounts } from '../pod/volumes.ts'

/**
 * What keeps artifacts. Whatever it is, they live under STAGE/ATTEMPT of a place that is the
 * object's own, so that a new attempt never meets the files of an old one.
 */
export interface Driver {
  /** The scheme of its URLs. */
  readonly scheme: string
  /** Where a path of an object's place is for those who read it. */
  readonly url: (parent: Parent, path: string, config: Config) => string
  /** A URL of this driver's, read-only. */
  readonly read: (name: string, url: string, mountPath: string, config: Config) => Mounts
  /** Where work writes. */
  readonly write: (parent: Parent, path: string, config: Config) => Place
  /** The claims that hold an object's place; `isStored`: whether a recorded result is there. */
  readonly claims: (
    parent: Parent,
    observed: Observed,
    config: Config,
    isStored: boolean,
  ) => readonly WantedClaim[]
  /** What Ready adds if storage cannot be as requested. */
  readonly note: (parent: Parent, observed: Observed, config: Config) => string
}

export interface WantedClaim {
  readonly claim: Child
  /** What it means if the claim does not exist; undefined: that it is created. */
  readonly lost?: Verdict
}

/** A place to write: what the user's container mounts, and what `seal` mounts and is told. */
export interface Place {
  readonly work: Mounts
  readonly seal: {
    readonly volumeMounts: readonly VolumeMount[]
    readonly args: readonly string[]
    readonly env?: readonly EnvVar[]
  }
}

/** An object's own folder below a prefix that many share. */
export const folderOf = (parent: Parent): string =>
  `${namespaceOf(parent)}/${kindWord(parent)}-${parent.metadata.name}`

export const artifacts = '/content/artifacts'

/** Seal sees the whole place, so that it can remove what is older. */
export const sealed = (path: string) => ({
  volumeMounts: [{ name: 'artifacts', mountPath: '/storage' }],
  args: [`--artifacts=/storage/${path}`, '--storage=/storage'],
})
