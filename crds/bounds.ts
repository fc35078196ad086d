import { imagePattern } from './imagename.ts'

/** No space and no control character, in the regular expressions of Go and of JavaScript. */
export const visible = '[^\\x00-\\x20\\x7f-\\x9f]'

/** Limits of the fields of a status: a forged value must not mislead its readers. */
export const bounds = {
  /** A name of an object: the API server refuses another one, for instance in the node affinity of a Pod. */
  name: {
    maxLength: 253,
    pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$',
  },
  /** A hash of inputs or of an attempt, as crds/names.ts makes it. */
  hash: { maxLength: 16, pattern: '^[0-9a-f]{16}$' },
  digest: { maxLength: 71, pattern: '^sha256:[0-9a-f]{64}$' },
  image: { maxLength: 1024, pattern: imagePattern },
  url: { maxLength: 4096, pattern: '^[a-z0-9]+://[^\\x00-\\x1f\\x7f-\\x9f]*$' },
  /** The identity of an upstream result: an attempt with its digest, an image, or an address. */
  identity: { maxLength: 4096, pattern: `^${visible}+$` },
  /** RFC 3339 in UTC, to the second, as Kubernetes writes times. */
  time: {
    format: 'date-time',
    pattern:
      '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$',
  },
  /** What a person wrote into an annotation; a longer value is recorded as its hash. */
  annotation: { maxLength: 4096 },
} as const
