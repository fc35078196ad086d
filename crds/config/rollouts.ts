import { choice, intOrString } from '../schema/builders.ts'

/** When a running server gets a Pod template that only the configuration or the version has changed. */

export const rollout = choice(
  'When a ModelServer that answers takes what only the configuration or another version changes: once its annotation substratus.ai/rollout has another value, or at once.',
  ['OnRequest', 'Always'],
)

export const rolloutRevision = intOrString(
  'Another value rolls out what is pending on every ModelServer; so does removing it.',
  { maxLength: 63 },
)
