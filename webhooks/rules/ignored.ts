import type { Rule } from '../../crds/rule.ts'

/** Warns of fields that have no effect. */
export const ignoredRules: readonly Rule[] = [
  {
    field: 'spec.image',
    reads: ['spec.image', 'spec.build'],
    warns: () => true,
    broken: ({ spec: { image, build } }) => image !== undefined && build !== undefined,
    message: () => 'ignored, for spec.build is set and wins',
  },
]
