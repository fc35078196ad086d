import { choice, intOrString } from '../schema/builders.ts'

/** When a running server gets a Pod template that only the configuration or the version has changed. */

export const rollout = choice(
  'When a running ModelServer gets changes that come only from the configuration or an upgrade: once its annotation substratus.ai/rollout has a new value, or at once.',
  ['OnRequest', 'Always'],
)

export const rolloutRevision = intOrString(
  'A new value rolls out what is pending on every ModelServer; so does removing it.',
  { maxLength: 63 },
)
