import type { Config } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import { kindWord } from '../../crds/names.ts'
import type { EnvVar, Volume, VolumeMount } from '../children/manifesttypes.ts'
import { namespaceOf } from '../children/metadata.ts'
import type { Observed } from '../observe/observed.ts'
import type { Child } from '../observe/protocol.ts'
import type { Verdict } from '../observe/verdict.ts'
import type { Mounts } from '../pod/volumes.ts'

/**
 * A kind of storage for artifacts. Each object has a place of its own there, with a folder
 * STAGE/HASH for the inputs of a stage, so that changed inputs never find the files of others, and an
 * attempt with more memory finds the checkpoints of the one before.
 */
export interface Driver {
  /** The scheme of its URLs. */
  readonly scheme: string
  /** The URL of a path in an object's place. */
  readonly url: (parent: Parent, path: string, config: Config) => string
  /** Mounts the contents of such a URL, read-only; `room` is the size of a copy, if one is needed. */
  readonly read: (
    name: string,
    url: string,
    mountPath: string,
    config: Config,
    room: string | undefined,
  ) => Mounts
  /** Mounts a path of an object's place, to write to. */
  readonly write: (parent: Parent, path: string, config: Config) => Place
  /**
   * Where sealing finds what was written: already in its place (`inPlace`), in a claim from which it is
   * copied there (`inClaim`), or only in the Pod, so that the same Pod must seal it (`inPod`).
   */
  readonly written: (config: Config) => 'inPlace' | 'inClaim' | 'inPod'
  /** The claims that contain an object's place; see ResultState. */
  readonly claims: (
    parent: Parent,
    observed: Observed,
    config: Config,
    result: ResultState,
  ) => readonly WantedClaim[]
  /** The node's own disk is the storage, so that only the node that wrote a result can seal it. */
  readonly isOnNode?: true
  /** What Ready adds if the storage cannot be as requested. */
  readonly note: (parent: Parent, observed: Observed, config: Config) => string
}

export interface ResultState {
  /** Whether a recorded result is in storage. */
  readonly isStored: boolean
  /** Whether that is not the storage of the configuration. */
  readonly isElsewhere: boolean
  /** Whether the status in the request records that it is sealed. */
  readonly isSealed: boolean
  /** The attempts whose results the status in the request records in a claim. */
  readonly inClaim: readonly string[]
}

export interface WantedClaim {
  readonly claim: Child
  /** The verdict if the claim does not exist; undefined if it is simply created. */
  readonly lost?: Verdict
}

/**
 * A place to write to: the mounts of the user's container, and the mounts and arguments of `seal`, with the
 * volumes that it needs in a Pod of its own.
 */
export interface Place {
  readonly work: Mounts
  readonly seal: {
    readonly volumeMounts: readonly VolumeMount[]
    readonly volumes: readonly Volume[]
    readonly args: readonly string[]
    readonly env?: readonly EnvVar[]
    /** Whether it also copies to a bucket, which not every image can do. */
    readonly isToBucket?: true
  }
}

/** An object's own folder below a prefix that many objects share. */
export const folderOf = (parent: Parent): string =>
  `${namespaceOf(parent)}/${kindWord(parent)}-${parent.metadata.name}`

export const artifacts = '/content/artifacts'

/** Seal mounts the whole place, so that it can remove older results. */
export const sealed = (path: string) => ({
  volumeMounts: [{ name: 'artifacts', mountPath: '/storage' }],
  args: [`--artifacts=/storage/${path}`, '--storage=/storage'],
})
