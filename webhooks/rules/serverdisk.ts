import type { Rule } from '../../crds/rule.ts'

/** Warns about a disk that a ModelServer does not use. */
export const serverDiskRules: readonly Rule[] = [
  {
    field: 'spec.resources.disk',
    reads: ['spec.resources.disk'],
    warns: () => true,
    broken: ({ object, spec, config }) =>
      object.kind === 'ModelServer' &&
      spec.resources?.disk !== undefined &&
      config.storage.driver !== 's3',
    message: () =>
      'has no effect: a ModelServer mounts its Model, and copies it to the node’s disk only with storage.driver s3',
  },
]
