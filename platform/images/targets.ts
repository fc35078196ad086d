/** The project's own images, each a target of the Dockerfile. */
export const targets = ['substratus', 'loader', 'builder'] as const
export type Target = (typeof targets)[number]

/** A stage of the Dockerfile that only shows whether programs run on all platforms. */
export const probeStage = 'probe'

/** An image's name, without registry and tag. */
export const nameOf = (target: Target): string =>
  target === 'substratus' ? target : `substratus-${target}`
