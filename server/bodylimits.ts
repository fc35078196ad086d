import type { Shape } from './bodies.ts'

/** Enough for two objects with all their managed fields: no real review has more. */
export const reviewLimits: Shape = {
  maxMebibytes: 7,
  maxValues: 100_000,
  maxDepth: 200,
  scannedFrom: 32 * 1024,
}
/**
 * Enough for an object with 2,000 finished Jobs, each with all its managed fields. It must fit in the
 * limit for all bodies: otherwise its sync would never succeed. Hooks are answered at once, without
 * look-ups.
 */
export const hookLimits: Shape = {
  maxMebibytes: 16,
  maxValues: 750_000,
  maxDepth: 200,
  scannedFrom: 1024 * 1024,
}
