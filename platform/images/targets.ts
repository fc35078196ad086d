/** The project's own images, each a target of the Dockerfile. */
export const targets = ['substratus', 'loader', 'builder'] as const
export type Target = (typeof targets)[number]

/** An image's name, without registry and tag. */
export const nameOf = (target: Target): string =>
  target === 'substratus' ? target : `substratus-${target}`
