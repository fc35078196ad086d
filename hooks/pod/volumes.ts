/** Volumes and what mounts them; `before` are init containers that fill them. */
export interface Mounts {
  readonly volumes: readonly Record<string, unknown>[]
  readonly volumeMounts: readonly Record<string, unknown>[]
  readonly before: readonly Record<string, unknown>[]
}

export const noMounts: Mounts = { volumes: [], volumeMounts: [], before: [] }

export const joined = (...all: readonly Mounts[]): Mounts => ({
  volumes: all.flatMap(({ volumes }) => volumes),
  volumeMounts: all.flatMap(({ volumeMounts }) => volumeMounts),
  before: all.flatMap(({ before }) => before),
})
