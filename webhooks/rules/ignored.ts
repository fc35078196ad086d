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
  {
    field: 'spec.resources.disk',
    warns: () => true,
    broken: ({ object, spec, config }) =>
      object.kind === 'ModelServer' &&
      spec.resources?.disk !== undefined &&
      config.storage.driver !== 's3',
    message: () =>
      'ignored: a ModelServer mounts its Model, and copies it to the node’s disk only with storage.driver s3',
  },
]
