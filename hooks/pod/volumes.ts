import type { Container, Volume, VolumeMount } from '../children/manifesttypes.ts'

/** Volumes and what mounts them; `before` are init containers that fill them. */
export interface Mounts {
  readonly volumes: readonly Volume[]
  readonly volumeMounts: readonly VolumeMount[]
  readonly before: readonly Container[]
}

export const noMounts: Mounts = { volumes: [], volumeMounts: [], before: [] }

export const joined = (...all: readonly Mounts[]): Mounts => ({
  volumes: all.flatMap(({ volumes }) => volumes),
  volumeMounts: all.flatMap(({ volumeMounts }) => volumeMounts),
  before: all.flatMap(({ before }) => before),
})
